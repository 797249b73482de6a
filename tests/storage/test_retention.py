"""What is old goes a little at a time, and what is still needed stays."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from monitor.model import Sample
from storage.database import Database
from storage.measures import key_of
from storage.retention import EVERY_S, FIRST_AFTER_S, LATE_S, PAUSE_S, ROWS_AT_ONCE, SPARE_PAGES, Retention
from storage.rollups import HOUR, MINUTE, TEN_MINUTES, Level
from storage.samples import SampleBuffer
from storage.series import DAY_S, Keep
from tests.fakes.clock import EPOCH_MS, FakeClock
from tests.fakes.waiting import PATIENCE_S

NOW_S = EPOCH_MS // 1000
DAY_BEGAN_S = NOW_S - NOW_S % DAY_S
HOUR_S = 3600

pytestmark = pytest.mark.usefixtures("two_servers")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def store(db: Database, times_s: Sequence[int], server_no: int = 1) -> None:
    async with db.transaction() as tx:
        await tx.execute_many(
            "INSERT INTO samples (key, players) VALUES (?, 1)", [(key_of(at_s, server_no),) for at_s in times_s]
        )


async def store_rollups(db: Database, level: Level, times_s: Sequence[int], server_no: int = 1) -> None:
    async with db.transaction() as tx:
        await tx.execute_many(
            f"INSERT INTO {level.table} (server_no, at_s, sample_count, players_min) VALUES (?, ?, 1, 1)",
            [(server_no, at_s) for at_s in times_s],
        )


async def left(db: Database, table: str, server_no: int = 1) -> list[int]:
    rows = await db.fetch_all(f"SELECT at_s FROM {table} WHERE server_no = ? ORDER BY at_s", (server_no,))
    return [at_s for (at_s,) in rows]


async def sweep(retention: Retention, clock: FakeClock) -> None:
    """Sweep once, and let all its pauses pass."""
    task = asyncio.create_task(retention.sweep())
    while not task.done():
        # No time passes while the database is at work: what is old must not depend on how long that takes.
        pause = asyncio.create_task(clock.until_sleeping())
        await asyncio.wait((task, pause), return_when=asyncio.FIRST_COMPLETED)
        pause.cancel()
        if clock.sleepers:
            await clock.advance(PAUSE_S)
    await task


async def sweep_away(retention: Retention, clock: FakeClock, times: int = 3) -> None:
    for _ in range(times):
        await sweep(retention, clock)


async def test_rows_go_after_a_week(db: Database, clock: FakeClock) -> None:
    week_ago_s = NOW_S - 7 * DAY_S
    await store(db, [week_ago_s - LATE_S - 1, week_ago_s - 1, week_ago_s, NOW_S])
    await store(db, [week_ago_s - 1, NOW_S], server_no=2)
    await sweep(Retention(db, clock), clock)
    assert await left(db, "samples") == [week_ago_s, NOW_S]
    assert await left(db, "samples", server_no=2) == [NOW_S]


async def test_a_few_rows_are_waited_with_for_an_hour(db: Database, clock: FakeClock) -> None:
    week_ago_s = NOW_S - 7 * DAY_S
    await store(db, [week_ago_s - LATE_S, week_ago_s - 1])
    await sweep(Retention(db, clock), clock)
    assert await left(db, "samples") == [week_ago_s - LATE_S, week_ago_s - 1]
    clock.shift_wall(1)
    await sweep(Retention(db, clock), clock)
    assert await left(db, "samples") == []


@pytest.mark.parametrize(
    ("level", "days"), [(MINUTE, 90), (TEN_MINUTES, 365)], ids=["minutes after a quarter", "ten minutes after a year"]
)
async def test_rollups_go(db: Database, clock: FakeClock, level: Level, days: int) -> None:
    cut_off_s = DAY_BEGAN_S - days * DAY_S
    for server_no in (1, 2):
        await store_rollups(db, level, [cut_off_s - level.bucket_s, cut_off_s, NOW_S], server_no)
    await sweep(Retention(db, clock), clock)
    for server_no in (1, 2):
        assert await left(db, level.table, server_no) == [cut_off_s, NOW_S]


async def test_hours_stay_for_ever(db: Database, clock: FakeClock) -> None:
    await store_rollups(db, HOUR, [HOUR_S, NOW_S])
    await sweep_away(Retention(db, clock), clock)
    assert await left(db, HOUR.table) == [HOUR_S, NOW_S]


async def test_everything_is_settable(db: Database, clock: FakeClock) -> None:
    keep = Keep(raw_days=1, minute_days=2, ten_minute_days=3, hour_days=4)
    times_s = [DAY_BEGAN_S - days * DAY_S for days in range(5, 0, -1)]
    await store(db, times_s)
    for level in (MINUTE, TEN_MINUTES, HOUR):
        await store_rollups(db, level, times_s)
    await sweep_away(Retention(db, clock, keep), clock, times=6)
    assert await left(db, "samples") == times_s[4:]
    assert await left(db, MINUTE.table) == times_s[3:]
    assert await left(db, TEN_MINUTES.table) == times_s[2:]
    assert await left(db, HOUR.table) == times_s[1:]


async def test_a_clock_that_is_years_ahead_costs_a_day_of_each_at_a_time(db: Database, clock: FakeClock) -> None:
    days_s = [DAY_BEGAN_S - days * DAY_S for days in range(5, 0, -1)]
    await store(db, days_s)
    await store_rollups(db, MINUTE, days_s)
    clock.shift_wall(5 * 365 * DAY_S)
    await sweep(Retention(db, clock), clock)
    assert await left(db, "samples") == days_s[2:]
    assert await left(db, MINUTE.table) == days_s[2:]


async def test_what_is_still_to_be_rolled_up_stays(db: Database, clock: FakeClock) -> None:
    """The bot was off for a month; the last minutes before are rolled up only now."""
    begin_s = NOW_S - 30 * DAY_S
    before = FakeClock(now_ms=begin_s * 1000)
    buffer = SampleBuffer(db, before)
    buffer.add([Sample("ark", begin_s, players=3)])
    await buffer.flush()
    await sweep(Retention(db, clock), clock)
    assert await left(db, "samples") == [begin_s]
    late = SampleBuffer(db, clock)
    late.add([Sample("ark", NOW_S, players=1)])
    await late.flush()
    await sweep(Retention(db, clock), clock)
    assert await left(db, "samples") == [NOW_S]
    assert await left(db, MINUTE.table) == [begin_s]


async def test_others_have_their_turn_between_two_small_steps(db: Database, clock: FakeClock) -> None:
    begin_s = NOW_S - 8 * DAY_S
    await store(db, range(begin_s, begin_s + 2 * ROWS_AT_ONCE + 7))
    task = asyncio.create_task(Retention(db, clock).sweep())
    seen = []
    while not task.done():
        await clock.until_sleeping()
        seen.append(len(await left(db, "samples")))
        await clock.advance(PAUSE_S)
        while not (task.done() or clock.sleepers):
            await db.fetch_all("SELECT 1")
    assert list(dict.fromkeys(seen)) == [ROWS_AT_ONCE + 7, 7, 0]


async def test_room_is_given_back_but_for_what_is_soon_needed(db: Database, clock: FakeClock) -> None:
    begin_s = NOW_S - 8 * DAY_S
    for server_no in (1, 2):
        await store(db, range(begin_s, begin_s + 80_000), server_no)
    await store(db, [NOW_S])
    [before] = await db.fetch_one("PRAGMA page_count") or (0,)
    await sweep_away(Retention(db, clock), clock, times=2)
    [after] = await db.fetch_one("PRAGMA page_count") or (0,)
    assert await left(db, "samples") == [NOW_S]
    assert before > 300 + SPARE_PAGES
    assert after < before - 200
    assert await db.fetch_one("PRAGMA freelist_count") == (SPARE_PAGES,)
    assert await db.fetch_one("PRAGMA quick_check") == ("ok",)


async def test_it_sweeps_now_and_then(db: Database, clock: FakeClock) -> None:
    task = asyncio.create_task(Retention(db, clock).run())
    await clock.until_sleeping()
    for wait_s in (FIRST_AFTER_S, EVERY_S, EVERY_S):
        await store(db, [NOW_S - 8 * DAY_S])
        await clock.advance(wait_s - 1)
        assert await left(db, "samples") != []
        await clock.advance(1)
        await _until_swept(db, clock)
    task.cancel()


async def test_fault_29_a_database_that_refuses_is_told_once_and_tried_again(db: Database, clock: FakeClock) -> None:
    await store(db, [NOW_S - 8 * DAY_S])
    async with db.transaction() as tx:
        await tx.execute("CREATE TRIGGER no BEFORE DELETE ON samples BEGIN SELECT raise(ABORT, 'no'); END")
    task = asyncio.create_task(Retention(db, clock).run())
    await clock.until_sleeping()
    with capture_logs() as logs:
        await clock.advance(FIRST_AFTER_S)
        for _ in range(2):
            await clock.until_sleeping()
            await clock.advance(EVERY_S)
        await clock.until_sleeping()
        assert [entry["event"] for entry in logs] == ["old_history_not_deleted"]
        async with db.transaction() as tx:
            await tx.execute("DROP TRIGGER no")
        await clock.advance(EVERY_S)
        await _until_swept(db, clock)
    assert [entry["event"] for entry in logs] == ["old_history_not_deleted", "old_history_deleted_again"]
    task.cancel()


async def _until_swept(db: Database, clock: FakeClock) -> None:
    """Until the sweep that has begun is over, and the next is waited for."""
    async with asyncio.timeout(PATIENCE_S):
        while await left(db, "samples"):
            await clock.until_sleeping()
        for _ in range(5):
            await clock.until_sleeping()
            await clock.advance(PAUSE_S)
