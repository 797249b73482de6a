"""When somebody wants the bot to end: Ctrl+C, SIGTERM, or its console being closed."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CONSOLE_CLOSE_PATIENCE_S = 4.5
"""Windows ends a program five seconds after its console was closed.

Source: https://learn.microsoft.com/windows/console/handlerroutine
"""


class StopSignal:
    """Set once the bot has been told to end."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._ended = threading.Event()

    async def wait(self) -> None:
        await self._told.wait()

    def tell(self) -> None:
        """May be called from any thread, and from a signal handler."""
        self._loop.call_soon_threadsafe(self._told.set)

    def console_closed(self) -> None:
        """Called in a thread of Windows' own, which ends the process when it returns."""
        self.tell()
        self._ended.wait(CONSOLE_CLOSE_PATIENCE_S)

    def ended(self) -> None:
        """Say that everything is flushed and closed."""
        self._ended.set()


@contextmanager
def stop_signal() -> Iterator[StopSignal]:
    """Listen for the wish to end, instead of being interrupted in the middle of something."""
    stop = StopSignal()
    if sys.platform == "win32":
        from monitor.local.console import on_console_close  # noqa: PLC0415 - exists on Windows alone

        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
        with on_console_close(stop.console_closed):
            with _handled(signals, stop):
                yield stop
            stop.ended()
    else:
        with _handled((signal.SIGINT, signal.SIGTERM), stop):
            yield stop


@contextmanager
def _handled(signals: tuple[signal.Signals, ...], stop: StopSignal) -> Iterator[None]:
    before = [(number, signal.signal(number, lambda *_: stop.tell())) for number in signals]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
