"""Counters become samples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.measuring import adapted_interval, measure
from monitor.model import Players, Sample, TreeReading
from monitor.pulse import Vitals

VITALS = Vitals(players=Players(3, 20), tick_rate=19.5)
BEFORE = TreeReading(
    at_monotonic_s=100.0, cpu_time_s=10.0, rss_bytes=500, read_bytes=1_000, write_bytes=5_000, threads=4, processes=1
)
NOW = TreeReading(
    at_monotonic_s=105.0, cpu_time_s=22.5, rss_bytes=700, read_bytes=1_500, write_bytes=5_010, threads=6, processes=2
)


def test_rates_are_differences_over_the_time_between() -> None:
    assert measure("ark", 1_000, VITALS, NOW, before=BEFORE) == Sample(
        server_id="ark",
        at_s=1_000,
        cpu_pct=250.0,
        rss_bytes=700,
        read_bytes_per_s=100.0,
        write_bytes_per_s=2.0,
        threads=6,
        players=3,
        tick_rate=19.5,
    )


def test_the_first_reading_has_no_rates() -> None:
    sample = measure("ark", 1_000, VITALS, NOW)
    assert (sample.cpu_pct, sample.read_bytes_per_s, sample.write_bytes_per_s) == (None, None, None)
    assert (sample.rss_bytes, sample.threads) == (700, 6)


def test_players_nobody_knows_of_are_not_zero() -> None:
    assert measure("ark", 1, Vitals(), NOW, before=BEFORE).players is None


@pytest.mark.parametrize(
    ("now", "before"),
    [(NOW._replace(read_bytes=None), BEFORE), (NOW, BEFORE._replace(read_bytes=None))],
    ids=["now", "before"],
)
def test_a_counter_that_could_not_be_read_leaves_only_its_own_rate_unknown(
    now: TreeReading, before: TreeReading
) -> None:
    sample = measure("ark", 1, VITALS, now, before=before)
    assert sample.read_bytes_per_s is None
    assert (sample.cpu_pct, sample.write_bytes_per_s) == (250.0, 2.0)


def test_two_readings_of_one_instant_have_no_rate() -> None:
    assert measure("ark", 1, VITALS, NOW, before=NOW._replace(cpu_time_s=1.0)).cpu_pct is None


def test_a_tree_that_lost_a_child_is_not_below_zero() -> None:
    assert measure("ark", 1, VITALS, NOW._replace(cpu_time_s=1.0), before=BEFORE).cpu_pct == 0.0


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.001, 1e6))
def test_no_reading_makes_a_negative_rate(ours: float, theirs: float, elapsed_s: float) -> None:
    now = NOW._replace(at_monotonic_s=BEFORE.at_monotonic_s + elapsed_s, cpu_time_s=ours)
    cpu_pct = measure("ark", 1, VITALS, now, before=BEFORE._replace(cpu_time_s=theirs)).cpu_pct
    assert cpu_pct is not None
    assert cpu_pct >= 0


@pytest.mark.parametrize(
    ("host_cpu_pct", "interval_s"),
    [(0.0, 5.0), (70.0, 5.0), (70.1, 7.0), (90.0, 7.0), (90.1, 10.0), (100.0, 10.0)],
    ids=str,
)
def test_a_busy_machine_is_measured_less_often(host_cpu_pct: float, interval_s: float) -> None:
    assert adapted_interval(5.0, host_cpu_pct) == pytest.approx(interval_s)


@pytest.mark.parametrize("counted_again", [False, True], ids=["not counted since", "counted again"])
def test_bytes_counted_less_often_are_a_rate_over_the_time_between_the_counts(*, counted_again: bool) -> None:
    latest = measure("ark", 1, VITALS, NOW, before=BEFORE)
    before = NOW._replace(at_monotonic_s=109.0, io_at_monotonic_s=105.0)
    now = before._replace(at_monotonic_s=110.0)
    if counted_again:
        now = now._replace(read_bytes=2_000, write_bytes=5_015, io_at_monotonic_s=110.0)
    sample = measure("ark", 2, VITALS, now, before=before, latest=latest)
    expected = (100.0, 1.0) if counted_again else (100.0, 2.0)
    assert (sample.read_bytes_per_s, sample.write_bytes_per_s) == expected
    assert sample.cpu_pct == 0.0


def test_bytes_never_counted_again_have_no_rate() -> None:
    before = NOW._replace(at_monotonic_s=109.0, io_at_monotonic_s=105.0)
    sample = measure("ark", 2, VITALS, before._replace(at_monotonic_s=110.0), before=before)
    assert (sample.read_bytes_per_s, sample.write_bytes_per_s) == (None, None)
