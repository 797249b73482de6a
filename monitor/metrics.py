"""The table of what is measured. Schema, chart, status and export all read it; a new metric is one row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from monitor.model import Sample


class Unit(StrEnum):
    PERCENT = "percent"
    """Of a whole."""
    PERCENT_OF_CORE = "percent_of_core"
    BYTES = "bytes"
    BYTES_PER_SECOND = "bytes_per_second"
    COUNT = "count"
    PER_SECOND = "per_second"


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that a `Sample` measures."""

    key: str
    """What people type; exports call it that, with its unit."""
    column: str
    """Its column in storage, with the stored unit in its name; an integer."""
    scale: float
    """Stored integer = measured value × scale."""
    unit: Unit
    label: str
    """English, and the key of its translation."""
    read: Callable[[Sample], float | None]


METRICS: tuple[Metric, ...] = (
    Metric("cpu", "cpu_permille", 10.0, Unit.PERCENT_OF_CORE, "CPU", lambda s: s.cpu_pct),
    Metric("memory", "rss_mib", 1 / 2**20, Unit.BYTES, "Memory", lambda s: s.rss_bytes),
    Metric("players", "players", 1.0, Unit.COUNT, "Players", lambda s: s.players),
    Metric("tick_rate", "tick_rate_centi", 100.0, Unit.PER_SECOND, "Tick rate", lambda s: s.tick_rate),
    Metric("read", "read_kib_per_s", 1 / 1024, Unit.BYTES_PER_SECOND, "Disk read", lambda s: s.read_bytes_per_s),
    Metric(
        "write",
        "write_kib_per_s",
        1 / 1024,
        Unit.BYTES_PER_SECOND,
        "Disk write",
        lambda s: s.write_bytes_per_s,
    ),
    Metric("threads", "threads", 1.0, Unit.COUNT, "Threads", lambda s: s.threads),
)

BY_KEY: dict[str, Metric] = {metric.key: metric for metric in METRICS}
