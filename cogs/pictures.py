"""From stored history to a drawn chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cogs.locale.catalogue import Words
from cogs.render.chart_request import Mark, MarkKind
from cogs.render.chart_words import Curve, chart_request
from cogs.render.painter import Painter
from monitor.events import (
    Event,
    ServerCrashed,
    ServerHung,
    ServerReady,
    ServerRecovered,
    ServerStarted,
    ServerStopped,
    StartFailed,
)
from monitor.metrics import Metric
from monitor.model import Server
from monitor.redaction import Redaction
from storage.journal import Journal
from storage.samples import SampleBuffer
from storage.series import Series

BUCKETS = 360
"""About two pixels each on a chart of usual width."""

SHORTEST_S = 120
"""A chart of less time than this has nothing to see."""

EVENTS_LOOKED_AT = 200

MARKS: dict[type[Event], MarkKind] = {
    ServerStarted: MarkKind.STARTED,
    ServerReady: MarkKind.READY,
    ServerStopped: MarkKind.STOPPED,
    ServerCrashed: MarkKind.CRASHED,
    StartFailed: MarkKind.CRASHED,
    ServerHung: MarkKind.HUNG,
    ServerRecovered: MarkKind.READY,
}


@dataclass(frozen=True, slots=True)
class Compared:
    """What a chart is held against: another server, or the same one some time ago."""

    server: Server
    label: str
    plain_label: str
    """The same in ASCII, for a machine without a font for the label."""
    shift_s: int = 0
    """How far back its time lies."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a chart shows, epoch seconds, and the bucket it is cut into."""

    since_s: int
    until_s: int
    bucket_s: int

    @property
    def buckets(self) -> int:
        return -(-(self.until_s - self.since_s) // self.bucket_s)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Draws charts of servers."""

    samples: SampleBuffer
    journal: Journal
    painter: Painter
    timezone: str
    sample_interval_s: float
    redaction: Redaction
    """What is drawn cannot be read for secrets any more."""

    async def chart(
        self,
        server: Server,
        metrics: Sequence[Metric],
        since_s: int,
        until_s: int,
        *,
        words: Words,
        compared: Compared | None = None,
        from_first: bool = False,
    ) -> bytes:
        """Give a PNG: one panel for each metric that anything is known of.

        With `from_first`, the empty time before the first thing that is known is left out.

        Raises:
            ChartFailed: it could not be drawn.
            StorageError: the history could not be read.
        """
        # A bucket shorter than the time between two samples would show gaps where there are none; a busy machine is
        # sampled half as often.
        shortest_s = round(3 * self.sample_interval_s)
        span = Span(since_s, until_s, max(shortest_s, (until_s - since_s) // BUCKETS, 1))
        if from_first:
            span = await self._from_first(server, metrics[0], span)
        panels = [(metric, await self._curves(server, metric, span, compared)) for metric in metrics]
        known = [(metric, curves) for metric, curves in panels if any(_knows(curve) for curve in curves)]
        request = chart_request(
            server_name=self.redaction.text(server.spec.name),
            server_id=server.id,
            words=words,
            timezone=self.timezone,
            since_s=span.since_s,
            until_s=span.until_s,
            step_s=max(span.bucket_s, *(_step_s(curve) for _, curves in panels for curve in curves)),
            curves=known or panels[:2],
            marks=await self._marks(server, span),
        )
        return await self.painter.draw(request)

    async def _from_first(self, server: Server, metric: Metric, span: Span) -> Span:
        series = await self._series(server, metric, span)
        first = next((index for index, point in enumerate(series.points) if point is not None), 0)
        since_s = min(series.since_s + (first - 1) * series.bucket_s, span.until_s - SHORTEST_S)
        return replace(span, since_s=max(span.since_s, since_s))

    async def _curves(self, server: Server, metric: Metric, span: Span, compared: Compared | None) -> list[Curve]:
        own = await self._series(server, metric, span)
        if compared is None:
            return [_curve(own)]
        shift_s = compared.shift_s
        then = Span(span.since_s - shift_s, span.until_s - shift_s, span.bucket_s)
        other = await self._series(compared.server, metric, then)
        return [
            _curve(own, name=self.redaction.text(server.spec.name), plain_name=server.id),
            _curve(other, shift_s, name=self.redaction.text(compared.label), plain_name=compared.plain_label),
        ]

    async def _series(self, server: Server, metric: Metric, span: Span) -> Series:
        return await self.samples.series(server.id, metric, span.since_s, span.until_s, span.buckets)

    async def _marks(self, server: Server, span: Span) -> list[Mark]:
        stored = await self.journal.events(server_id=server.id, limit=EVENTS_LOOKED_AT)
        return [
            Mark(event.at_ms / 1000, MARKS[type(event)])
            for event in (item.event for item in stored)
            if type(event) in MARKS and span.since_s <= event.at_ms / 1000 < span.until_s
        ]


def _curve(series: Series, shift_s: int = 0, name: str = "", plain_name: str = "") -> Curve:
    points = series.points
    begin_s = series.since_s + shift_s
    return Curve(
        at_s=[begin_s + index * series.bucket_s for index in range(len(points))],
        low=[point.low if point else None for point in points],
        mean=[point.mean if point else None for point in points],
        high=[point.high if point else None for point in points],
        name=name,
        plain_name=plain_name,
    )


def _step_s(curve: Curve) -> float:
    """The time between its points: more than was asked for where only rollups are left."""
    return curve.at_s[1] - curve.at_s[0] if len(curve.at_s) > 1 else 0


def _knows(curve: Curve) -> bool:
    return any(value is not None for value in curve.mean)
