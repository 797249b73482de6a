"""Which chart an alert is shown with, and how much of the time before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.events import Event, HostEvent, ServerReady
from monitor.limit_events import LimitEvent, LimitForeseen
from monitor.limits import Of
from monitor.metrics import BY_KEY, Metric

USUAL_S = 30 * 60
TREND_S = 6 * 3600
USUAL = tuple(BY_KEY[key] for key in ("cpu", "memory", "players"))


@dataclass(frozen=True, slots=True)
class Illustration:
    """What a chart shows."""

    metrics: Sequence[Metric]
    span_s: int


def illustration(event: Event) -> Illustration | None:
    """Say what to show with an alert; `None`: there is nothing to see."""
    if not event.alerts or isinstance(event, (HostEvent, ServerReady)):
        return None
    if not isinstance(event, LimitEvent):
        return Illustration(USUAL, USUAL_S)
    limit = event.limit
    if limit.measure.of is not Of.SERVER:
        return None
    span_s = TREND_S if isinstance(event, LimitForeseen) else max(USUAL_S, round(3 * limit.hold_s))
    metric = BY_KEY[limit.measure_key]
    return Illustration((metric, *(other for other in USUAL if other is not metric)), span_s)
