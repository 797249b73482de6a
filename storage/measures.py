"""A `Sample` as integers and back, by the table of metrics: one column each, scaled as the table says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import get_type_hints

from monitor.metrics import METRICS
from monitor.model import Sample

COLUMNS: tuple[str, ...] = tuple(metric.column for metric in METRICS)

Measures = tuple[int | None, ...]
"""One integer for each of `COLUMNS`; `None` is unknown."""

SERVER_BITS = 10
"""A row's key is its time, shifted by these, and its server's number: they order rows by time, then by server."""
MOST_SERVERS = (1 << SERVER_BITS) - 1
"""The largest number of a server; a number is given once."""

_LARGEST = 2**63 - 1
_LARGEST_STORED = 2**38 - 1
"""More than anything that is measured: 256 PiB of memory. The sum of one for each second of a year is an integer to
SQLite still; where a sum is none, the flush fails, and every later one."""

# The field that a metric reads is the one whose value it gives back.
_FIELDS: tuple[str, ...] = tuple(
    field.name
    for metric in METRICS
    for field in fields(Sample)
    if field.default is None and metric.read(Sample("", 0, **{field.name: 1})) is not None
)
_WHOLE = frozenset(name for name, hint in get_type_hints(Sample).items() if hint == int | None)


def key_of(at_s: int, server_no: int = 0) -> int:
    """The key of a row; of the first row of that second, whosever it is, without a server."""
    return (at_s << SERVER_BITS) + server_no


def measures_of(sample: Sample) -> Measures:
    """Scale and round each measurement. What is no number, or too large to be true, is unknown."""
    return tuple(_stored(metric.read(sample), metric.scale) for metric in METRICS)


def sample_from(server_id: str, at_s: int, measures: Sequence[int | None]) -> Sample:
    """The sample again, as precise as its columns are."""
    values = {
        name: _measured(stored, metric.scale, whole=name in _WHOLE)
        for name, metric, stored in zip(_FIELDS, METRICS, measures, strict=True)
    }
    return Sample(server_id, at_s, **values)  # type: ignore[arg-type]


def _stored(value: float | None, scale: float) -> int | None:
    # Not the other way round: NaN compares as false.
    if value is None or not abs(value) <= _LARGEST:
        return None
    stored = round(value * scale)
    return stored if abs(stored) <= _LARGEST_STORED else None


def _measured(stored: int | None, scale: float, *, whole: bool) -> float | None:
    if stored is None:
        return None
    value = stored / scale
    return round(value) if whole else value
