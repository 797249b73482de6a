"""All rows of a minute are given to whoever rolls it up, whether they are in memory or not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from monitor.errors import StorageError
from monitor.metrics import METRICS
from monitor.model import Sample
from storage import minutes as module
from storage.database import Database
from storage.measures import COLUMNS, Measures, key_of
from storage.minutes import KEPT_ROWS, ROWS_AT_ONCE, Minutes, insert
from storage.samples import SampleBuffer
from tests.fakes.clock import FakeClock

M = len(METRICS)


def measured(value: int) -> Measures:
    return (*range(value, value + M - 1), None)


def rows(seconds: Iterable[int], server_no: int = 1, value: int = 0) -> dict[int, Measures]:
    return {key_of(at_s, server_no): measured(value + at_s) for at_s in seconds}


async def write(db: Database, minutes: Minutes, written: dict[int, Measures]) -> set[int]:
    async with db.transaction() as tx:
        return await minutes.write(tx, written)


async def take(db: Database, minutes: Minutes, at_s: int) -> dict[int, Measures]:
    async with db.transaction() as tx:
        return dict(await minutes.take(tx, at_s))


async def table(db: Database) -> dict[int, Measures]:
    found = await db.fetch_all(f"SELECT key, {', '.join(COLUMNS)} FROM samples")
    return {key: tuple(measures) for key, *measures in found}


async def empty(db: Database) -> None:
    """Behind everybody's back, so that it shows who asks the table."""
    async with db.transaction() as tx:
        await tx.execute("DELETE FROM samples")


@pytest.mark.parametrize("count", [0, 1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 3 * ROWS_AT_ONCE + 7])
async def test_every_row_is_written_once(db: Database, count: int) -> None:
    async with db.transaction() as tx:
        await insert(tx, rows(range(count)))
    assert await table(db) == rows(range(count))


@pytest.mark.parametrize("count", [2, 2 * ROWS_AT_ONCE])
async def test_a_row_takes_the_place_of_the_one_of_its_key(db: Database, count: int) -> None:
    async with db.transaction() as tx:
        await insert(tx, rows(range(count + 1)))
        await insert(tx, rows(range(count), value=1000))
    assert await table(db) == rows(range(count), value=1000) | rows([count])


async def test_it_says_which_minutes_were_written(db: Database) -> None:
    assert await write(db, Minutes(), rows([59, 60, 61, 600])) == {0, 60, 600}
    assert await write(db, Minutes(), {}) == set()


async def test_a_minute_that_was_begun_here_is_not_read_again(db: Database) -> None:
    minutes = Minutes()
    await write(db, minutes, rows([60, 61]))
    await write(db, minutes, rows([119, 120]) | rows([61], value=500) | rows([119], server_no=2))
    await empty(db)
    expected = rows([60, 119]) | rows([61], value=500) | rows([119], server_no=2)
    assert await take(db, minutes, 60) == expected
    assert await take(db, minutes, 120) == rows([120])


async def test_fault_28_of_a_minute_that_somebody_else_began_the_table_is_asked(db: Database) -> None:
    await write(db, Minutes(), rows([60]) | rows([119], server_no=2))
    minutes = Minutes()
    await write(db, minutes, rows([61, 120]))
    assert await take(db, minutes, 60) == rows([60, 61]) | rows([119], server_no=2)
    await empty(db)
    assert await take(db, minutes, 120) == rows([120])


async def test_what_comes_after_the_minute_was_taken_is_given_with_the_rest(db: Database) -> None:
    minutes = Minutes()
    await write(db, minutes, rows([60, 61]))
    await take(db, minutes, 60)
    await write(db, minutes, rows([62]))
    assert await take(db, minutes, 60) == rows([60, 61, 62])


async def test_what_nobody_wrote_is_empty(db: Database) -> None:
    assert await take(db, Minutes(), 60) == {}


async def test_no_more_is_kept_than_there_is_room_for(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEPT_ROWS >= 20 * (300 + 60)
    monkeypatch.setattr(module, "KEPT_ROWS", 100)
    minutes = Minutes()
    for since_s in range(0, 180, 10):
        await write(db, minutes, rows(range(since_s, since_s + 10)))
        assert sum(map(len, minutes._kept.values())) <= 100
    await write(db, minutes, rows([5], value=9))
    for since_s in (60, 120):
        assert await take(db, minutes, since_s) == rows(range(since_s, since_s + 60))
    assert await take(db, minutes, 0) == rows(range(60)) | rows([5], value=9)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(now_ms=60_000)


@pytest.fixture
def buffer(db: Database, clock: FakeClock, two_servers: tuple[str, str]) -> SampleBuffer:
    return SampleBuffer(db, clock, cap_rows=1)


async def counted(db: Database, buffer: SampleBuffer, clock: FakeClock) -> list[tuple[object, ...]]:
    """How many samples each minute has, and their players, as its rollup says."""
    clock.shift_wall(600)
    buffer.add([Sample("ark", 660)])
    await buffer.flush()
    return await db.fetch_all("SELECT at_s, sample_count, players_sum FROM whole_1min ORDER BY at_s")


async def test_a_commit_that_counts_though_the_flush_was_cancelled_is_rolled_up(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    loop = asyncio.get_running_loop()
    buffer.add([Sample("ark", 60, players=4)])
    task = asyncio.create_task(buffer.flush())

    def cancel(sql: str) -> None:
        if sql == "COMMIT":
            loop.call_soon_threadsafe(task.cancel)

    await db._held.connection.set_trace_callback(cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await db.fetch_all("SELECT at_s FROM samples") == [(60,)]
    buffer.add([Sample("ark", 61, players=5)])  # the cap drops the other one
    await buffer.flush()
    assert await counted(db, buffer, clock) == [(60, 2, 9)]


async def test_what_was_taken_back_is_not_rolled_up(db: Database, buffer: SampleBuffer, clock: FakeClock) -> None:
    async with db.transaction() as tx:
        await tx.execute("CREATE TRIGGER no BEFORE INSERT ON rollups_due BEGIN SELECT raise(ABORT, 'no'); END")
    buffer.add([Sample("ark", 60, players=4)])
    with pytest.raises(StorageError):
        await buffer.flush()
    async with db.transaction() as tx:
        await tx.execute("DROP TRIGGER no")
    buffer.add([Sample("ark", 61, players=5)])  # the cap drops the other one
    await buffer.flush()
    assert await counted(db, buffer, clock) == [(60, 1, 5)]


async def test_nothing_is_kept_when_memory_is_wanted(db: Database, buffer: SampleBuffer, clock: FakeClock) -> None:
    buffer.add([Sample("ark", 60, players=4)])
    await buffer.flush()
    assert buffer._minutes._kept
    buffer.flush_early()
    assert not buffer._minutes._kept
    buffer.add([Sample("ark", 61, players=5)])
    await buffer.flush()
    assert await counted(db, buffer, clock) == [(60, 2, 9)]
