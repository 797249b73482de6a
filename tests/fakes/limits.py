"""Limits in memory: `monitor.limit_watch.LimitStore`, which follows what a journal has written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from monitor.errors import StorageError
from monitor.limit_events import ForecastLifted, LimitCleared, LimitCrossed, LimitEvent, LimitForeseen, LimitRestart
from monitor.limits import Crossing, Limit
from tests.fakes.journal import FakeJournal


@dataclass(eq=False)
class FakeLimits:
    journal: FakeJournal
    limits: list[Limit] = field(default_factory=list)
    fail_with: StorageError | None = None

    async def all(self) -> Sequence[Limit]:
        if self.fail_with is not None:
            raise self.fail_with
        return list(self.limits)

    async def crossings(self) -> Sequence[Crossing]:
        found: dict[tuple[int, str], Crossing] = {}
        for event in self.journal.events:
            if isinstance(event, LimitEvent):
                key = event.limit.id, event.target
                found[key] = _after(found.get(key, Crossing(*key)), event)
        return list(found.values())


def _after(crossing: Crossing, event: LimitEvent) -> Crossing:
    match event:
        case LimitCrossed():
            return replace(crossing, crossed_ms=event.at_ms, foreseen_ms=None)
        case LimitCleared():
            return replace(crossing, crossed_ms=None, foreseen_ms=None)
        case LimitForeseen():
            return replace(crossing, foreseen_ms=event.at_ms)
        case ForecastLifted():
            return replace(crossing, foreseen_ms=None)
        case LimitRestart():
            return replace(crossing, restarted_ms=event.at_ms)
        case _:
            raise TypeError(event)
