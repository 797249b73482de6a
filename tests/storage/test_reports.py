"""What a history says, asked of a real database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.model import Evidence, EvidenceKind, ExitReport, ExitStatus, ProcessId, Sample, Verdict
from monitor.playtime import BusiestHour, PlayerHours
from monitor.uptime import Failures, Uptime
from storage import runs
from storage.database import Database
from storage.reports import Reports
from storage.samples import SampleBuffer
from tests.fakes.clock import FakeClock

T0_S = int(datetime(2026, 3, 29, tzinfo=UTC).timestamp())
"""The day on which summer time begins in Europe: at 01:00 UTC it is 03:00 in Berlin."""
HOUR_S, DAY_S = 3600, 86_400
MIB = 1024 * 1024
BERLIN = ZoneInfo("Europe/Berlin")

UNSEEN = (Evidence(EvidenceKind.NO_EXIT_CODE), Evidence(EvidenceKind.GONE_WHILE_AWAY))
REBOOT = (Evidence(EvidenceKind.OTHER_BOOT),)


def ms(offset_s: float) -> int:
    return round((T0_S + offset_s) * 1000)


class History:
    """Writes what a server went through, in seconds since the beginning of the day."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._runs = 0
        self.samples = SampleBuffer(db, FakeClock())
        self.reports = Reports(db, self.samples)

    async def ran(
        self,
        begin_s: float,
        end_s: float | None = None,
        verdict: Verdict = Verdict.STOPPED,
        evidence: tuple[Evidence, ...] = (),
        server_id: str = "ark",
    ) -> None:
        self._runs += 1
        async with self._db.transaction() as tx:
            run = await runs.begin(tx, server_id, ms(begin_s), f"marker {self._runs}")
            run = replace(run, process=ProcessId(100 + self._runs, 1, "boot"))
            if end_s is not None:
                report = ExitReport(verdict, ExitStatus(), evidence)
                run = replace(run, ended_ms=ms(end_s), report=report)
            await runs.update(tx, run)

    async def measured(
        self, times_s: Iterable[int], players: int | None = None, rss_mib: float = 100.0, grows_mib_h: float = 0.0
    ) -> None:
        begin_s = None
        for at_s in times_s:
            begin_s = at_s if begin_s is None else begin_s
            rss = rss_mib + grows_mib_h * (at_s - begin_s) / HOUR_S
            self.samples.add([Sample("ark", T0_S + at_s, rss_bytes=round(rss * MIB), players=players)])
        await self.samples.flush()


@pytest.fixture
def history(db: Database, two_servers: tuple[str, str]) -> History:
    return History(db)


async def test_uptime_is_of_the_runs_of_that_server(history: History) -> None:
    await history.ran(-DAY_S, 6 * HOUR_S)
    await history.ran(12 * HOUR_S)
    await history.ran(0, 20 * HOUR_S, server_id="rust")
    found = await history.reports.uptime("ark", ms(0), ms(DAY_S))
    assert found == Uptime(ms(0), ms(DAY_S), up_ms=18 * HOUR_S * 1000, unknown_ms=0)
    assert found.share == 0.75


async def test_uptime_begins_with_the_first_start(history: History) -> None:
    await history.ran(18 * HOUR_S)
    assert await history.reports.uptime("ark", ms(0), ms(DAY_S)) == Uptime(
        ms(18 * HOUR_S), ms(DAY_S), up_ms=6 * HOUR_S * 1000, unknown_ms=0
    )


@pytest.mark.parametrize("server_id", ["rust", "nowhere"])
async def test_of_a_server_that_never_ran_nothing_is_known(history: History, server_id: str) -> None:
    await history.ran(0, HOUR_S)
    reports, span = history.reports, (ms(0), ms(DAY_S))
    assert await reports.uptime(server_id, *span) is None
    assert await reports.uptime("ark", ms(-DAY_S), ms(0)) is None
    assert await reports.failures(server_id, *span) == Failures({}, 0)
    assert await reports.player_hours(server_id, *span) == PlayerHours(0.0, None, 0)
    assert await reports.busiest_hour(server_id, *span, UTC) is None
    assert await reports.memory_growth(server_id, *span) is None


@pytest.mark.parametrize(
    ("verdict", "evidence"),
    [(Verdict.ENDED_UNSEEN, UNSEEN), (Verdict.HOST_REBOOTED, REBOOT)],
    ids=["gone", "host rebooted"],
)
async def test_a_night_in_which_nobody_looked_is_no_uptime(
    history: History, verdict: Verdict, evidence: tuple[Evidence, ...]
) -> None:
    await history.ran(0, 16 * HOUR_S, verdict, evidence)
    await history.measured(range(0, 8 * HOUR_S, 60))
    found = await history.reports.uptime("ark", ms(0), ms(16 * HOUR_S))
    assert found is not None
    assert found.share == 1.0
    assert found.up_ms == pytest.approx(8 * HOUR_S * 1000, abs=120_000)
    assert found.up_ms + found.unknown_ms == 16 * HOUR_S * 1000


async def test_an_end_nobody_saw_of_what_was_never_measured(history: History) -> None:
    await history.ran(0, 100, Verdict.ENDED_UNSEEN, UNSEEN)
    await history.ran(200, 200, Verdict.ENDED_UNSEEN, UNSEEN)
    found = await history.reports.uptime("ark", ms(0), ms(400))
    assert found == Uptime(ms(0), ms(400), up_ms=0, unknown_ms=100_000)


async def test_failures_by_verdict(history: History) -> None:
    for begin, end, verdict in (
        (0, 1, Verdict.CRASHED),
        (2, 3, Verdict.OUT_OF_MEMORY),
        (4, 5, Verdict.CRASHED),
        (6, 8, Verdict.STOPPED),
        (9, 30, Verdict.CRASHED),
    ):
        await history.ran(begin * HOUR_S, end * HOUR_S, verdict)
    found = await history.reports.failures("ark", ms(0), ms(DAY_S))
    assert found.by_verdict == {Verdict.CRASHED: 2, Verdict.OUT_OF_MEMORY: 1}
    assert found.up_ms == 20 * HOUR_S * 1000
    assert found.mean_between_ms == 20 * HOUR_S * 1000 // 3


async def test_player_hours_are_those_of_the_span(history: History) -> None:
    await history.measured(range(0, 2 * HOUR_S, 30), players=3)
    await history.measured(range(2 * HOUR_S, 4 * HOUR_S, 30), players=None)
    await history.measured(range(4 * HOUR_S, 5 * HOUR_S, 30), players=8)
    await history.measured(range(5 * HOUR_S, 6 * HOUR_S, 30), players=0)
    assert await history.reports.player_hours("ark", ms(0), ms(DAY_S)) == PlayerHours(14.0, 8, 4 * HOUR_S)
    assert await history.reports.player_hours("ark", ms(HOUR_S), ms(4 * HOUR_S)) == PlayerHours(3.0, 3, HOUR_S)
    # The same where a bucket is half an hour.
    month = await history.reports.player_hours("ark", ms(-29 * DAY_S), ms(DAY_S))
    assert (month.hours, month.peak) == (14.0, 8)


async def test_fault_53_the_busiest_hour_is_by_the_clock_on_the_wall(history: History) -> None:
    await history.measured(range(0, 2 * HOUR_S, 60), players=1)
    await history.measured(range(HOUR_S, HOUR_S + HOUR_S, 60), players=5)
    span = (ms(0), ms(DAY_S))
    assert await history.reports.busiest_hour("ark", *span, UTC) == BusiestHour(1, 5.0)
    assert await history.reports.busiest_hour("ark", *span, BERLIN) == BusiestHour(3, 5.0)
    assert await history.reports.busiest_hour("ark", *span, ZoneInfo("Asia/Kathmandu")) == BusiestHour(7, 5.0)


async def test_memory_growth_is_of_one_life_after_the_other(history: History) -> None:
    for begin_h in (0, 8, 16):
        await history.ran(begin_h * HOUR_S, (begin_h + 8) * HOUR_S, Verdict.CRASHED)
        await history.measured(range(begin_h * HOUR_S, (begin_h + 8) * HOUR_S, 60), grows_mib_h=64.0)
    growth = await history.reports.memory_growth("ark", ms(0), ms(DAY_S))
    assert growth == pytest.approx(64 * MIB, rel=0.02)


async def test_too_little_is_known_of_growth_in_half_an_hour(history: History) -> None:
    await history.ran(0)
    await history.measured(range(0, HOUR_S, 10), grows_mib_h=64.0)
    assert await history.reports.memory_growth("ark", ms(0), ms(HOUR_S // 2)) is None
    assert await history.reports.memory_growth("ark", ms(0), ms(DAY_S)) is None


async def test_a_summary_says_it_all(history: History) -> None:
    await history.ran(0, 12 * HOUR_S, Verdict.CRASHED)
    await history.ran(18 * HOUR_S)
    await history.measured(range(0, 12 * HOUR_S, 60), players=2, grows_mib_h=10.0)
    reports, span = history.reports, (ms(0), ms(DAY_S))
    found = await reports.summary("ark", *span, BERLIN)
    assert (found.server_id, found.since_ms, found.until_ms) == ("ark", *span)
    assert found.uptime == await reports.uptime("ark", *span)
    assert found.failures == await reports.failures("ark", *span)
    assert found.players == await reports.player_hours("ark", *span)
    assert found.busiest_hour == await reports.busiest_hour("ark", *span, BERLIN)
    assert found.memory_growth == await reports.memory_growth("ark", *span)
    assert found.uptime is not None
    assert found.uptime.share == 0.75
    assert found.failures.total == 1
    assert found.players.hours == 24.0


@pytest.mark.parametrize("question", ["uptime", "failures", "player_hours", "memory_growth"])
async def test_a_span_is_longer_than_nothing(history: History, question: str) -> None:
    with pytest.raises(ValueError, match=str(ms(5))):
        await getattr(history.reports, question)("ark", ms(5), ms(5))
