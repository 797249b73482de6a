"""What happens about limits, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from monitor.event import Event, Severity
from monitor.limits import Limit, RestartCause


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitEvent(Event):
    """Something about one limit; of a limit on every drive or on the machine the server's id is empty."""

    limit: Limit
    """As it was then: it may be gone when this is told."""
    target: str = ""
    """As in `Crossing`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitCrossed(LimitEvent):
    """A value has been beyond its limit for as long as it takes."""

    kind: ClassVar[str] = "limit_crossed"
    severity: ClassVar[Severity] = Severity.WARNING
    alerts: ClassVar[bool] = True

    value: float
    players: int | None = None
    """How many were on then, where the game tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitCleared(LimitEvent):
    """It has been back for as long as it takes."""

    kind: ClassVar[str] = "limit_cleared"
    alerts: ClassVar[bool] = True

    value: float
    after_s: float
    """Since the crossing was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitForeseen(LimitEvent):
    """It will be crossed before long if the value goes on as it does."""

    kind: ClassVar[str] = "limit_foreseen"
    severity: ClassVar[Severity] = Severity.WARNING
    alerts: ClassVar[bool] = True

    value: float
    growth_per_h: float
    """In the measure's unit."""
    in_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastLifted(LimitEvent):
    """What was foretold is not to be expected any more."""

    kind: ClassVar[str] = "forecast_lifted"

    restarted: bool = False
    """It has begun anew since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRestart(LimitEvent):
    """The server is restarted now, as the limit says."""

    kind: ClassVar[str] = "limit_restart"

    cause: RestartCause
