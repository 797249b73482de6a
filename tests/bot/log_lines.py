"""What the bot logs of its own, kept for a test to look at and to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, NoReturn

import structlog

from tests.fakes.waiting import PATIENCE_S

Line = dict[str, Any]


class LogLines:
    """Every line so far, as data: `event`, `log_level`, and what was said with them."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._loop = asyncio.get_running_loop()
        self._more = asyncio.Event()

    def named(self, event: str) -> list[Line]:
        return [line for line in self.lines if line["event"] == event]

    def grave(self) -> list[Line]:
        """Those that nobody foresaw."""
        return [line for line in self.lines if line["log_level"] == "critical" or "exc_info" in line]

    async def line(self, event: str, timeout_s: float = PATIENCE_S) -> Line:
        """The first line of this name, waiting for it."""
        async with asyncio.timeout(timeout_s):
            while not (found := self.named(event)):
                self._more.clear()
                await self._more.wait()
        return found[0]

    def __call__(self, _logger: object, method: str, line: MutableMapping[str, Any]) -> NoReturn:
        """Work as structlog's only processor."""
        self.lines.append({**line, "log_level": method})
        self._loop.call_soon_threadsafe(self._more.set)
        raise structlog.DropEvent


@contextmanager
def captured() -> Iterator[LogLines]:
    """Take all that structlog is given, and let nothing of it through."""
    before = structlog.get_config()
    lines = LogLines()
    structlog.configure(processors=[lines])
    try:
        yield lines
    finally:
        structlog.configure(**before)
