"""Each metric has its column; a sample survives as precisely as its columns are."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.metrics import METRICS
from monitor.model import Sample
from storage.database import Database
from storage.measures import COLUMNS, MOST_SERVERS, key_of, measures_of, sample_from
from storage.rollups import LEVELS, Level

SAMPLE = Sample(
    "ark",
    100,
    cpu_pct=250.5,
    rss_bytes=3 * 1024**3,
    read_bytes_per_s=2048.0,
    write_bytes_per_s=0.0,
    threads=40,
    players=7,
    tick_rate=19.97,
)


async def test_the_table_has_a_column_for_each_metric_and_no_other(db: Database) -> None:
    rows = await db.fetch_all("SELECT name, type FROM pragma_table_xinfo('samples')")
    others = ["key", "at_s", "server_no"]
    assert rows == [(name, "INTEGER") for name in (others[0], *COLUMNS, *others[1:])]


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.table)
async def test_a_rollup_has_four_columns_for_each_metric_and_no_other(db: Database, level: Level) -> None:
    parts = [f"{metric.column}_{part}" for metric in METRICS for part in ("count", "min", "max", "sum")]
    for relation in (level.table, level.view):
        rows = await db.fetch_all(f"SELECT name FROM pragma_table_info('{relation}')")
        assert [name for (name,) in rows] == ["server_no", "at_s", "sample_count", *parts]


@pytest.mark.parametrize("server_no", [0, 1, MOST_SERVERS])
async def test_the_key_of_a_row_is_its_time_and_its_server(db: Database, server_no: int) -> None:
    row = await db.fetch_one("SELECT ? >> 10, ? & 1023", (key_of(1_767_225_600, server_no),) * 2)
    assert row == (1_767_225_600, server_no)


def test_every_field_of_a_sample_comes_back_with_its_own_type() -> None:
    back = sample_from("ark", 100, measures_of(SAMPLE))
    assert back == SAMPLE
    for field in fields(Sample):
        assert type(getattr(back, field.name)) is type(getattr(SAMPLE, field.name)), field.name


def test_unknown_stays_unknown() -> None:
    nothing = Sample("ark", 1)
    assert measures_of(nothing) == (None,) * len(COLUMNS)
    assert sample_from("ark", 1, measures_of(nothing)) == nothing


def test_zero_is_not_unknown() -> None:
    assert sample_from("ark", 1, measures_of(Sample("ark", 1, players=0))).players == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300, 10.0**17 * 93, 1e15])
def test_what_cannot_be_true_is_unknown(value: float) -> None:
    assert measures_of(Sample("ark", 1, tick_rate=value)) == (None,) * len(COLUMNS)


def test_a_whole_number_beyond_all_floats_is_unknown() -> None:
    assert measures_of(Sample("ark", 1, rss_bytes=10**400)) == (None,) * len(COLUMNS)


@settings(deadline=None)
@given(st.floats(0, 1e6), st.integers(0, 2**50))
def test_what_is_lost_is_less_than_one_step_of_the_column(cpu_pct: float, rss_bytes: int) -> None:
    back = sample_from("a", 1, measures_of(Sample("a", 1, cpu_pct=cpu_pct, rss_bytes=rss_bytes)))
    assert back.cpu_pct == pytest.approx(cpu_pct, abs=0.051)
    assert back.rss_bytes == pytest.approx(rss_bytes, abs=2**19)
