"""What every event is; the events themselves are in `events` and `limit_events`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Severity(StrEnum):
    """How much an event matters to the people who look after a server."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to one server."""

    kind: ClassVar[str]
    """The stable name under which it is stored."""
    severity: ClassVar[Severity] = Severity.INFO
    alerts: ClassVar[bool] = False
    """Whether it goes to the alert channel."""

    server_id: str
    at_ms: int
    """UTC epoch milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEvent(Event):
    """Something that happened to the machine or to the bot itself, and to no one server."""

    server_id: str = ""
    """Empty."""
