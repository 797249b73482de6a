"""The benchmark of the history in small: it runs, and says all that it is to say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from benchmarks.history import main
from benchmarks.history_data import BEGIN_S, DAY_S, Stretch, fill, fill_plain, specs, ticks
from benchmarks.history_home import Plan
from benchmarks.history_plain import Plain
from benchmarks.history_writes import flushes
from storage.database import Database
from storage.servers import Servers

SMALL = Plan(servers=2, days=1, every_s=600, dense_s=600, warm_s=600, steady_s=600, raw_s=60, rounds=2)
KEYS = {
    "bytes_written_per_sample",
    "bytes_written_per_sample_steady",
    "bytes_stored_per_row",
    "query_168h_ms",
    "query_24h_ms",
    "query_loop_lag_ms_max",
    "flush_1200_ms",
    "export_peak_mib",
    "wait_during_retention_ms_max",
}


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_it_says_everything(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--json"], SMALL)
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(figures) == KEYS
    for key, figure in figures.items():
        assert set(figure) == {"value", "unit", "goal", "baseline", "ratio"}
        # So short an export fits into what the process had already.
        assert key == "export_peak_mib" or (figure["value"] > 0 and figure["baseline"] > 0)


def test_every_second_of_every_server_is_made_up() -> None:
    made = list(ticks(3, Stretch(BEGIN_S, BEGIN_S + 10, 5)))
    assert [[(each.server_id, each.at_s) for each in tick] for tick in made] == [
        [(f"s{no:02}", at_s) for no in (1, 2, 3)] for at_s in (BEGIN_S, BEGIN_S + 5)
    ]
    assert all(each.cpu_pct is not None and each.rss_bytes for tick in made for each in tick)


def test_a_flush_has_what_was_measured_since_the_one_before() -> None:
    found = [(now_s, len(samples)) for now_s, samples in flushes(2, Stretch(BEGIN_S, BEGIN_S + 25, 1))]
    assert found == [(BEGIN_S + 10, 20), (BEGIN_S + 20, 20)]


async def test_both_histories_hold_the_same_times(tmp_path: Path) -> None:
    stretches = [Stretch(BEGIN_S, BEGIN_S + 60, 1), Stretch(BEGIN_S + 60, BEGIN_S + DAY_S, 3600)]
    path, plain_path = tmp_path / "ours.db", tmp_path / "plain.db"
    async with await Database.open(path) as db:
        await Servers(db).save(specs(2))
    fill(path, 2, stretches)
    plain = Plain(plain_path)
    fill_plain(plain_path, 2, stretches)
    async with await Database.open(path) as db:
        rows = await db.fetch_all("SELECT at_s, id FROM samples JOIN servers ON no = server_no ORDER BY key")
        assert await db.fetch_one("SELECT count(*) FROM rollups_due WHERE bucket_s = 3600") == (24,)
    assert len(rows) == 2 * (60 + 24)
    series = plain.series("s01", BEGIN_S, BEGIN_S + DAY_S, 24)
    assert [bucket for bucket, *_ in series] == list(range(24))
    plain.close()
