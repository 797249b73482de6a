"""No sample is lost on its way to the disk, and none counts twice, wherever a query finds it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.errors import StorageError, StorageFault
from monitor.metrics import BY_KEY
from monitor.model import Sample
from monitor.ports import SampleSink
from storage.database import Database
from storage.samples import SampleBuffer
from storage.series import Bucket
from tests.fakes.clock import FakeClock
from tests.fakes.waiting import PATIENCE_S
from tests.storage.notes import nth_call

PLAYERS = BY_KEY["players"]
MEMORY = BY_KEY["memory"]

pytestmark = pytest.mark.usefixtures("two_servers")


def ark(at_s: int, players: int | None = 1) -> Sample:
    return Sample("ark", at_s, players=players)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(now_ms=300_000)


@pytest.fixture
def buffer(db: Database, clock: FakeClock) -> SampleBuffer:
    return SampleBuffer(db, clock, flush_rows=5, cap_rows=12)


@asynccontextmanager
async def running(buffer: SampleBuffer, clock: FakeClock) -> AsyncIterator[None]:
    task = asyncio.create_task(buffer.run())
    await clock.until_sleeping()
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def stored(db: Database) -> list[tuple[int, str]]:
    return await db.fetch_all("SELECT at_s, id FROM samples JOIN servers ON no = server_no ORDER BY at_s, id")


async def refuse_samples(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute("CREATE TRIGGER refuse BEFORE INSERT ON samples BEGIN SELECT raise(ABORT, 'no'); END")


async def accept_samples(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute("DROP TRIGGER refuse")


def test_it_is_a_sample_sink(buffer: SampleBuffer) -> None:
    port: SampleSink = buffer
    assert port is buffer


async def test_a_flush_writes_everything_that_waits(db: Database, buffer: SampleBuffer) -> None:
    buffer.add([ark(at_s) for at_s in range(7)])
    buffer.add([Sample("rust", 3)])
    assert await stored(db) == []
    await buffer.flush()
    assert await stored(db) == sorted([(at_s, "ark") for at_s in range(7)] + [(3, "rust")])
    assert buffer.waiting == 0


async def test_it_is_written_when_the_time_has_come(db: Database, buffer: SampleBuffer, clock: FakeClock) -> None:
    async with running(buffer, clock):
        buffer.add([ark(1)])
        await clock.advance(9.9)
        assert await stored(db) == []
        await clock.advance(0.1)
        await clock.until_sleeping()
        assert await stored(db) == [(1, "ark")]


async def test_it_is_written_at_once_when_it_is_much(db: Database, buffer: SampleBuffer, clock: FakeClock) -> None:
    async with running(buffer, clock):
        buffer.add([ark(at_s) for at_s in range(5)])
        async with asyncio.timeout(PATIENCE_S):
            while buffer.waiting:
                await db.fetch_all("SELECT 1")
        assert len(await stored(db)) == 5
        assert clock.monotonic() == 0


async def test_it_is_written_early_when_memory_is_wanted(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    async with running(buffer, clock):
        buffer.add([ark(1)])
        buffer.flush_early()
        async with asyncio.timeout(PATIENCE_S):
            while buffer.waiting:
                await db.fetch_all("SELECT 1")
        assert await stored(db) == [(1, "ark")]
        assert clock.monotonic() == 0


async def test_fault_29_early_is_not_again_and_again_while_the_disk_refuses(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    await refuse_samples(db)
    with capture_logs():
        async with running(buffer, clock):
            buffer.add([ark(0)])
            await clock.advance(10)
            await clock.until_sleeping()
            await accept_samples(db)
            buffer.flush_early()
            await clock.advance(9)
            assert await stored(db) == []
            await clock.advance(1)
            await clock.until_sleeping()
            assert await stored(db) == [(0, "ark")]


async def test_the_same_second_again_replaces_what_was_there(db: Database, buffer: SampleBuffer) -> None:
    buffer.add([ark(1, 1), ark(1, 2)])
    assert buffer.waiting == 1
    await buffer.flush()
    buffer.add([ark(1, 3)])
    await buffer.flush()
    assert await db.fetch_all("SELECT at_s, players FROM samples") == [(1, 3)]


async def test_a_server_that_is_not_there_is_dropped_and_counted(db: Database, buffer: SampleBuffer) -> None:
    buffer.add([Sample("nowhere", 1), ark(1)])
    await buffer.flush()
    assert await stored(db) == [(1, "ark")]
    assert (buffer.waiting, buffer.dropped) == (0, 1)


async def test_a_server_whose_number_fits_no_key_is_dropped_and_counted(db: Database, buffer: SampleBuffer) -> None:
    async with db.transaction() as tx:
        await tx.execute("INSERT INTO servers (no, id, spec) VALUES (1023, 'last', '{}'), (1024, 'one more', '{}')")
    buffer.add([Sample("last", 1), Sample("one more", 1)])
    await buffer.flush()
    assert await stored(db) == [(1, "last")]
    assert buffer.dropped == 1


async def test_a_server_that_is_added_later_is_found(db: Database, buffer: SampleBuffer) -> None:
    buffer.add([ark(1)])
    await buffer.flush()
    async with db.transaction() as tx:
        await tx.execute("INSERT INTO servers (id, spec) VALUES ('new', '{}')")
    buffer.add([Sample("new", 2)])
    await buffer.flush()
    assert await stored(db) == [(1, "ark"), (2, "new")]


async def test_fault_29_what_the_disk_refuses_waits_and_is_written_later(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    await refuse_samples(db)
    with capture_logs() as logs:
        async with running(buffer, clock):
            for at_s in range(3):
                buffer.add([ark(at_s)])
                await clock.advance(10)
                await clock.until_sleeping()
            assert [entry["event"] for entry in logs] == ["samples_not_written"]
            assert await stored(db) == []
            await accept_samples(db)
            await clock.advance(10)
            await clock.until_sleeping()
            assert await stored(db) == [(0, "ark"), (1, "ark"), (2, "ark")]
            buffer.add([ark(3)])
            await clock.advance(10)
            await clock.until_sleeping()
    assert [entry["event"] for entry in logs] == ["samples_not_written", "samples_written_again"]


async def test_fault_29_a_broken_disk_is_tried_no_more_often_than_the_interval(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    await refuse_samples(db)
    with capture_logs():
        async with running(buffer, clock):
            buffer.add([ark(0)])
            await clock.advance(10)
            await clock.until_sleeping()
            await accept_samples(db)
            buffer.add([ark(at_s) for at_s in range(1, 8)])
            await clock.advance(9)
            assert await stored(db) == []
            await clock.advance(1)
            await clock.until_sleeping()
            assert len(await stored(db)) == 8


async def test_fault_29_beyond_the_cap_the_oldest_go_and_are_counted(db: Database, buffer: SampleBuffer) -> None:
    await refuse_samples(db)
    buffer.add([ark(at_s) for at_s in range(20)])
    with pytest.raises(StorageError) as caught:
        await buffer.flush()
    assert caught.value.fault is StorageFault.FAILED
    assert (buffer.waiting, buffer.dropped) == (12, 8)
    await accept_samples(db)
    await buffer.flush()
    assert await stored(db) == [(at_s, "ark") for at_s in range(8, 20)]


async def test_a_flush_cut_short_loses_nothing(db: Database, buffer: SampleBuffer) -> None:
    buffer.add([ark(at_s) for at_s in range(4)])
    async with db.transaction():
        task = asyncio.create_task(buffer.flush())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert buffer.waiting == 4
    await buffer.flush()
    assert len(await stored(db)) == 4


async def test_what_replaces_a_row_on_its_way_to_the_disk_is_written_too(db: Database, buffer: SampleBuffer) -> None:
    buffer.add([ark(1, 10), ark(2, 10)])
    committing = asyncio.Event()
    await db._held.connection.set_trace_callback(nth_call(2, committing.set))
    task = asyncio.create_task(buffer.flush())
    await committing.wait()
    buffer.add([ark(1, 20)])
    await task
    assert await db.fetch_all("SELECT at_s, players FROM samples ORDER BY at_s") == [(1, 20), (2, 10)]
    assert buffer.waiting == 0


async def test_latest_is_found_in_memory_on_disk_and_after_a_restart(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    assert await buffer.latest("ark") is None
    newest = Sample("ark", 20, cpu_pct=12.5, rss_bytes=3 << 20, players=2)
    buffer.add([newest, ark(10), Sample("rust", 30)])
    assert await buffer.latest("ark") == newest
    await buffer.flush()
    assert await buffer.latest("ark") == newest
    assert await SampleBuffer(db, clock).latest("ark") == newest
    assert await SampleBuffer(db, clock).latest("nowhere") is None


@pytest.mark.parametrize("flushed", [False, True], ids=["in memory", "on disk"])
async def test_series_aggregates_by_bucket_and_shows_gaps(
    buffer: SampleBuffer,
    flushed: bool,  # noqa: FBT001
) -> None:
    buffer.add([ark(99, 50), ark(100, 1), ark(105, 3), ark(109, 2), ark(120, None), ark(139, 0), ark(140, 60)])
    buffer.add([Sample("rust", 101, players=40)])
    if flushed:
        await buffer.flush()
    series = await buffer.series("ark", PLAYERS, 100, 140, 4)
    assert (series.metric_key, series.since_s, series.bucket_s) == ("players", 100, 10)
    assert series.points == (Bucket(1, 2, 3), None, None, Bucket(0, 0, 0))


async def test_series_gives_the_unit_of_the_metric(buffer: SampleBuffer) -> None:
    buffer.add([Sample("ark", 0, rss_bytes=2**30), Sample("ark", 1, rss_bytes=2**31)])
    series = await buffer.series("ark", MEMORY, 0, 2, 1)
    assert series.points == (Bucket(2**30, 1.5 * 2**30, 2**31),)


async def test_series_of_a_server_that_is_not_there_is_all_gaps(buffer: SampleBuffer) -> None:
    assert (await buffer.series("nowhere", PLAYERS, 0, 30, 3)).points == (None, None, None)


async def test_a_row_in_memory_stands_in_for_the_one_on_disk(buffer: SampleBuffer) -> None:
    buffer.add([ark(1, 10), ark(2, 10)])
    await buffer.flush()
    buffer.add([ark(1, 20), ark(3, 30)])
    assert (await buffer.series("ark", PLAYERS, 0, 4, 1)).points == (Bucket(10, 20, 30),)


async def test_rows_on_their_way_to_the_disk_count_once(db: Database, buffer: SampleBuffer) -> None:
    """Queries and flushes in every order that the lock lets them take: before, during and after each other."""
    wanted = (Bucket(1, 2.5, 4),)
    for round_ in range(20):
        base = round_ * 10
        buffer.add([ark(base + at_s, at_s + 1) for at_s in range(4)])
        flush = asyncio.create_task(buffer.flush())
        while not flush.done():
            assert (await buffer.series("ark", PLAYERS, base, base + 4, 1)).points == wanted
        assert (await buffer.series("ark", PLAYERS, base, base + 4, 1)).points == wanted


async def test_rows_whose_commit_is_known_to_the_disk_but_not_to_memory_count_once(
    db: Database, buffer: SampleBuffer
) -> None:
    buffer.add([ark(1, 10), ark(2, 20)])
    async with db.transaction() as tx:
        await tx.execute("INSERT INTO samples (key, players) SELECT 1024 + no, 10 FROM servers WHERE id = 'ark'")
    assert (await buffer.series("ark", PLAYERS, 0, 4, 1)).points == (Bucket(10, 15, 20),)


async def test_samples_survive_the_end_of_the_process(path: Path, db: Database, buffer: SampleBuffer) -> None:
    buffer.add([ark(1, 5)])
    await buffer.flush()
    await db.close()
    async with await Database.open(path) as again:
        assert await stored(again) == [(1, "ark")]
