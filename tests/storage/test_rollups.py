"""A rollup that is not due is exactly what the samples come to, in whatever order they came and however it ended."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import StorageError
from monitor.metrics import METRICS
from monitor.model import Sample
from storage.database import Database
from storage.measures import key_of
from storage.rollups import BUCKETS_AT_ONCE, GRACE_S, HOUR, LEVELS, MINUTE, TEN_MINUTES, TOGETHER_S, Level, of_minute
from storage.samples import SampleBuffer
from tests.fakes.clock import EPOCH_MS, FakeClock
from tests.storage.longhand import due, parts_of, rolled_up, worked_out

NOW_S = EPOCH_MS // 1000
"""Where an hour begins."""
WRITTEN_S = TOGETHER_S + GRACE_S
"""The first minutes are written so long after they began."""

pytestmark = pytest.mark.usefixtures("two_servers")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def buffer(db: Database, clock: FakeClock) -> SampleBuffer:
    return SampleBuffer(db, clock)


def ark(after_s: int, players: int | None = 1, cpu_pct: float | None = None) -> Sample:
    return Sample("ark", NOW_S + after_s, players=players, cpu_pct=cpu_pct)


async def flush(buffer: SampleBuffer, *samples: Sample) -> None:
    buffer.add(samples)
    await buffer.flush()


async def players(db: Database, level: Level, after_s: int = 0) -> tuple[object, ...] | None:
    """How many samples there were, and of the players the count, the lowest, the highest and the sum."""
    columns = "sample_count, players_count, players_min, players_max, players_sum"
    row: tuple[object, ...] | None = await db.fetch_one(
        f"SELECT {columns} FROM {level.view} JOIN servers ON no = server_no WHERE id = 'ark' AND at_s = ?",
        (NOW_S + after_s,),
    )
    return row


async def assert_whole(db: Database) -> None:
    """What is not due is right, and nothing is missing or too many."""
    for level in LEVELS:
        expected, found, waiting = (
            await worked_out(db, level.bucket_s),
            await rolled_up(db, level.view),
            await due(db, level.bucket_s),
        )
        for rollups in (expected, found):
            for key in [key for key in rollups if key[1] in waiting]:
                del rollups[key]
        assert found == expected


def test_the_clock_of_these_tests_stands_at_a_full_hour() -> None:
    assert NOW_S % HOUR.bucket_s == 0


async def test_a_bucket_is_written_once_its_time_has_passed(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    clock.shift_wall(WRITTEN_S - 1)
    await flush(buffer, ark(0, 2), ark(59, 4), ark(240, 7))
    assert await players(db, MINUTE) is None
    clock.shift_wall(1)
    await flush(buffer, ark(300, 9))
    assert await players(db, MINUTE) == (2, 2, 2, 4, 6)
    assert await players(db, MINUTE, 240) == (1, 1, 7, 7, 7)
    assert await players(db, MINUTE, 300) is None
    assert await players(db, TEN_MINUTES) is None


async def test_each_level_is_made_once_its_time_has_passed(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    for passed_s, rolled in ((600, {MINUTE, TEN_MINUTES}), (3600, set(LEVELS))):
        clock.shift_wall(NOW_S + passed_s + GRACE_S - clock.now_ms() / 1000)
        await flush(buffer, *(ark(passed_s - 600 + second, second) for second in (0, 300, 599)))
        assert {level for level in LEVELS if await rolled_up(db, level.view)} == rolled
    assert await players(db, HOUR) == (6, 6, 0, 599, 2 * 899)
    assert await db.fetch_all("SELECT * FROM rollups_due") == []


async def test_a_flush_writes_samples_and_rollups_or_neither(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    async with db.transaction() as tx:
        await tx.execute("CREATE TRIGGER no BEFORE INSERT ON rollups_1min BEGIN SELECT raise(ABORT, 'no'); END")
    clock.shift_wall(WRITTEN_S)
    with pytest.raises(StorageError):
        await flush(buffer, ark(1))
    assert await db.fetch_one("SELECT count(*) FROM samples") == (0,)
    assert buffer.waiting == 1
    async with db.transaction() as tx:
        await tx.execute("DROP TRIGGER no")
    await buffer.flush()
    assert await players(db, MINUTE) == (1, 1, 1, 1, 1)


async def test_what_is_not_known_is_not_counted(db: Database, buffer: SampleBuffer, clock: FakeClock) -> None:
    clock.shift_wall(WRITTEN_S)
    await flush(buffer, ark(0, None), ark(1, 0), ark(2, 6), Sample("rust", NOW_S))
    assert await players(db, MINUTE) == (3, 2, 0, 6, 6)
    assert await db.fetch_one("SELECT threads_count, threads_min, threads_max, threads_sum FROM whole_1min") == (
        (0, None, None, None)
    )
    await assert_whole(db)


@pytest.mark.parametrize("claimed", [2**31 - 1, 2**38 - 1, 2**38, 2**62, 2**63 - 1, 10**30])
async def test_no_number_that_a_game_claims_keeps_the_rest_from_being_written(
    db: Database, buffer: SampleBuffer, clock: FakeClock, claimed: int
) -> None:
    await flush(buffer, *(ark(second, players=claimed) for second in range(120)))
    clock.shift_wall(3600 + GRACE_S)
    await flush(buffer, ark(3600))
    assert await players(db, HOUR) == (
        (120, 120, claimed, claimed, 120 * claimed) if claimed < 2**38 else (120, 0, *3 * (None,))
    )
    await assert_whole(db)


async def test_what_follows_from_the_rest_takes_no_room(db: Database, buffer: SampleBuffer, clock: FakeClock) -> None:
    clock.shift_wall(WRITTEN_S)
    await flush(buffer, *(ark(second, 5) for second in range(4)))
    stored = "SELECT sample_count, players_count, players_min, players_max, players_sum FROM rollups_1min"
    assert await db.fetch_one(stored) == (4, None, 5, None, None)
    assert await players(db, MINUTE) == (4, 4, 5, 5, 20)


async def test_a_late_sample_is_in_every_rollup_of_its_time(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    clock.shift_wall(HOUR.bucket_s + GRACE_S)
    await flush(buffer, ark(0, 1), ark(700, 2))
    await flush(buffer, ark(30, 9))
    for level, expected in zip(LEVELS, ((2, 2, 1, 9, 10), (2, 2, 1, 9, 10), (3, 3, 1, 9, 12)), strict=True):
        assert await players(db, level) == expected
    await assert_whole(db)


async def test_a_second_that_is_measured_again_counts_once(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    clock.shift_wall(HOUR.bucket_s + GRACE_S)
    await flush(buffer, ark(0, 9))
    await flush(buffer, ark(0, 3))
    for level in LEVELS:
        assert await players(db, level) == (1, 1, 3, 3, 3)


async def test_a_clock_that_is_put_back_leaves_the_rest_of_its_hour_due(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    clock.shift_wall(1800)
    await flush(buffer, ark(1799, 1))
    clock.shift_wall(-1800 + WRITTEN_S)
    await flush(buffer, ark(0, 2), ark(61, 3))
    assert await players(db, MINUTE) == (1, 1, 2, 2, 2)
    assert await players(db, MINUTE, 1740) is None
    clock.shift_wall(1800)
    await flush(buffer, ark(1799, 4), ark(1798, 5))
    assert await players(db, MINUTE, 1740) == (2, 2, 4, 5, 9)
    await assert_whole(db)


async def test_fault_28_what_was_left_unfinished_is_finished_with_nothing_new_to_write(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    clock.shift_wall(5)
    await flush(buffer, ark(0, 1), ark(4, 3))
    clock.shift_wall(HOUR.bucket_s)
    task = asyncio.create_task(SampleBuffer(db, clock).run())
    await clock.until_sleeping()
    await clock.advance(10)
    await clock.until_sleeping()
    task.cancel()
    for level in LEVELS:
        assert await players(db, level) == (2, 2, 1, 3, 4)
    assert await db.fetch_all("SELECT * FROM rollups_due") == []


async def test_much_that_is_due_is_done_in_small_transactions(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    clock.shift_wall(2 * HOUR.bucket_s)
    await flush(buffer, *(ark(60 * minute, minute) for minute in range(60)))
    assert len(await rolled_up(db, MINUTE.view)) == BUCKETS_AT_ONCE
    task = asyncio.create_task(buffer.run())
    await clock.until_sleeping()
    await clock.advance(10)
    await clock.until_sleeping()
    task.cancel()
    assert len(await rolled_up(db, MINUTE.view)) == 60
    assert await players(db, HOUR) == (60, 60, 0, 59, 59 * 30)
    await assert_whole(db)


async def test_a_straggler_does_not_replace_what_only_the_rollup_still_knows(
    db: Database, buffer: SampleBuffer, clock: FakeClock
) -> None:
    clock.shift_wall(HOUR.bucket_s + GRACE_S)
    await flush(buffer, ark(0, 1), ark(1, 2))
    async with db.transaction() as tx:
        await tx.execute("DELETE FROM samples")
    await flush(buffer, ark(2, 90))
    for level in LEVELS:
        assert await players(db, level) == (2, 2, 1, 2, 3)


async def test_fault_29_what_was_dropped_is_in_no_rollup(db: Database, clock: FakeClock) -> None:
    buffer = SampleBuffer(db, clock, cap_rows=3)
    clock.shift_wall(WRITTEN_S)
    await flush(buffer, *(ark(second, second) for second in range(5)), Sample("nowhere", NOW_S + 5))
    assert buffer.dropped == 4  # three too many, and one of nobody
    assert await players(db, MINUTE) == (2, 2, 3, 4, 7)
    await assert_whole(db)


MEASURED = st.none() | st.integers(-5, 5) | st.integers(-(2**38) + 1, 2**38 - 1)


@given(st.lists(st.tuples(*(MEASURED for _ in METRICS)), min_size=1, max_size=60), st.integers(0, 1023))
def test_a_minute_is_what_its_rows_come_to(rows: list[tuple[int | None, ...]], server_no: int) -> None:
    others = {key_of(60, (server_no + 1) % 1024): (7,) * len(METRICS)}
    keyed = {key_of(60 + second, server_no): row for second, row in enumerate(rows)}
    found = {no: (at_s, count, parts) for no, at_s, count, *parts in of_minute(60, keyed | others)}
    assert found.keys() == {server_no, (server_no + 1) % 1024}
    at_s, total, parts = found[server_no]
    assert (at_s, total) == (60, len(rows))
    for index, column in enumerate(zip(*rows, strict=True)):
        count, low, high, added = parts[4 * index : 4 * index + 4]
        number = len(rows) if count is None else count  # as the view has it
        high = low if high is None else high
        assert (number, low, high) == parts_of(column)[:3]
        assert parts_of(column)[3] == (low * number if added is None and low is not None else added)


class Weather:
    """Samples that come late, twice or not at all, flushes that fail, clocks that jump, and sudden ends."""

    def __init__(self, db: Database, clock: FakeClock, chance: random.Random) -> None:
        self._db = db
        self._clock = clock
        self._chance = chance
        self.buffer = SampleBuffer(db, clock)

    async def step(self) -> None:
        chance = self._chance
        self._clock.shift_wall(chance.choice((1, 10, 10, 30, 400)))
        if chance.random() < 0.05:
            self._clock.shift_wall(chance.choice((-900, 900)))
        self.buffer.add([self._sample() for _ in range(chance.randrange(8))])
        if chance.random() < 0.1:
            self.buffer = SampleBuffer(self._db, self._clock)  # the old one is killed with all that waits in it
        if chance.random() < 0.1:
            await self._refused_flush()
        elif chance.random() < 0.8:
            await self.buffer.flush()

    def _sample(self) -> Sample:
        chance = self._chance
        late_s = chance.choice((0, 0, 0, 1, 7, 70, 900))
        return Sample(
            chance.choice(("ark", "rust")),
            self._clock.now_ms() // 1000 - late_s,
            cpu_pct=chance.choice((None, 0.0, 12.5, 380.0)),
            rss_bytes=chance.choice((None, 1 << 30, 1 << 31)),
            players=chance.choice((None, 0, 3, 3, 70)),
        )

    async def _refused_flush(self) -> None:
        with suppress(ZeroDivisionError):
            async with self._db.transaction():
                task = asyncio.create_task(self.buffer.flush())
                await asyncio.sleep(0)
                task.cancel()
                raise ZeroDivisionError
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_they_are_what_the_samples_come_to(db: Database, clock: FakeClock, seed: int) -> None:
    weather = Weather(db, clock, random.Random(seed))
    for turn in range(60):
        await weather.step()
        if turn % 10 == 9:
            await assert_whole(db)
    clock.shift_wall(3 * HOUR.bucket_s)
    for _ in range(40):
        await flush(weather.buffer, Sample("ark", clock.now_ms() // 1000))
    assert await due(db, HOUR.bucket_s) == {clock.now_ms() // 1000 // HOUR.bucket_s * HOUR.bucket_s}
    await assert_whole(db)
    assert len(await rolled_up(db, HOUR.view)) >= 2
