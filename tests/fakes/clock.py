"""A clock that stands still until a test moves it: `monitor.ports.Clock` in virtual time.

`advance` wakes the sleepers one deadline after another, those of one deadline in the order in which they went to
sleep, and lets each one run until the event loop has nothing left to do. What leaves the loop (a thread, a socket) is
waited for only where `rest` does so (`tests/fakes/rest.py`); else a test that depends on such work waits for its
outcome, or for the task's next sleep with `until_sleeping`.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, TypeVar, cast

T = TypeVar("T")

EPOCH_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z, where a fake clock begins unless told otherwise."""

_NS = 1_000_000_000
_MOST_TURNS = 100_000
_PATIENCE_S = 30.0


class LoopNeverRests(AssertionError):
    """Something keeps the event loop busy: virtual time cannot go on."""


async def settle() -> None:
    """Let every task that can run do so, until all of them wait for something.

    Raises:
        LoopNeverRests: it does not end.
    """
    loop = asyncio.get_running_loop()
    for _ in range(_MOST_TURNS):
        await asyncio.sleep(0)
        if not loop._ready:  # type: ignore[attr-defined]  # asyncio tells nobody whether it is idle
            return
    raise LoopNeverRests


async def inline(work: Callable[..., T], *args: Any) -> T:
    """Stands in for `asyncio.to_thread`, so that a whole life of a server runs in virtual time alone."""
    await asyncio.sleep(0)
    return work(*args)


class FakeClock:
    """Virtual time in whole nanoseconds, so that ten steps of 0.1 s are one second."""

    def __init__(self, now_ms: int = EPOCH_MS) -> None:
        self._elapsed_ns = 0
        self._wall_ns = now_ms * 1_000_000
        self._order = count()
        self._timers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._registered = asyncio.Event()
        self.rest: Callable[[], Awaitable[None]] = settle
        """Waits until nobody can go on without time passing."""

    def now_ms(self) -> int:
        return (self._wall_ns + self._elapsed_ns) // 1_000_000

    def monotonic(self) -> float:
        return self._elapsed_ns / _NS

    @property
    def sleepers(self) -> int:
        """How many sleeps and timeouts are running."""
        return sum(not future.done() for _, _, future in self._timers)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        await self._timer(seconds)

    async def wait_for(self, awaitable: Awaitable[T], timeout_s: float) -> T:
        """As the port says. What is already finished, or finishes at the very deadline, is in time."""
        task = asyncio.ensure_future(awaitable)
        if task.done():
            return task.result()
        timer = self._timer(timeout_s)
        try:
            await asyncio.wait((task, timer), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            timer.cancel()
            await _end(task)
        raise TimeoutError

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        target_ns = self._elapsed_ns + round(seconds * _NS)
        await self.rest()
        while (due := self._next_until(target_ns)) is not None:
            deadline_ns, future = due
            self._elapsed_ns = max(self._elapsed_ns, deadline_ns)
            future.set_result(None)
            await self.rest()
        self._elapsed_ns = target_ns

    def shift_wall(self, seconds: float) -> None:
        """Set the machine's clock forward or back; monotonic time does not notice."""
        self._wall_ns += round(seconds * _NS)

    async def until_sleeping(self, sleepers: int = 1) -> None:
        """Wait (in real time, 30 s at most) until that many tasks sleep or wait with a timeout here."""
        async with asyncio.timeout(_PATIENCE_S):
            while self.sleepers < sleepers:
                self._registered.clear()
                await self._registered.wait()

    def _timer(self, seconds: float) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().create_future()
        deadline_ns = self._elapsed_ns + round(seconds * _NS)
        if deadline_ns <= self._elapsed_ns:
            future.set_result(None)
        else:
            heapq.heappush(self._timers, (deadline_ns, next(self._order), future))
            self._registered.set()
        return cast("asyncio.Future[None]", future)

    def _next_until(self, target_ns: int) -> tuple[int, asyncio.Future[None]] | None:
        while self._timers and self._timers[0][0] <= target_ns:
            deadline_ns, _, future = heapq.heappop(self._timers)
            if not future.done():
                return deadline_ns, future
        return None


async def _end(task: asyncio.Future[T]) -> None:
    """Cancel it where it still runs, and wait for its end. An error in its clean-up is raised here."""
    if task.done():
        return
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
