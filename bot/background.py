"""The tasks that run as long as the bot does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

import structlog

log = structlog.get_logger(__name__)


class Background:
    """Starts tasks, and ends them in the opposite order. One that fails is logged and costs the others nothing."""

    def __init__(self) -> None:
        self._tasks: list[tuple[asyncio.Task[None], Coroutine[Any, Any, None]]] = []

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append((asyncio.create_task(self._guarded(name, work), name=name), work))

    @staticmethod
    async def _guarded(name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            log.critical("background_task_failed", task=name, exc_info=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task, work in reversed(self._tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            work.close()  # it may not have come to begin
