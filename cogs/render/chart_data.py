"""What is drawn of a series: at most a point a pixel column, with its gaps opened and its unit scaled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cogs.render.chart_request import ChartRequest, Series, Values
from monitor.metrics import Unit

Floats = NDArray[np.float64]

GAP = 1.5
"""In steps: buckets further apart than this have nothing between them."""
BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
KIB = 1024.0


@dataclass(frozen=True, slots=True)
class Line:
    """Arrays of one length; NaN where the line breaks."""

    at_s: Floats
    low: Floats
    mean: Floats
    high: Floats

    @property
    def known(self) -> bool:
        return bool(np.isfinite(self.mean).any())


def line_of(series: Series, request: ChartRequest) -> Line:
    """The series inside the request's time, ready to be plotted; low and high fall back on the mean."""
    at_s = np.asarray(series.at_s, dtype=np.float64)
    mean = _array(series.mean)
    low, high = (np.where(np.isnan(part), mean, part) for part in (_array(series.low), _array(series.high)))
    inside = (at_s >= request.since_s - request.step_s) & (at_s <= request.until_s)
    line = Line(at_s[inside], low[inside], mean[inside], high[inside])
    column_s = (request.until_s - request.since_s) / request.width_px
    if line.at_s.size > request.width_px:
        line = _thinned(line, request.since_s, column_s)
    return _opened(line, max(request.step_s, column_s))


def _array(values: Values) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _thinned(line: Line, since_s: float, column_s: float) -> Line:
    """One point a pixel column: its lowest, its mean, its highest. A column of gaps alone stays a gap."""
    columns = np.floor((line.at_s - since_s) / column_s).astype(np.int64)
    starts = np.flatnonzero(np.diff(columns, prepend=columns[0] - 1))
    known = np.isfinite(line.mean)
    counts = np.add.reduceat(known.astype(np.float64), starts)
    sums = np.add.reduceat(np.where(known, line.mean, 0.0), starts)
    mean = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    low, high = np.fmin.reduceat(line.low, starts), np.fmax.reduceat(line.high, starts)
    # Where its column begins, not where its first point lies: points further apart than a column are a gap.
    at_s = (since_s + columns[starts] * column_s).astype(np.float64)
    return Line(at_s, low, mean, high)


def _opened(line: Line, step_s: float) -> Line:
    """Put a NaN into each hole in time, one step after what was last known, so that no line is drawn across it."""
    holes = np.flatnonzero(np.diff(line.at_s) > GAP * step_s) + 1
    return Line(
        np.insert(line.at_s, holes, line.at_s[holes - 1] + step_s),
        *(np.insert(part, holes, np.nan) for part in (line.low, line.mean, line.high)),
    )


def lonely(line: Line) -> NDArray[np.intp]:
    """Where a point has a gap on either side: a line through it alone would not be seen."""
    known = np.isfinite(line.mean)
    padded = np.concatenate(([False], known, [False]))
    return np.flatnonzero(known & ~padded[:-2] & ~padded[2:])


def top_of(lines: list[Line]) -> float:
    """The highest value of a panel, 0.0 where it has none."""
    return max((float(np.nanmax(line.high)) for line in lines if line.known), default=0.0)


def scale(unit: Unit, top: float) -> tuple[float, str]:
    """What to divide an axis by, and the name of its unit: (1073741824, "GiB"). Only bytes are scaled."""
    if unit not in (Unit.BYTES, Unit.BYTES_PER_SECOND):
        return 1.0, ""
    power = 0
    while top >= KIB and power < len(BINARY) - 1:
        top /= KIB
        power += 1
    return KIB**power, BINARY[power] + ("/s" if unit is Unit.BYTES_PER_SECOND else "")


def figure_text(value: float) -> str:
    """Three significant digits: 1234 as "1,234", 3.256 as "3.26"."""
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2  # noqa: PLR2004
    return f"{value:,.{digits}f}"
