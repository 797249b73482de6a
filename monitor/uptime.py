"""How much of a span a server was up, and how often it failed, by the runs it had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.model import Verdict


@dataclass(frozen=True, slots=True)
class RunSpan:
    """From when to when one run lasted; UTC epoch milliseconds."""

    started_ms: int
    ended_ms: int | None = None
    """`None`: it goes on."""
    verdict: Verdict | None = None
    """What its end was taken for."""
    seen_ms: int | None = None
    """Where nobody saw its end: when it last was known to live. It ended between then and `ended_ms`."""

    @property
    def alive_until_ms(self) -> int | None:
        """Up to when it is sure to have lived; `None`: it still does."""
        return self.ended_ms if self.seen_ms is None else self.seen_ms


@dataclass(frozen=True, slots=True)
class Uptime:
    """How a span divides up."""

    since_ms: int
    until_ms: int
    up_ms: int
    unknown_ms: int
    """The bot was not there to see, and the server had ended when it came back."""

    @property
    def share(self) -> float | None:
        """From 0 to 1, of the time of which something is known; `None`: nothing is."""
        known_ms = self.until_ms - self.since_ms - self.unknown_ms
        return self.up_ms / known_ms if known_ms > 0 else None


@dataclass(frozen=True, slots=True)
class Failures:
    """How often a server ended by its own failing."""

    by_verdict: Mapping[Verdict, int]
    up_ms: int
    """How long it was up in that time."""

    @property
    def total(self) -> int:
        return sum(self.by_verdict.values())

    @property
    def mean_between_ms(self) -> int | None:
        """Its time up for each failure; `None` where it never failed."""
        return self.up_ms // self.total if self.total else None


def uptime(runs: Iterable[RunSpan], since_ms: int, until_ms: int) -> Uptime:
    """Add up what lies between `since_ms` and `until_ms`, which is now at the latest. No moment counts twice."""
    up_ms = unknown_ms = 0
    counted_ms = since_ms
    for run in sorted(runs, key=lambda run: run.started_ms):
        end_ms = _clipped(run.ended_ms, until_ms)
        alive_ms = min(_clipped(run.alive_until_ms, until_ms), end_ms)
        begin_ms = max(run.started_ms, counted_ms)
        up_ms += max(0, alive_ms - begin_ms)
        unknown_ms += max(0, end_ms - max(alive_ms, begin_ms))
        counted_ms = max(counted_ms, end_ms)
    return Uptime(since_ms, until_ms, up_ms, unknown_ms)


def failures(runs: Iterable[RunSpan], since_ms: int, until_ms: int) -> Failures:
    """Count the ends from `since_ms` up to, not including, `until_ms` that were the server's own failing."""
    spans = tuple(runs)
    verdicts = Counter(
        run.verdict
        for run in spans
        if run.verdict is not None
        and run.verdict.failure
        and run.ended_ms is not None
        and since_ms <= run.ended_ms < until_ms
    )
    return Failures(dict(verdicts), uptime(spans, since_ms, until_ms).up_ms)


def _clipped(at_ms: int | None, until_ms: int) -> int:
    return until_ms if at_ms is None else min(at_ms, until_ms)
