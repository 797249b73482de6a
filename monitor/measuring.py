"""Turns the counters of the operating system into samples. Pure."""

from __future__ import annotations

from monitor.model import Sample, TreeReading
from monitor.pulse import Vitals

BUSY_PCT = 70.0
VERY_BUSY_PCT = 90.0
BUSY_FACTOR = 7 / 5
VERY_BUSY_FACTOR = 2.0
"""Five seconds become seven, and ten."""


def adapted_interval(interval_s: float, host_cpu_pct: float) -> float:
    """Give the pause between two ticks on a machine that is this busy."""
    if host_cpu_pct > VERY_BUSY_PCT:
        return interval_s * VERY_BUSY_FACTOR
    if host_cpu_pct > BUSY_PCT:
        return interval_s * BUSY_FACTOR
    return interval_s


def measure(
    server_id: str,
    at_s: int,
    vitals: Vitals,
    now: TreeReading,
    *,
    before: TreeReading | None = None,
    latest: Sample | None = None,
) -> Sample:
    """Make a sample of one server from two readings of its tree; `latest` is what was made of the one before.

    Rates are differences of cumulative counters over the whole time between the readings, so no burst between two
    ticks is missed; without an earlier reading of the same process they are unknown.
    """
    players = vitals.players
    cpu_pct = read = written = None
    if before is not None:
        elapsed_s = now.at_monotonic_s - before.at_monotonic_s
        cpu_pct = _rate(100 * now.cpu_time_s, 100 * before.cpu_time_s, elapsed_s)
        read, written = _io_rates(now, before, latest)
    return Sample(
        server_id=server_id,
        at_s=at_s,
        cpu_pct=cpu_pct,
        rss_bytes=now.rss_bytes,
        read_bytes_per_s=read,
        write_bytes_per_s=written,
        threads=now.threads,
        players=players.online if players is not None else None,
        tick_rate=vitals.tick_rate,
    )


def _io_rates(now: TreeReading, before: TreeReading, latest: Sample | None) -> tuple[float | None, float | None]:
    """Give the bytes a second, read and written; until they are counted again, what was last known."""
    if latest is not None and now.io_at_monotonic_s is not None and now.io_at_monotonic_s == before.io_at_monotonic_s:
        return latest.read_bytes_per_s, latest.write_bytes_per_s
    elapsed_s = _io_at_s(now) - _io_at_s(before)
    return (
        _rate(now.read_bytes, before.read_bytes, elapsed_s),
        _rate(now.write_bytes, before.write_bytes, elapsed_s),
    )


def _io_at_s(reading: TreeReading) -> float:
    return reading.at_monotonic_s if reading.io_at_monotonic_s is None else reading.io_at_monotonic_s


def _rate(ours: float | None, theirs: float | None, elapsed_s: float) -> float | None:
    """Give a counter's growth a second; `None` where either count is unknown, or no time has passed."""
    if elapsed_s <= 0 or ours is None or theirs is None:
        return None
    return max(0.0, (ours - theirs) / elapsed_s)
