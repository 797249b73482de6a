"""Names what keeps the event loop from going on: one call that blocks holds up every server, and Discord, at once."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from monitor.ports import Clock

LOOK_EVERY_S = 0.25
MISSED = 4
"""Blocked: so many looks in a row without a beat. Looks and not seconds, as a machine that sleeps stops both."""
FRAMES = 12
"""So many of the innermost calls are named."""

log = structlog.get_logger(__name__)


class Watchdog:
    """Is told by the loop that it goes on, and looks from a thread of its own whether it still does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watched = threading.get_ident()
        self._beat_s = clock.monotonic()
        self._missed = 0

    async def run(self, every_s: float = LOOK_EVERY_S) -> None:
        """Tell that the loop goes on, until cancelled."""
        while True:
            self.beat()
            await self._clock.sleep(every_s)

    def beat(self) -> None:
        """The loop goes on."""
        now_s = self._clock.monotonic()
        if self._missed >= MISSED:
            log.warning("loop_goes_on", blocked_s=round(now_s - self._beat_s, 1))
        self._missed, self._beat_s = 0, now_s

    def look(self) -> None:
        """Look whether it does, and name once what it is held up by."""
        self._missed += 1
        if self._missed == MISSED:
            log.critical("loop_blocked", by=self._by())

    @contextmanager
    def looking(self, every_s: float = LOOK_EVERY_S) -> Iterator[None]:
        """Look again and again, from a thread that ends with the block."""
        ended = threading.Event()

        def look_on() -> None:
            while not ended.wait(every_s):
                self.look()

        thread = threading.Thread(target=look_on, name="watchdog", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _by(self) -> list[str]:
        """The calls that the loop's thread is in, the innermost last."""
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001  # documented: the one way to see another thread
        calls = traceback.extract_stack(frame, FRAMES)
        return [f"{call.filename}:{call.lineno} {call.name}" for call in calls]
