"""Puts what happened on disk, then tells the rest of the bot."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from monitor.bus import Bus
from monitor.errors import GamekeeperError
from monitor.events import Event
from monitor.model import Run
from monitor.ports import EventLog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Chronicle:
    """Where events go. Without a disk, supervision goes on untold."""

    journal: EventLog
    bus: Bus

    async def record(self, event: Event, run: Run | None = None) -> None:
        try:
            event_id = await self.journal.record(event, run)
        except GamekeeperError:
            log.exception("event_lost", server=event.server_id, kind=event.kind)
        else:
            self.bus.publish(event_id, event)

    async def record_and_begin(self, event: Event, run: Run, at_ms: int, marker: str) -> Run | None:
        """Record the end of a run and begin the next, which is given; `None` where that cannot be written down."""
        try:
            event_id, begun = await self.journal.record_and_begin(event, run, at_ms, marker)
        except GamekeeperError:
            log.exception("event_lost", server=event.server_id, kind=event.kind)
            return None
        self.bus.publish(event_id, event)
        return begun
