from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.limits import (
    CLEAR,
    CROSSED,
    LONGEST_GAP_S,
    MEASURES,
    Change,
    Hours,
    Limit,
    Outlook,
    Position,
    RestartCause,
    RestartRule,
    Side,
    hours_left,
    judge,
    outlook,
    restart_cause,
    usual_back_at,
)

HEAP = Limit("memory", Side.ABOVE, 100.0, back_at=90.0, hold_s=60.0)
TICKS = Limit("tick_rate", Side.BELOW, 15.0, back_at=16.0, hold_s=60.0)
NIGHT = Hours(22 * 60, 6 * 60, "UTC")


def follow(limit: Limit, seen: str, *, every_s: float = 20.0, position: Position = CLEAR) -> str:
    """Judge one value after another and give what changed: a digit's value is high, "?" is unknown."""
    values = {"+": 101.0, "=": 95.0, "-": 90.0, "?": None}
    told = ""
    for number, sign in enumerate(seen):
        position, change = judge(limit, position, values[sign], number * every_s)
        told += {None: ".", Change.CROSSED: "X", Change.CLEARED: "o"}[change]
    return told


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        pytest.param("++++++", "...X..", id="held for as long as it takes, told once"),
        pytest.param("+++-++++", ".......X", id="a dip begins it anew"),
        pytest.param("+++=++++", ".......X", id="so does one into the margin"),
        pytest.param("+++", "...", id="not long enough"),
        pytest.param("++++=====", "...X.....", id="within the margin it stays crossed"),
        pytest.param("++++----", "...X...o", id="over once it has been back for as long"),
        pytest.param("++++--=-----", "...X......o.", id="on the way back the margin begins it anew"),
        pytest.param("++++---+----", "...X.......o", id="so does a crossing"),
        pytest.param("++++----++++", "...X...o...X", id="crossed again, told again"),
        pytest.param("++?++", ".....", id="time beside the unknown does not count"),
        pytest.param("++?+++", ".....X", id="but what was held before does"),
        pytest.param("++++????????", "...X........", id="unknown is not back"),
        pytest.param("????????", "........", id="unknown is not crossed"),
        pytest.param("++" + "?" * 9 + "+++", "." * 14, id="unknown for too long begins it anew"),
    ],
)
def test_what_is_told(seen: str, told: str) -> None:
    assert follow(HEAP, seen) == told


def test_the_bound_itself_is_not_beyond_it_and_the_mark_itself_is_back() -> None:
    at_once = replace(HEAP, hold_s=0.0)
    assert judge(at_once, CLEAR, 100.0, 0.0) == (CLEAR, None)
    assert judge(at_once, CLEAR, math.nextafter(100.0, 200), 0.0) == (CROSSED, Change.CROSSED)
    assert judge(at_once, CROSSED, math.nextafter(90.0, 200), 0.0) == (CROSSED, None)
    assert judge(at_once, CROSSED, 90.0, 0.0) == (CLEAR, Change.CLEARED)
    below = replace(TICKS, hold_s=0.0)
    assert judge(below, CLEAR, 15.0, 0.0) == (CLEAR, None)
    assert judge(below, CLEAR, 14.9, 0.0) == (CROSSED, Change.CROSSED)
    assert judge(below, CROSSED, 16.0, 0.0) == (CLEAR, Change.CLEARED)


@pytest.mark.parametrize("gap_s", [LONGEST_GAP_S + 1, 86_400.0, -1.0])
def test_fault_52_a_gap_that_nobody_saw_does_not_count(gap_s: float) -> None:
    position, _ = judge(HEAP, CLEAR, 101.0, 1000.0)
    after, change = judge(HEAP, position, 101.0, 1000.0 + gap_s)
    assert (after.held_s, change) == (0.0, None)


def test_a_value_that_is_no_number_decides_nothing() -> None:
    assert judge(HEAP, CLEAR, math.nan, 0.0) == (CLEAR, None)
    assert judge(HEAP, CROSSED, math.nan, 0.0) == (CROSSED, None)


LIMITS = st.builds(
    lambda side, value, margin, hold_s: Limit(
        "memory", side, value, value - margin if side is Side.ABOVE else value + margin, hold_s
    ),
    st.sampled_from(Side),
    st.integers(-5, 5).map(float),
    st.integers(0, 3).map(float),
    st.sampled_from([0.0, 1.0, 10.0, 25.0]),
)
SEEN = st.lists(st.tuples(st.none() | st.integers(-8, 8).map(float), st.sampled_from([1.0, 5.0, 400.0])), max_size=30)


@settings(max_examples=400, deadline=None)
@given(LIMITS, SEEN)
def test_it_changes_only_after_all_that_was_known_for_so_long_was_beyond(
    limit: Limit, seen: list[tuple[float | None, float]]
) -> None:
    """Crossing and clearing take turns, each after values beyond the bound for as long as it takes, and no other."""
    position, now_s, crossed = CLEAR, 0.0, False
    known: list[tuple[float, float]] = []
    for value, gap_s in seen:
        now_s += gap_s
        position, change = judge(limit, position, value, now_s)
        if value is not None:
            beyond = limit.crossed_by(value) if not crossed else not _still(limit, value)
            known = [*known, (now_s, value)] if beyond else []
        if change is not None:
            assert change is (Change.CLEARED if crossed else Change.CROSSED)
            assert known[-1][0] - known[0][0] >= limit.hold_s
            assert value is not None
            crossed, known = not crossed, []
        assert position.crossed is crossed


def _still(limit: Limit, value: float) -> bool:
    return value > limit.back_at if limit.side is Side.ABOVE else value < limit.back_at


@settings(max_examples=200)
@given(st.sampled_from(sorted(MEASURES)), st.sampled_from(Side), st.floats(0, 100))
def test_the_usual_way_back_is_on_the_other_side_and_can_be_reached(key: str, side: Side, value: float) -> None:
    back_at = usual_back_at(MEASURES[key], side, value)
    assert not Limit(key, side, value, back_at, 1.0).crossed_by(back_at)
    assert 0 <= back_at <= (100 if key in ("host_cpu", "disk_free_pct") else 105)


@pytest.mark.parametrize(
    ("key", "side", "value", "back_at"),
    [
        pytest.param("memory", Side.ABOVE, 1000.0, 950.0, id="five percent"),
        pytest.param("players", Side.BELOW, 1.0, 1.0, id="one player is back"),
        pytest.param("players", Side.ABOVE, 50.0, 48.0, id="whole players"),
        pytest.param("host_cpu", Side.BELOW, 98.0, 99.0, id="not beyond all of it"),
        pytest.param("disk_free_pct", Side.BELOW, 10.0, 10.5, id="percent"),
        pytest.param("memory", Side.ABOVE, 0.0, 0.0, id="nothing"),
    ],
)
def test_the_usual_way_back(key: str, side: Side, value: float, back_at: float) -> None:
    assert usual_back_at(MEASURES[key], side, value) == back_at


RULE = RestartRule(wait_s=3600.0, ceiling=120.0)
RESTARTS = replace(HEAP, restart=RULE)
AT_NIGHT = replace(RESTARTS, restart=replace(RULE, hours=NIGHT))


@pytest.mark.parametrize(
    ("limit", "facts", "cause"),
    [
        pytest.param(HEAP, {"players": 0}, None, id="only told"),
        pytest.param(RESTARTS, {"players": 0}, RestartCause.EMPTY, id="nobody on"),
        pytest.param(RESTARTS, {"players": 1}, None, id="somebody on"),
        pytest.param(RESTARTS, {"players": None}, None, id="nobody knows who is on"),
        pytest.param(RESTARTS, {"players": 1, "waited_s": 3600.0}, RestartCause.WAITED, id="waited long enough"),
        pytest.param(RESTARTS, {"players": 1, "value": 120.0}, RestartCause.CEILING, id="at the ceiling"),
        pytest.param(RESTARTS, {"players": 1, "value": 119.9}, None, id="short of the ceiling"),
        pytest.param(RESTARTS, {"players": 1, "value": None}, None, id="nobody knows the value"),
        pytest.param(AT_NIGHT, {"players": 0, "minute": 12 * 60}, None, id="not its hours"),
        pytest.param(AT_NIGHT, {"players": 0, "minute": 23 * 60}, RestartCause.EMPTY, id="its hours"),
        pytest.param(AT_NIGHT, {"players": 0, "minute": 12 * 60, "value": 130.0}, RestartCause.CEILING, id="must be"),
    ],
)
def test_when_a_server_is_restarted(limit: Limit, facts: dict[str, float | None], cause: RestartCause | None) -> None:
    usual: dict[str, float | None] = {"value": 101.0, "players": 3, "waited_s": 0.0, "minute": 0}
    assert restart_cause(limit, **(usual | facts)) is cause  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hours", "minute", "hold"),
    [
        (Hours(180, 360, "UTC"), 180, True),
        (Hours(180, 360, "UTC"), 360, False),
        (Hours(180, 360, "UTC"), 179, False),
        (NIGHT, 22 * 60, True),
        (NIGHT, 0, True),
        (NIGHT, 6 * 60, False),
        (Hours(1320, 0, "UTC"), 1439, True),
        (Hours(1320, 0, "UTC"), 0, False),
    ],
)
def test_hours(hours: Hours, minute: int, *, hold: bool) -> None:
    assert hours.hold(minute) is hold


@pytest.mark.parametrize(
    ("limit", "value", "growth", "left_h"),
    [
        (HEAP, 60.0, 20.0, 2.0),
        (HEAP, 60.0, 0.0, math.inf),
        (HEAP, 60.0, -5.0, math.inf),
        (HEAP, 101.0, 1.0, 0.0),
        (TICKS, 20.0, -1.0, 5.0),
        (TICKS, 20.0, 1.0, math.inf),
    ],
)
def test_how_long_it_goes_well(limit: Limit, value: float, growth: float, left_h: float) -> None:
    assert hours_left(limit, value, growth) == left_h


@pytest.mark.parametrize(
    ("left_h", "foreseen", "change"),
    [
        (None, False, None),
        (None, True, None),
        (6.0, False, Outlook.FORESEEN),
        (6.1, False, None),
        (2.0, True, None),
        (12.0, True, None),
        (12.1, True, Outlook.LIFTED),
        (math.inf, True, Outlook.LIFTED),
        (math.inf, False, None),
    ],
)
def test_the_outlook(left_h: float | None, change: Outlook | None, *, foreseen: bool) -> None:
    assert outlook(left_h, foreseen=foreseen) is change
