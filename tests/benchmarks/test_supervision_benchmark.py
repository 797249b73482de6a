"""The benchmark of supervision in small: it runs, says all that it is to say, and leaves nothing behind."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import psutil
import pytest
import structlog

if sys.platform != "linux":
    pytest.skip("it measures Linux", allow_module_level=True)

from benchmarks import actor, sampling
from benchmarks.exits import percentile
from benchmarks.fleet import sleepers
from benchmarks.supervision import Plan, main

SMALL = Plan(
    sampling.Plan(servers=2, machine=1, big_machine=1, rounds=1, ticks=2),
    exits=4,
    restarts=2,
)
KEYS = {
    "sampling_cpu_pct_20x3_1hz",
    "sampling_us_per_process",
    "sampling_cpu_pct_2000_pids",
    "loop_lag_ms_max",
    "exit_seen_ms_p99",
    "restart_ms_median",
}


@pytest.fixture(autouse=True)
def _process_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tests that come later log, and start their processes, from this very process."""
    monkeypatch.setattr("monitor.local.machine.lower_own_priority", lambda: None)
    yield
    structlog.reset_defaults()


def actors() -> set[int]:
    found = psutil.process_iter(["cmdline"])
    return {process.pid for process in found if actor.__file__ in (process.info["cmdline"] or ())}


def test_it_says_everything_and_leaves_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    before = actors()
    main(["--json"], SMALL)
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(figures) == KEYS
    for figure in figures.values():
        assert set(figure) == {"value", "unit", "goal", "baseline", "ratio"}
        assert figure["value"] > 0
        assert figure["baseline"] > 0
    assert actors() <= before


def test_the_sleepers_live_until_they_are_no_longer_needed() -> None:
    with sleepers(5) as pids:
        assert len(set(pids)) == 5
        sleeping = [psutil.Process(pid) for pid in pids]
        sleeping[0].kill()
    # Whoever inherits them may be a moment late to collect them.
    _, left = psutil.wait_procs(sleeping, timeout=10)
    assert not left


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (50, 50), (99, 99), (100, 100)], ids=str)
def test_a_percentile_is_a_value_that_was_measured(percent: int, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected
    assert percentile([7.0], percent) == 7.0


def test_the_plain_way_reads_the_whole_tree() -> None:
    with sleepers(3):
        assert sampling.read_naively([psutil.Process()]) >= 5
