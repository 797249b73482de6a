"""The benchmark of alerts in small: it runs, says all that it is to say, and loses nothing."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

if sys.platform != "linux":
    pytest.skip("it measures Linux", allow_module_level=True)

from benchmarks import alerts_killed, alerts_outage
from benchmarks.alerts import Plan, main
from benchmarks.alerts_outage import Losses

pytestmark = pytest.mark.delivery

SMALL = Plan(exits=2, crashes=16, kills=1)
KEYS = {"exit_to_alert_ms_p99", "lost_of_1000", "doubled_of_1000", "invalid_requests_10min"}


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    library = logging.getLogger("discord")
    level = library.level
    yield
    library.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.soak
def test_fault_35_36_37_it_says_everything_and_nothing_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--json"], SMALL)
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(figures) == KEYS
    for figure in figures.values():
        assert set(figure) == {"value", "unit", "goal", "baseline", "ratio"}
    assert (figures["lost_of_1000"]["value"], figures["doubled_of_1000"]["value"]) == (0, 0)
    assert figures["lost_of_1000"]["baseline"] == SMALL.crashes
    assert 0 < figures["invalid_requests_10min"]["value"] < 100
    assert 0 < figures["exit_to_alert_ms_p99"]["value"] < 5000


async def test_fault_35_thirty_crashes_without_discord(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await alerts_outage.measure(tmp_path, monkeypatch, 30) == Losses(0, 0)


async def test_fault_36_a_bot_that_is_killed_in_the_midst(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await alerts_killed.measure(tmp_path, monkeypatch, 16, 1) == Losses(0, 0)
