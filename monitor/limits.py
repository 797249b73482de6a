"""Bounds that people set on what is measured: when one is crossed, when that is over, when a server is restarted.

Pure decisions over values. Time comes in as seconds that never jump; only differences of it mean anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from monitor.metrics import METRICS, Unit

LIMIT = "limit"
"""What the id of an actor begins with that is a limit; its number follows after a colon."""
MARGIN = 0.05
"""Unless said otherwise it is over once the value is back by this share of the limit."""
LONGEST_GAP_S = 180.0
"""After so long without a known value, what was held before does not count any more."""
FORESEEN_H = 6.0
NOT_FORESEEN_H = 12.0
"""A crossing is foretold when it is nearer than the one, and no longer when it is further off than the other."""


class Of(StrEnum):
    """What a measure is of."""

    SERVER = "server"
    DISK = "disk"
    """The drive that a server is on."""
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that can have a limit."""

    key: str
    unit: Unit
    label: str
    """English, and the key of its translation."""
    of: Of


DISK_FREE = Measure("disk_free", Unit.BYTES, "Free disk space", Of.DISK)
DISK_FREE_PCT = Measure("disk_free_pct", Unit.PERCENT, "Free disk space", Of.DISK)
HOST_CPU = Measure("host_cpu", Unit.PERCENT, "CPU of the machine", Of.HOST)
HOST_MEMORY = Measure("host_memory", Unit.PERCENT, "Memory of the machine", Of.HOST)

MEASURES: dict[str, Measure] = {
    measure.key: measure
    for measure in (
        *(Measure(metric.key, metric.unit, metric.label, Of.SERVER) for metric in METRICS),
        DISK_FREE,
        DISK_FREE_PCT,
        HOST_CPU,
        HOST_MEMORY,
    )
}


class Side(StrEnum):
    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of the day, in minutes since midnight; it may go over midnight."""

    from_min: int
    to_min: int
    """Not in it any more."""
    zone: str
    """By whose clock: a name such as Europe/Berlin."""

    def hold(self, minute: int) -> bool:
        if self.from_min <= self.to_min:
            return self.from_min <= minute < self.to_min
        return minute >= self.from_min or minute < self.to_min


@dataclass(frozen=True, slots=True)
class RestartRule:
    """How a server is restarted for a limit: once nobody is on, and what does not wait for that."""

    wait_s: float
    """At the latest so long after the crossing."""
    ceiling: float | None = None
    """At once when the value is as far as this."""
    hours: Hours | None = None
    """Only then, unless one of the above comes first."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound, and what to do about it."""

    measure_key: str
    side: Side
    """On which side of the value the trouble is."""
    value: float
    """In the measure's unit."""
    back_at: float
    """It is over when the value is this far back; not beyond `value`."""
    hold_s: float
    """How long without a break it has to be crossed before it counts, and back before it is over."""
    server_id: str | None = None
    """`None`: every server, every drive, or the machine."""
    restart: RestartRule | None = None
    """`None`: it is only told."""
    id: int = 0
    """Given when it is added."""

    @property
    def measure(self) -> Measure:
        return MEASURES[self.measure_key]

    def crossed_by(self, value: float) -> bool:
        return value > self.value if self.side is Side.ABOVE else value < self.value

    def as_far_as(self, value: float, mark: float) -> bool:
        """Whether a value has come as far into trouble as the mark."""
        return value >= mark if self.side is Side.ABOVE else value <= mark


def usual_back_at(measure: Measure, side: Side, value: float) -> float:
    """Say when it is over where nobody did: a little short of the limit, and where values can get to at all."""
    margin = abs(value) * MARGIN
    if measure.unit is Unit.COUNT:
        margin = math.floor(margin)
    if measure.unit is Unit.PERCENT:
        margin = min(margin, (100 - value) / 2)
    return value - margin if side is Side.ABOVE else value + margin


class Change(StrEnum):
    CROSSED = "crossed"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands against a limit, and for how long it has been on its way to the other side."""

    crossed: bool = False
    held_s: float = 0.0
    """How long it has been known to be on its way, without a break."""
    seen_s: float | None = None
    """When it was last seen to be; `None`: it is not on its way."""
    unsure: bool = False
    """Whether nothing is known since then."""


CLEAR = Position()
CROSSED = Position(crossed=True)


def edge(limit: Limit, *, crossed: bool) -> tuple[float, float]:
    """Give a sign and a bound: the value is on its way to the other side where sign × value is above the bound."""
    outwards = 1.0 if limit.side is Side.ABOVE else -1.0
    if not crossed:
        return outwards, outwards * limit.value
    # Back at the very mark counts as back.
    return -outwards, math.nextafter(-outwards * limit.back_at, -math.inf)


def judge(
    limit: Limit, position: Position, value: float | None, now_s: float, *, longest_gap_s: float = LONGEST_GAP_S
) -> tuple[Position, Change | None]:
    """Take in a value, at a time; `None` is one that nobody knows, and decides nothing.

    Time next to an unknown value counts neither way. Returns the new position, and what has changed by it.
    """
    if value is None:
        return (position if position.seen_s is None else replace(position, unsure=True)), None
    sign, bound = edge(limit, crossed=position.crossed)
    if not sign * value > bound:
        return (CROSSED if position.crossed else CLEAR), None
    held_s = _held_s(position, now_s, longest_gap_s)
    if held_s < limit.hold_s:
        return Position(position.crossed, held_s, now_s), None
    return (CLEAR, Change.CLEARED) if position.crossed else (CROSSED, Change.CROSSED)


def _held_s(position: Position, now_s: float, longest_gap_s: float) -> float:
    if position.seen_s is None:
        return 0.0
    gap_s = now_s - position.seen_s
    if not 0 <= gap_s <= longest_gap_s:
        return 0.0
    return position.held_s if position.unsure else position.held_s + gap_s


class RestartCause(StrEnum):
    """Why the time for a restart has come."""

    EMPTY = "empty"
    WAITED = "waited"
    CEILING = "ceiling"


def restart_cause(
    limit: Limit, *, value: float | None, players: int | None, waited_s: float, minute: int
) -> RestartCause | None:
    """Say why a server is to be restarted now for a limit that it has crossed; `None`: not yet, or not at all.

    Args:
        limit: the one that is crossed.
        value: as it is now.
        players: how many are on; `None`, which nobody takes for none, where the game does not tell.
        waited_s: since the crossing.
        minute: of the day, by the clock of the limit's hours.
    """
    rule = limit.restart
    if rule is None:
        return None
    if rule.ceiling is not None and value is not None and limit.as_far_as(value, rule.ceiling):
        return RestartCause.CEILING
    if waited_s >= rule.wait_s:
        return RestartCause.WAITED
    in_hours = rule.hours is None or rule.hours.hold(minute)
    return RestartCause.EMPTY if players == 0 and in_hours else None


class Outlook(StrEnum):
    FORESEEN = "foreseen"
    LIFTED = "lifted"


def hours_left(limit: Limit, value: float, growth_per_h: float) -> float:
    """Say in how many hours a value that goes on growing like this crosses a limit; infinity: never."""
    way = limit.value - value if limit.side is Side.ABOVE else value - limit.value
    speed = growth_per_h if limit.side is Side.ABOVE else -growth_per_h
    if way <= 0:
        return 0.0
    return way / speed if speed > 0 else math.inf


def outlook(left_h: float | None, *, foreseen: bool) -> Outlook | None:
    """Say whether a crossing is to be foretold now, or what was foretold is not to be expected any more.

    `left_h` is `None` where too little is known: then all stays as it is.
    """
    if left_h is None:
        return None
    if not foreseen:
        return Outlook.FORESEEN if left_h <= FORESEEN_H else None
    return Outlook.LIFTED if left_h > NOT_FORESEEN_H else None


@dataclass(frozen=True, slots=True)
class Crossing:
    """What is written down of one limit and one of the things it is about."""

    limit_id: int
    target: str
    """The server's id; of a limit on every drive, the drive; else empty."""
    crossed_ms: int | None = None
    """Since when; `None`: it is not crossed."""
    foreseen_ms: int | None = None
    """Since when a crossing is foretold."""
    restarted_ms: int | None = None
    """When a server was last restarted for it."""
