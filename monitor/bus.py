"""Tells the rest of the bot, at once, of events that are already on disk."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from monitor.events import Event

Listener = Callable[[int, Event], None]
"""Called with an event's id and the event, on the event loop. Must return at once."""

log = structlog.get_logger(__name__)


class Bus:
    """Calls each listener in turn. One that fails is logged, and costs the others nothing."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def publish(self, event_id: int, event: Event) -> None:
        for listener in self._listeners:
            try:
                listener(event_id, event)
            except Exception:
                log.exception("listener_failed", event_id=event_id, kind=event.kind)
