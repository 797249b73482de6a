"""A series is what was measured, bucket by bucket, whichever tables it is read from."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.metrics import BY_KEY
from monitor.model import Sample
from storage.database import Database
from storage.rollups import HOUR, LEVELS, MINUTE, TEN_MINUTES, Level
from storage.samples import _LATEST, SampleBuffer
from storage.series import DAY_S, KEPT, Bucket, Grid, Keep, Series, grid
from tests.fakes.clock import EPOCH_MS, FakeClock

NOW_S = EPOCH_MS // 1000
PLAYERS = BY_KEY["players"]
HOUR_S = 3600
WEEK_S = 7 * DAY_S


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def buffer(db: Database, clock: FakeClock) -> SampleBuffer:
    return SampleBuffer(db, clock)


def worked_out(samples: dict[int, int | None], where: Grid) -> tuple[Bucket | None, ...]:
    """The points of a series, from everything that was ever measured of a server."""
    found: dict[int, list[int]] = defaultdict(list)
    for at_s, value in samples.items():
        step_s = where.level.bucket_s if where.level else 1
        if value is not None and where.since_s <= at_s - at_s % step_s < where.until_s:
            found[(at_s - where.since_s) // where.bucket_s].append(value)
    buckets = (found.get(index) for index in range(where.buckets))
    return tuple(
        Bucket(min(values), sum(values) / len(values), max(values)) if values else None for values in buckets
    )


@pytest.mark.parametrize(
    ("ago_s", "span_s", "buckets", "level", "bucket_s"),
    [
        pytest.param(HOUR_S, HOUR_S, 240, None, 15, id="an-hour-is-read-row-by-row"),
        pytest.param(HOUR_S, HOUR_S, 62, None, 59, id="just-under-a-minute"),
        pytest.param(6 * HOUR_S, 6 * HOUR_S, 360, MINUTE, 60, id="exactly-a-minute"),
        pytest.param(24 * HOUR_S, 24 * HOUR_S, 360, MINUTE, 240, id="a-day-from-minutes"),
        pytest.param(24 * HOUR_S, 24 * HOUR_S, 370, MINUTE, 240, id="rounded-up-to-whole-minutes"),
        pytest.param(WEEK_S, WEEK_S, 360, TEN_MINUTES, 1800, id="a-week-from-ten-minutes"),
        pytest.param(30 * DAY_S, 30 * DAY_S, 360, HOUR, 7200, id="a-month-from-hours"),
        pytest.param(WEEK_S, WEEK_S, 60_480, None, 10, id="a-week-row-by-row-where-that-is-wanted"),
        pytest.param(WEEK_S + 1, WEEK_S + 1, 60_481, MINUTE, 60, id="never-row-by-row-beyond-a-week"),
        pytest.param(30 * DAY_S, HOUR_S, 240, MINUTE, 60, id="an-hour-long-ago-of-which-minutes-are-kept"),
        pytest.param(91 * DAY_S, HOUR_S, 240, TEN_MINUTES, 600, id="an-hour-of-which-ten-minutes-are-kept"),
        pytest.param(366 * DAY_S, HOUR_S, 240, HOUR, 3600, id="an-hour-of-which-nothing-else-is-kept"),
        pytest.param(366 * DAY_S, 366 * DAY_S, 100, HOUR, 318_600 - 318_600 % 3600, id="more-than-a-year"),
    ],
)
def test_the_coarsest_that_serves_is_chosen(
    ago_s: int, span_s: int, buckets: int, level: Level | None, bucket_s: int
) -> None:
    since_s = NOW_S - ago_s
    chosen = grid(since_s, since_s + span_s, buckets, now_s=NOW_S, keep=KEPT)
    assert chosen.level == level
    assert bucket_s <= chosen.bucket_s < bucket_s + (level.bucket_s if level else 1)


def test_what_is_kept_is_a_setting() -> None:
    keep = Keep(raw_days=1, minute_days=2, ten_minute_days=3, hour_days=4)
    for days, level in ((1, None), (2, MINUTE), (3, TEN_MINUTES), (4, HOUR), (5, HOUR)):
        since_s = NOW_S - days * DAY_S
        assert grid(since_s, since_s + 60, 6, now_s=NOW_S, keep=keep).level == level


@settings(deadline=None)
@given(st.integers(0, NOW_S - 1), st.integers(1, 10**8), st.integers(1, 2000))
def test_buckets_cover_the_span_and_are_whole(since_s: int, span_s: int, buckets: int) -> None:
    until_s = since_s + span_s
    made = grid(since_s, until_s, buckets, now_s=NOW_S, keep=KEPT)
    step_s = made.level.bucket_s if made.level else 1
    assert made.since_s <= since_s < made.since_s + step_s
    assert made.since_s + (made.buckets - 1) * made.bucket_s < until_s <= made.since_s + made.buckets * made.bucket_s
    assert made.buckets <= buckets + (made.level is not None)
    assert made.level is None or (made.since_s % step_s, made.bucket_s % step_s) == (0, 0)
    # No longer than was asked for, but for the rounding and for what is no longer kept.
    assert made.bucket_s < -(-span_s // buckets) + step_s


@pytest.mark.parametrize(("since_s", "until_s", "buckets"), [(5, 5, 1), (6, 5, 1), (0, 5, 0)])
def test_a_span_of_nothing_has_no_buckets(since_s: int, until_s: int, buckets: int) -> None:
    with pytest.raises(ValueError, match=str(since_s)):
        grid(since_s, until_s, buckets, now_s=NOW_S, keep=KEPT)


class History:
    """Samples of a server, on the disk and in memory, and each of them remembered here."""

    def __init__(self, buffer: SampleBuffer, clock: FakeClock, chance: random.Random) -> None:
        self._buffer = buffer
        self._clock = clock
        self._chance = chance
        self.known: dict[int, int | None] = {}

    @property
    def now_s(self) -> int:
        return self._clock.now_ms() // 1000

    def add(self, at_s: int) -> None:
        value = self._chance.choice((None, 0, 1, 5, self._chance.randrange(100)))
        self.known[at_s] = value
        self._buffer.add([Sample("ark", at_s, players=value), Sample("rust", at_s, players=1000)])

    async def go_on(self, seconds: int, every_s: int) -> None:
        for _ in range(seconds // every_s):
            self._clock.shift_wall(every_s)
            if self._chance.random() < 0.9:
                self.add(self.now_s)
            if self._chance.random() < 0.02:
                self.add(self.now_s - self._chance.randrange(3000))
            if self._chance.random() < 0.1:
                await self._buffer.flush()

    async def check(self, span_s: int, buckets: int) -> Series:
        until_s = self.now_s + 1
        series = await self._buffer.series("ark", PLAYERS, until_s - span_s, until_s, buckets)
        where = grid(until_s - span_s, until_s, buckets, now_s=self.now_s, keep=KEPT)
        assert (series.since_s, series.bucket_s) == (where.since_s, where.bucket_s)
        assert series.points == worked_out(self.known, where)
        return series


@pytest.mark.usefixtures("two_servers")
@pytest.mark.parametrize("seed", range(4))
async def test_every_level_tells_the_same_flushed_or_not_rolled_up_or_not(
    buffer: SampleBuffer, clock: FakeClock, seed: int
) -> None:
    history = History(buffer, clock, random.Random(seed))
    for _ in range(12):
        await history.go_on(700, every_s=7)
        for span_s, buckets in ((600, 40), (7000, 100), (7200, 7), (9000, 2), (WEEK_S, 300), (2 * WEEK_S, 50)):
            await history.check(span_s, buckets)


@pytest.mark.usefixtures("two_servers")
async def test_a_gap_stays_a_gap_at_every_level(db: Database, buffer: SampleBuffer, clock: FakeClock) -> None:
    history = History(buffer, clock, random.Random(0))
    await history.go_on(2 * HOUR_S, every_s=30)
    clock.shift_wall(6 * HOUR_S)
    await history.go_on(2 * HOUR_S, every_s=30)
    await buffer.flush()
    while await db.fetch_one("SELECT 1 FROM rollups_due WHERE at_s < ?", (NOW_S + 9 * HOUR_S,)):
        history.add(history.now_s)
        await buffer.flush()
    for span_s, buckets, level in ((10 * HOUR_S, 600, MINUTE), (10 * HOUR_S, 60, TEN_MINUTES), (WEEK_S, 168, HOUR)):
        points = (await history.check(span_s, buckets)).points
        gap = 3 * HOUR_S // level.bucket_s
        begin = len(points) - 7 * HOUR_S // level.bucket_s
        assert points[begin : begin + gap] == (None,) * gap


@pytest.mark.usefixtures("two_servers")
async def test_what_only_rollups_still_know_is_found(db: Database, buffer: SampleBuffer, clock: FakeClock) -> None:
    clock.shift_wall(2 * HOUR_S)
    buffer.add([Sample("ark", NOW_S, players=4), Sample("ark", NOW_S + 1, players=8)])
    await buffer.flush()
    for table in ("samples", *(level.table for level in LEVELS[:-1])):
        async with db.transaction() as tx:
            await tx.execute(f"DELETE FROM {table}")
        clock.shift_wall(400 * DAY_S)
        series = await buffer.series("ark", PLAYERS, NOW_S + 100, NOW_S + 500, 400)
        assert series == Series("players", NOW_S, 3600, (Bucket(4, 6, 8),))
        clock.shift_wall(-400 * DAY_S)


@pytest.mark.usefixtures("two_servers")
async def test_a_query_and_a_flush_do_not_meet_half_way(buffer: SampleBuffer, clock: FakeClock) -> None:
    """Queries before, during and after flushes that roll up what they write."""
    for turn in range(10):
        begin_s = NOW_S + turn * 600
        clock.shift_wall(begin_s + 700 - clock.now_ms() / 1000)
        buffer.add([Sample("ark", begin_s + second, players=second) for second in range(0, 600, 60)])
        task = asyncio.create_task(buffer.flush())
        wanted = (Bucket(0, 270, 540),)
        while not task.done():
            assert (await buffer.series("ark", PLAYERS, begin_s, begin_s + 600, 1)).points == wanted
        assert (await buffer.series("ark", PLAYERS, begin_s, begin_s + 600, 1)).points == wanted


@pytest.mark.usefixtures("two_servers")
async def test_latest_does_not_look_through_everything(db: Database, buffer: SampleBuffer, clock: FakeClock) -> None:
    clock.shift_wall(HOUR_S)
    old, new = Sample("ark", NOW_S, players=3), Sample("rust", NOW_S + 3000, players=1)
    buffer.add([old, new])
    await buffer.flush()
    fresh = SampleBuffer(db, clock)
    assert await fresh.latest("ark") == old
    buffer.add([newer := replace(old, at_s=clock.now_ms() // 1000)])
    await buffer.flush()
    assert await fresh.latest("ark") == newer
    steps: list[str] = [row[3] for row in await db.fetch_all(f"EXPLAIN QUERY PLAN {_LATEST}", ("ark",))]
    assert not [step for step in steps if step.startswith("SCAN") and "samples" in step]
