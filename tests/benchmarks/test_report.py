"""What a benchmark prints: for people a table, for programs the last line."""

from __future__ import annotations

import json

import pytest

from benchmarks.report import Figure, as_json, as_table, figure, show, wants_json


def test_a_figure_is_compared_with_the_plain_way_in_the_same_unit() -> None:
    assert figure("cpu", 0.1, "%", 0.15, 8.0) == Figure("cpu", 0.1, "%", 0.15, 8.0, 80.0)


@pytest.mark.parametrize(
    ("value", "goal", "met"), [(0.1, 0.15, True), (0.15, 0.15, True), (0.2, 0.15, False), (9.0, None, True)], ids=str
)
def test_a_goal_is_the_most_that_it_may_be(value: float, goal: float | None, *, met: bool) -> None:
    assert figure("cpu", value, "%", goal).met is met


@pytest.mark.parametrize(("value", "baseline"), [(0.0, 8.0), (1.0, None)], ids=["nothing measured", "no baseline"])
def test_there_is_not_always_a_ratio(value: float, baseline: float | None) -> None:
    assert figure("cpu", value, "%", None, baseline).ratio is None


def test_four_digits_are_enough() -> None:
    made = figure("cpu", 0.123456, "%", None, 1234.56)
    assert (made.value, made.baseline, made.ratio) == (0.1235, 1235.0, 10000.0)


def test_the_object_has_what_programs_ask_for() -> None:
    assert json.loads(as_json([figure("cpu", 0.1, "%", 0.15, 8.0), figure("lag", 3.0, "ms", None)])) == {
        "cpu": {"value": 0.1, "unit": "%", "goal": 0.15, "baseline": 8.0, "ratio": 80.0},
        "lag": {"value": 3.0, "unit": "ms", "goal": None, "baseline": None, "ratio": None},
    }


def test_the_table_has_a_row_a_figure_and_marks_what_was_missed() -> None:
    lines = as_table([figure("cpu", 0.1, "%", 0.15, 8.0), figure("lag", 12.5, "ms", 10.0)]).splitlines()
    assert [line.split() for line in lines] == [
        ["figure", "value", "unit", "goal", "baseline", "ratio"],
        ["cpu", "0.1", "%", "≤", "0.15", "8", "80×"],
        ["lag", "12.5", "ms", "≤", "10", "missed"],
    ]
    assert len({line.index(word) for line, word in zip(lines, ("goal", "≤", "≤"), strict=True)}) == 1


@pytest.mark.parametrize("with_json", [True, False], ids=["json", "table alone"])
def test_the_object_is_the_last_line_where_it_is_wanted(
    capsys: pytest.CaptureFixture[str], *, with_json: bool
) -> None:
    figures = [figure("cpu", 0.1, "%", 0.15, 8.0)]
    show(figures, "Some note.", with_json=with_json)
    lines = capsys.readouterr().out.splitlines()
    assert "Some note." in lines
    assert (lines[-1] == as_json(figures)) is with_json


def test_the_command_line_has_one_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert wants_json([], "Measure.") is False
    assert wants_json(["--json"], "Measure.") is True
    with pytest.raises(SystemExit):
        wants_json(["--fast"], "Measure.")
    assert "--fast" in capsys.readouterr().err
