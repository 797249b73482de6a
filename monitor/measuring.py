"""Turns the counters of the operating system into samples. Pure."""

from __future__ import annotations

from collections.abc import Callable

from monitor.model import Sample, Server, TreeReading

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


def measure(server: Server, at_s: int, now: TreeReading, before: TreeReading | None) -> Sample:
    """Make a sample of one server from two readings of its tree.

    Rates are differences of cumulative counters over the whole time between the readings, so no burst between two
    ticks is missed; without an earlier reading of the same process they are unknown.
    """
    players = server.players
    return Sample(
        server_id=server.id,
        at_s=at_s,
        cpu_pct=_rate(now, before, lambda r: r.cpu_time_s * 100),
        rss_bytes=now.rss_bytes,
        read_bytes_per_s=_rate(now, before, lambda r: r.read_bytes),
        write_bytes_per_s=_rate(now, before, lambda r: r.write_bytes),
        threads=now.threads,
        players=players.online if players is not None else None,
        tick_rate=server.tick_rate,
    )


def _rate(now: TreeReading, before: TreeReading | None, count: Callable[[TreeReading], float | None]) -> float | None:
    """Give a counter's growth a second; `None` where either count is unknown."""
    if before is None:
        return None
    elapsed_s = now.at_monotonic_s - before.at_monotonic_s
    ours, theirs = count(now), count(before)
    if elapsed_s <= 0 or ours is None or theirs is None:
        return None
    return max(0.0, (ours - theirs) / elapsed_s)
