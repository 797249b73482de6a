"""From what somebody types for a limit to the limit, or to the reason why it cannot be one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from monitor.errors import GamekeeperError
from monitor.limits import (
    DISK_FREE,
    DISK_FREE_PCT,
    MEASURES,
    Hours,
    Limit,
    Measure,
    Of,
    RestartRule,
    Side,
    usual_back_at,
)
from monitor.quantities import hours, is_percent, quantity

MOST_LIMITS = 100
MINUTE_S = 60
WAIT_MIN = 120
WAIT_IN_HOURS_MIN = 1440
"""How long a restart waits for players to leave unless said otherwise: until its hours have come once."""

TYPED = tuple(key for key in MEASURES if key != DISK_FREE_PCT.key)
"""The measures that people choose from; which one of a disk's they mean, the value tells."""


class LimitFault(StrEnum):
    """Why a limit cannot be one."""

    OF_THE_MACHINE = "of_the_machine"
    """The measure is of the machine, and a server was named."""
    NOTHING_TO_RESTART = "nothing_to_restart"
    """The measure is of no server, and one was to be restarted."""
    BACK_BEYOND = "back_beyond"
    """It would be over while it is still crossed."""
    CEILING_SHORT = "ceiling_short"
    """The ceiling is nearer than the limit itself."""
    ONLY_FOR_RESTART = "only_for_restart"
    """Something was said about a restart, and there is to be none."""
    TOO_MANY = "too_many"


class LimitRefused(GamekeeperError):
    """A limit cannot be as it was typed."""

    def __init__(self, fault: LimitFault, most: int = MOST_LIMITS) -> None:
        super().__init__(fault, most)
        self.fault = fault
        self.most = most
        """For TOO_MANY: how many there may be."""


class UnknownLimit(GamekeeperError):
    """There is no limit with that number."""

    def __init__(self, typed: str) -> None:
        super().__init__(typed)
        self.typed = typed


@dataclass(frozen=True, slots=True)
class Terms:
    """What was typed; the empty text is what was left out."""

    measure_key: str
    side: Side
    value: str
    minutes: int
    server_id: str | None = None
    restart: bool = False
    back_at: str = ""
    ceiling: str = ""
    wait_min: int | None = None
    hours: str = ""


def limit_of(terms: Terms, zone: str) -> Limit:
    """Read the terms; the hours are those of a clock in the zone.

    Raises:
        BadQuantity: a value is none.
        BadHours: the hours are none.
        LimitRefused: they make no limit.
    """
    measure = _measure(terms)
    if measure.of is Of.HOST and terms.server_id is not None:
        raise LimitRefused(LimitFault.OF_THE_MACHINE)
    value = quantity(terms.value, measure.unit)
    limit = Limit(
        measure_key=measure.key,
        side=terms.side,
        value=value,
        back_at=usual_back_at(measure, terms.side, value),
        hold_s=terms.minutes * MINUTE_S,
        server_id=terms.server_id,
        restart=_rule(terms, measure, zone),
    )
    return _checked(limit, quantity(terms.back_at, measure.unit) if terms.back_at else limit.back_at)


def _measure(terms: Terms) -> Measure:
    if terms.measure_key == DISK_FREE.key and is_percent(terms.value):
        return DISK_FREE_PCT
    return MEASURES[terms.measure_key]


def _rule(terms: Terms, measure: Measure, zone: str) -> RestartRule | None:
    if not terms.restart:
        if terms.ceiling or terms.hours or terms.wait_min is not None:
            raise LimitRefused(LimitFault.ONLY_FOR_RESTART)
        return None
    if measure.of is not Of.SERVER:
        raise LimitRefused(LimitFault.NOTHING_TO_RESTART)
    span = Hours(*hours(terms.hours), zone) if terms.hours else None
    usual_min = WAIT_MIN if span is None else WAIT_IN_HOURS_MIN
    return RestartRule(
        wait_s=(usual_min if terms.wait_min is None else terms.wait_min) * MINUTE_S,
        ceiling=quantity(terms.ceiling, measure.unit) if terms.ceiling else None,
        hours=span,
    )


def _checked(limit: Limit, back_at: float) -> Limit:
    if limit.crossed_by(back_at):
        raise LimitRefused(LimitFault.BACK_BEYOND)
    ceiling = limit.restart.ceiling if limit.restart is not None else None
    if ceiling is not None and not limit.as_far_as(ceiling, limit.value):
        raise LimitRefused(LimitFault.CEILING_SHORT)
    return replace(limit, back_at=back_at)
