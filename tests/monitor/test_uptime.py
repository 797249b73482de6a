from __future__ import annotations

import pytest

from monitor.model import Verdict
from monitor.uptime import Failures, RunSpan, Uptime, failures, uptime

SINCE, UNTIL = 100, 200


def run(started: int, ended: int | None = None, verdict: Verdict | None = None, seen: int | None = None) -> RunSpan:
    return RunSpan(started, ended, verdict, seen)


@pytest.mark.parametrize(
    ("runs", "up", "unknown", "share"),
    [
        pytest.param([], 0, 0, 0.0, id="never up"),
        pytest.param([run(0)], 100, 0, 1.0, id="up all the time"),
        pytest.param([run(150)], 50, 0, 0.5, id="since then"),
        pytest.param([run(0, 130), run(150, 160)], 40, 0, 0.4, id="two runs"),
        pytest.param([run(150, 160), run(0, 130)], 40, 0, 0.4, id="in any order"),
        pytest.param([run(0, 50), run(250, 300)], 0, 0, 0.0, id="outside"),
        pytest.param([run(90, 100), run(200, 210)], 0, 0, 0.0, id="at the edges"),
        pytest.param([run(110, 150), run(120, 170)], 60, 0, 0.6, id="no moment counts twice"),
        pytest.param([run(110, 170), run(120, 150)], 60, 0, 0.6, id="one inside another"),
        pytest.param([run(0, 180, seen=120)], 20, 60, 0.5, id="ended unseen"),
        pytest.param([run(0, 180, seen=50)], 0, 80, 0.0, id="last seen before the span"),
        pytest.param([run(0, 300, seen=250)], 100, 0, 1.0, id="last seen after it"),
        pytest.param([run(0, 300, seen=0)], 0, 100, None, id="nothing is known"),
        pytest.param([run(150, 140)], 0, 0, 0.0, id="fault-52-ended before it began", marks=pytest.mark.fault(52)),
    ],
)
def test_a_span_divides_up(runs: list[RunSpan], up: int, unknown: int, share: float | None) -> None:
    found = uptime(runs, SINCE, UNTIL)
    assert found == Uptime(SINCE, UNTIL, up, unknown)
    assert found.share == share


@pytest.mark.parametrize(
    ("runs", "by_verdict", "mean_between"),
    [
        pytest.param([], {}, None, id="never up"),
        pytest.param([run(0)], {}, None, id="never failed"),
        pytest.param([run(0, 150, Verdict.STOPPED), run(160, 170, Verdict.HOST_REBOOTED)], {}, None, id="wanted"),
        pytest.param([run(0, 150, Verdict.CRASHED)], {Verdict.CRASHED: 1}, 50, id="one"),
        pytest.param(
            [run(0, 110, Verdict.CRASHED), run(120, 130, Verdict.HUNG), run(140, 150, Verdict.CRASHED), run(190)],
            {Verdict.CRASHED: 2, Verdict.HUNG: 1},
            13,
            id="by verdict, and what lived on counts as time up",
        ),
        pytest.param([run(0, 99, Verdict.CRASHED), run(99, 200, Verdict.CRASHED)], {}, None, id="ended outside"),
        pytest.param([run(0, 100, Verdict.CRASHED)], {Verdict.CRASHED: 1}, 0, id="ended at the very beginning"),
    ],
)
def test_failures_are_counted(runs: list[RunSpan], by_verdict: dict[Verdict, int], mean_between: int | None) -> None:
    found = failures(runs, SINCE, UNTIL)
    assert found.by_verdict == by_verdict
    assert found.total == sum(by_verdict.values())
    assert found.mean_between_ms == mean_between


def test_the_mean_is_of_the_time_up() -> None:
    assert Failures({Verdict.CRASHED: 4}, up_ms=1_000).mean_between_ms == 250
