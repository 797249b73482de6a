"""One queue of jobs done one after the other, and named tasks that run beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog

from monitor.errors import GamekeeperError

log = structlog.get_logger(__name__)

T = TypeVar("T")


class JobQueue:
    """Serialises what happens to one thing. A job that fails is told to whoever asked, and the next one is done."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._inbox: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._beside: dict[str, asyncio.Task[None]] = {}
        self._unanswered: set[asyncio.Future[Any]] = set()
        self._closed = self._ended = False

    async def ask(self, job: Callable[[], Awaitable[T]]) -> T:
        """Have a job done in its turn, and give its result or raise its error.

        Whoever waits when the queue closes, or asks after that, is cancelled.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._unanswered.add(answer)
        answer.add_done_callback(self._unanswered.discard)
        self._inbox.put_nowait(lambda: self._answer(answer, job))
        if self._closed:
            answer.cancel()
        return await answer

    async def _answer(self, answer: asyncio.Future[T], job: Callable[[], Awaitable[T]]) -> None:
        if answer.cancelled():
            return
        try:
            result = await job()
        except BaseException as failure:
            self._refuse(answer, failure)
            if not isinstance(failure, GamekeeperError):
                raise
        else:
            if not answer.done():
                answer.set_result(result)

    @staticmethod
    def _refuse(answer: asyncio.Future[T], failure: BaseException) -> None:
        if answer.done():
            return
        if isinstance(failure, asyncio.CancelledError):
            answer.cancel()
        else:
            answer.set_exception(failure)

    def tell(self, job: Callable[[], Awaitable[None]]) -> None:
        """Have a job done in its turn; its failure is logged."""
        self._inbox.put_nowait(job)

    def end(self) -> None:
        """Do no other job after the one that says this."""
        self._ended = True

    async def serve(self) -> None:
        """Do one job after the other, until cancelled, or until one of them says that it was the last."""
        while not self._ended:
            job = await self._inbox.get()
            try:
                await job()
            except Exception:
                log.exception("job_failed", owner=self._owner)

    def beside(self, name: str, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Run a task beside the queue, in the place of any earlier one of that name."""
        self.call_off(name)
        self._beside[name] = asyncio.create_task(self._guarded(name, work), name=f"{self._owner}:{name}")

    async def _guarded(self, name: str, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        try:
            await work()
        except Exception:
            log.exception("task_failed", owner=self._owner, task=name)

    def call_off(self, *names: str) -> None:
        for name in names:
            task = self._beside.pop(name, None)
            if task is not None:
                task.cancel()

    async def close(self) -> None:
        """Cancel what runs beside the queue and wait until it is gone; let everybody go who still waits."""
        self._closed = True
        tasks = tuple(self._beside.values())
        self.call_off(*tuple(self._beside))
        for answer in tuple(self._unanswered):
            answer.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
