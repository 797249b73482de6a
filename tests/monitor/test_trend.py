from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.trend import LEAST_POINTS, WARM_UP_S, growth_per_hour, robust_slope

SLOPES = st.integers(-1_000, 1_000)
TIMES = st.lists(st.integers(0, 10_000), min_size=2, max_size=12, unique=True)


@pytest.mark.parametrize(
    ("lives", "slope"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([[(0, 1)]], None, id="one point"),
        pytest.param([[(0, 1)], [(5, 100)]], None, id="one point a life"),
        pytest.param([[(3, 1), (3, 2)]], None, id="one time"),
        pytest.param([[(0, 1), (2, 5)]], 2.0, id="two points"),
        pytest.param([[(0, 0), (1, 1), (2, 2), (3, 3), (4, 1_000)]], 1.0, id="one wild point"),
        pytest.param([[(0, 0), (1, 5)], [(2, 0), (3, 5)]], 5.0, id="a saw"),
        pytest.param([[(0, 7), (1, 7), (2, 7)]], 0.0, id="level"),
    ],
)
def test_the_median_of_all_pairs(lives: list[list[tuple[float, float]]], slope: float | None) -> None:
    assert robust_slope(lives) == slope


@settings(max_examples=300)
@given(TIMES, SLOPES, st.integers(-10_000, 10_000))
def test_of_a_line_it_is_the_slope(times: list[int], slope: int, start: int) -> None:
    found = robust_slope([[(at, start + slope * at) for at in times]])
    assert found == pytest.approx(slope)


@settings(max_examples=300)
@given(st.data(), SLOPES)
def test_a_quarter_of_the_points_may_be_wild(data: st.DataObject, slope: int) -> None:
    size = data.draw(st.integers(8, 24))
    wild = data.draw(st.dictionaries(st.integers(0, size - 1), st.integers(-(10**12), 10**12), max_size=size // 4))
    points = [(at, wild.get(at, slope * at)) for at in range(size)]
    assert robust_slope([points]) == pytest.approx(slope)


@settings(max_examples=300)
@given(TIMES, st.data(), st.integers(-50, 50), st.integers(1, 9))
def test_it_keeps_what_is_done_to_every_point(times: list[int], data: st.DataObject, tilt: int, scale: int) -> None:
    values = data.draw(st.lists(st.integers(-1_000, 1_000), min_size=len(times), max_size=len(times)))
    points = list(zip(times, values, strict=True))
    plain = robust_slope([points])
    assert plain is not None
    assert robust_slope([points[::-1]]) == plain
    assert robust_slope([[(at + 17, value + 42) for at, value in points]]) == plain
    assert robust_slope([[(at, scale * value) for at, value in points]]) == pytest.approx(scale * plain)
    assert robust_slope([[(at, value + tilt * at) for at, value in points]]) == pytest.approx(plain + tilt)
    assert robust_slope([[(at, -value) for at, value in points]]) == pytest.approx(-plain)


BUCKET_S = 600
HOURS_8 = [(at, 1_000.0 + at / 36) for at in range(0, 8 * 3600, BUCKET_S)]
"""Grows by 100 an hour."""


@pytest.mark.parametrize(
    ("points", "lives", "growth"),
    [
        pytest.param([], [(0, 28_800)], None, id="nothing measured"),
        pytest.param(HOURS_8, [], None, id="never up"),
        pytest.param(HOURS_8, [(0, 28_800)], 100.0, id="one life"),
        pytest.param(HOURS_8, [(0, 3 * 3600), (5 * 3600, 28_800)], 100.0, id="two lives"),
        pytest.param(HOURS_8[:LEAST_POINTS], [(0, 28_800)], None, id="too short"),
        pytest.param([(0, 1.0), (7200, 2.0)], [(-WARM_UP_S, 28_800)], None, id="too few points"),
        pytest.param(HOURS_8, [(at, at + 4_000) for at in range(0, 28_800, 4_000)], None, id="never up for long"),
        pytest.param(
            [(at, 1_000.0 + at % 14_400 / 36) for at, _ in HOURS_8],
            [(0, 14_400), (14_400, 28_800)],
            100.0,
            id="a restart is no shrinking",
        ),
        pytest.param(
            [(at, 0.0 if at < WARM_UP_S else value) for at, value in HOURS_8],
            [(0, 28_800)],
            100.0,
            id="loading is no growth",
        ),
        pytest.param([(at, 500.0) for at, _ in HOURS_8], [(0, 28_800)], 0.0, id="level"),
    ],
)
def test_growth_is_told_where_enough_is_known(
    points: list[tuple[float, float]], lives: list[tuple[float, float]], growth: float | None
) -> None:
    found = growth_per_hour(points, BUCKET_S, lives)
    assert found == (None if growth is None else pytest.approx(growth))


def test_a_bucket_over_a_restart_belongs_to_neither_life() -> None:
    restart_s = 4 * 3600 + 300
    points = [(at, -1e9 if at <= restart_s < at + BUCKET_S else value) for at, value in HOURS_8]
    assert growth_per_hour(points, BUCKET_S, [(0, restart_s), (restart_s, 28_800)]) == pytest.approx(100.0)
