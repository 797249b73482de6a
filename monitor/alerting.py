"""Whom an event is told, and what it means for what is wrong already: pure decisions.

An incident is what is wrong with one server, from its first alert until the server is well again; or one limit that
is crossed, or going to be, until that is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.events import (
    Event,
    HostEvent,
    RestartCalledOff,
    RestartsExhausted,
    ServerCrashed,
    ServerHung,
    ServerReady,
    ServerRecovered,
    ServerStarted,
    ServerStopped,
    Severity,
    StartFailed,
)
from monitor.limit_events import ForecastLifted, LimitCleared, LimitEvent
from monitor.limits import LIMIT

ALERTS = "alerts"
"""The destination of what no route takes: the channel that is set for alerts."""
ROUTE, ESCALATION, OWNER = "route", "escalation", "owner"
"""What the other destinations begin with; an id follows after a colon."""

STALE_MS = 15 * 60_000
"""A crash this long after the last sign of an incident begins another one."""
SEVERITIES = tuple(Severity)
"""The mildest first."""


def route_of(destination: str) -> int | None:
    """The route that a destination belongs to; `None` for one of another sort."""
    sort, _, number = destination.partition(":")
    return int(number) if sort in (ROUTE, ESCALATION) and number.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events something is about."""

    server_id: str | None = None
    """`None`: all servers, and the machine itself."""
    kinds: frozenset[str] = frozenset()
    """Empty: all kinds."""
    min_severity: Severity = Severity.INFO

    def takes(self, event: Event) -> bool:
        return (
            self.server_id in (None, event.server_id)
            and (not self.kinds or event.kind in self.kinds)
            and SEVERITIES.index(event.severity) >= SEVERITIES.index(self.min_severity)
        )


@dataclass(frozen=True, slots=True)
class Open:
    """An incident that is going on."""

    id: int
    last_ms: int
    """When it last developed."""
    given_up: bool
    """Its restarts are used up: it waits for somebody."""


class Step(StrEnum):
    """What an event does to the incident of its server."""

    ALONE = "alone"
    """It belongs to none."""
    OPENS = "opens"
    """Begins one, and ends one that was still going on."""
    JOINS = "joins"
    EXHAUSTS = "exhausts"
    """Joins it, and says that nothing more happens by itself."""
    CLOSES = "closes"


FAILURES = (ServerCrashed, ServerHung, StartFailed)
HELPLESS = (RestartsExhausted, StartFailed)
"""After these nothing more happens by itself."""
ENDINGS = (ServerReady, ServerRecovered, ServerStopped, RestartCalledOff)
LIMIT_ENDINGS = (LimitCleared, ForecastLifted)
DEVELOPMENTS = (*FAILURES, *ENDINGS, ServerStarted, RestartsExhausted, LimitEvent)
"""The events that an incident can consist of."""


def subject(event: Event) -> str:
    """What an event is about beside its server: a limit and one thing that it holds for; else nothing."""
    return f"{LIMIT}:{event.limit.id}:{event.target}" if isinstance(event, LimitEvent) else ""


def step(event: Event, incident: Open | None) -> Step:
    """Say what an event does to the incident that is going on for its server and its subject, or to none."""
    if isinstance(event, LimitEvent):
        return _limit_step(event, going_on=incident is not None)
    if isinstance(event, HostEvent) or not isinstance(event, DEVELOPMENTS):
        return Step.ALONE
    if incident is None:
        return Step.OPENS if isinstance(event, (*FAILURES, RestartsExhausted)) else Step.ALONE
    if isinstance(event, FAILURES) and (incident.given_up or event.at_ms - incident.last_ms >= STALE_MS):
        return Step.OPENS
    if isinstance(event, HELPLESS):
        return Step.EXHAUSTS
    return Step.CLOSES if isinstance(event, ENDINGS) else Step.JOINS


def _limit_step(event: LimitEvent, *, going_on: bool) -> Step:
    if isinstance(event, LIMIT_ENDINGS):
        return Step.CLOSES if going_on else Step.ALONE
    if going_on:
        return Step.JOINS
    return Step.OPENS if event.alerts else Step.ALONE


def next_destination(
    destination: str,
    tried: Sequence[str],
    fallbacks: Mapping[int, int | None],
    *,
    to_alerts: bool,
    owner_ids: Sequence[int],
) -> str | None:
    """Where an alert goes whose destination is gone; `None` where nothing is left.

    Args:
        destination: the one that is gone.
        tried: those that were gone before.
        fallbacks: of each route that there is, the one that stands in for it.
        to_alerts: whether a channel is set for alerts.
        owner_ids: who is written to when no channel can be.
    """
    route = route_of(destination)
    instead = fallbacks.get(route) if route is not None else None
    chain = [f"{ROUTE}:{instead}"] if instead in fallbacks else []
    chain += [ALERTS] if to_alerts else []
    chain += [f"{OWNER}:{owner_id}" for owner_id in owner_ids]
    gone = {destination, *tried}
    return next((each for each in chain if each not in gone), None)
