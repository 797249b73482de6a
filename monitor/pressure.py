"""The host's memory: how short it is, and who gives some back before the games have to.

The decision is `level_after`; `Pressure` keeps the level, logs each step once, and has the relievers do their part.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

import structlog

from monitor.model import HostReading

log = structlog.get_logger(__name__)


class Level(IntEnum):
    """How short the host is of memory."""

    NORMAL = 0
    HIGH = 1
    """Old caches go, and what waits to be written is written."""
    CRITICAL = 2
    """Everything that can go goes."""


STEPS = {Level.HIGH: "memory_high", Level.CRITICAL: "memory_critical"}
ABOVE = {Level.HIGH: 0.80, Level.CRITICAL: 0.90}
"""A level begins with more than this share of the memory in use."""
MARGIN = 0.05
"""A level ends this far below where it begins: one that came and went with every sample would help nobody."""


def used_share(host: HostReading) -> float | None:
    """How much of the memory is not to be had, 0 to 1; `None` where the system does not tell."""
    if host.memory_total_bytes <= 0:
        return None
    return min(max(1 - host.memory_available_bytes / host.memory_total_bytes, 0.0), 1.0)


def level_after(before: Level, used: float | None) -> Level:
    """Judge a reading; where nothing is known, all stays as it is."""
    if used is None:
        return before
    return max(
        (level for level, above in ABOVE.items() if used > (above - MARGIN if level <= before else above)),
        default=Level.NORMAL,
    )


@dataclass(frozen=True, slots=True)
class Reliever:
    """Something that gives memory back."""

    name: str
    level: Level
    """From which level on."""
    relieve: Callable[[], Awaitable[object] | None]
    """Called on the event loop. It may fail: that is logged, and costs the others nothing."""
    steady: bool = False
    """Whether it does so at every reading as long as it lasts, and not only once when it begins."""


class Pressure:
    """Follows the level and calls the relievers. All of it belongs to the event loop's thread."""

    def __init__(self, relievers: Iterable[Reliever]) -> None:
        self._relievers = tuple(relievers)
        self._told = {Level.NORMAL}
        self._due: dict[str, Reliever] = {}
        self._wanted = asyncio.Event()
        self.level = Level.NORMAL

    def reading(self, host: HostReading) -> None:
        """Take in what the host's memory is like now. Never waits: `run` does what follows from it."""
        used = used_share(host)
        before, self.level = self.level, level_after(self.level, used)
        for reliever in self._relievers:
            begins = before < reliever.level <= self.level
            if begins or (reliever.steady and reliever.level <= self.level):
                self._due[reliever.name] = reliever
        if self._due:
            self._wanted.set()
        if self.level is not before:
            self._tell(used)

    async def run(self) -> None:
        """Have done what is due, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._due:
                name = next(iter(self._due))
                await self._relieve(self._due.pop(name))

    async def _relieve(self, reliever: Reliever) -> None:
        try:
            pending = reliever.relieve()
            if inspect.isawaitable(pending):
                await pending
        except Exception:
            log.exception("memory_not_given_back", reliever=reliever.name)

    def _tell(self, used: float | None) -> None:
        """Log each step up once until it is all over, and that once as well."""
        percent = None if used is None else round(used * 100)
        if self.level is Level.NORMAL:
            self._told = {Level.NORMAL}
            log.info("memory_normal_again", used_pct=percent)
        elif self.level not in self._told:
            self._told |= {level for level in Level if level <= self.level}
            gone = [reliever.name for reliever in self._relievers if reliever.level <= self.level]
            log.warning(STEPS[self.level], used_pct=percent, given_back=gone)
