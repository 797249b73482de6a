from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.render.chart_data import figure_text, line_of, lonely, scale, top_of
from cogs.render.chart_request import Label, Series
from monitor.metrics import Unit
from tests.cogs.render.charts import SINCE_S, STEP_S, UNTIL_S, request

REQUEST = request()
NAME = Label("", "")
VALUE = st.one_of(st.none(), st.floats(0, 1e12))


def series(at_s: list[float], mean: list[float | None]) -> Series:
    return Series(NAME, tuple(at_s), tuple(mean), tuple(mean), tuple(mean))


def test_missing_buckets_open_a_gap_one_step_after_what_was_known() -> None:
    line = line_of(series([SINCE_S, SINCE_S + 60, SINCE_S + 600], [1.0, 2.0, 3.0]), REQUEST)
    assert list(line.at_s - SINCE_S) == [0, 60, 120, 600]
    assert np.isnan(line.mean[2])


def test_what_lies_outside_the_time_is_left_out() -> None:
    line = line_of(series([SINCE_S - 600, SINCE_S, UNTIL_S + 60], [1.0, 2.0, 3.0]), REQUEST)
    assert list(line.mean) == [2.0]


def test_low_and_high_fall_back_on_the_mean() -> None:
    line = line_of(Series(NAME, (SINCE_S,), (None,), (5.0,), (None,)), REQUEST)
    assert (line.low[0], line.high[0]) == (5.0, 5.0)


def test_a_point_between_gaps_is_lonely() -> None:
    values: list[float | None] = [1.0, None, 2.0, 3.0, None, 4.0]
    line = line_of(series([SINCE_S + STEP_S * n for n in range(6)], values), REQUEST)
    assert list(lonely(line)) == [0, 5]


@given(st.lists(VALUE, min_size=41, max_size=120))
def test_thinning_keeps_the_peaks_and_a_point_a_column(values: list[float | None]) -> None:
    step_s = (UNTIL_S - SINCE_S) / len(values)
    asked = replace(REQUEST, step_s=step_s, width_px=40)
    line = line_of(series([SINCE_S + step_s * n for n in range(len(values))], values), asked)
    known = [value for value in values if value is not None]
    assert line.at_s.size <= asked.width_px + 1
    assert top_of([line]) == max(known, default=0.0)
    assert line.known == bool(known)
    assert bool(np.all(np.diff(line.at_s) > 0))


@pytest.mark.parametrize(
    ("unit", "top", "scaled"),
    [
        (Unit.BYTES, 0.0, (1.0, "B")),
        (Unit.BYTES, 1023.0, (1.0, "B")),
        (Unit.BYTES, 3.0 * 1024**3, (1024.0**3, "GiB")),
        (Unit.BYTES, 1e30, (1024.0**4, "TiB")),
        (Unit.BYTES_PER_SECOND, 2048.0, (1024.0, "KiB/s")),
        (Unit.PERCENT_OF_CORE, 5000.0, (1.0, "")),
    ],
)
def test_only_bytes_are_scaled(unit: Unit, top: float, scaled: tuple[float, str]) -> None:
    assert scale(unit, top) == scaled


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (7, "7"), (3.256, "3.26"), (77.72, "77.7"), (1234.5, "1,234"), (20.0, "20")]
)
def test_figures_have_three_digits(value: float, shown: str) -> None:
    assert figure_text(value) == shown
