"""Samples that an earlier gamekeeper wrote are carried over, and rolled up."""

from __future__ import annotations

import asyncio
from pathlib import Path

from storage.database import Database
from storage.migrations import load
from storage.rollups import LEVELS
from storage.samples import SampleBuffer
from tests.fakes.clock import EPOCH_MS, FakeClock
from tests.storage.longhand import rolled_up, worked_out

THEN_S = EPOCH_MS // 1000 - 86_400
MIB_KIB = 1024
OLD = [
    (THEN_S, 1, 125, 300 * MIB_KIB, 3, 1998, 0, 12, 40),
    (THEN_S, 2, None, None, None, None, None, None, None),
    (THEN_S + 1, 1, 3800, 300 * MIB_KIB + MIB_KIB // 2, 0, 2000, 7, 0, 41),
    (THEN_S + 1, 2, 0, MIB_KIB // 2 - 1, 0, None, 0, 0, 1),
    (THEN_S + 7000, 1, 1, 0, 127, None, 128, 32_768, 2**40),
]


async def version_one(path: Path) -> None:
    async with await Database.open(path, load()[:1]) as db, db.transaction() as tx:
        await tx.execute("INSERT INTO servers (no, id, spec) VALUES (1, 'ark', '{}'), (2, 'rust', '{}')")
        await tx.execute_many("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", OLD)


async def test_nothing_is_lost_beyond_the_unit(path: Path) -> None:
    await version_one(path)
    async with await Database.open(path) as db:
        rows = await db.fetch_all(
            """
            SELECT at_s, server_no, cpu_permille, rss_mib, players, tick_rate_centi, read_kib_per_s, write_kib_per_s,
                threads
            FROM samples ORDER BY key
            """
        )
    mib = [300, None, 301, 0, 0]
    assert rows == [(*row[:3], size, *row[4:]) for row, size in zip(OLD, mib, strict=True)]


async def test_they_are_rolled_up_like_any_others(path: Path) -> None:
    await version_one(path)
    clock = FakeClock()
    async with await Database.open(path) as db:
        task = asyncio.create_task(SampleBuffer(db, clock).run())
        await clock.until_sleeping()
        await clock.advance(10)
        await clock.until_sleeping()
        task.cancel()
        for level in LEVELS:
            assert await rolled_up(db, level.view) == await worked_out(db, level.bucket_s)
        assert await db.fetch_all("SELECT * FROM rollups_due") == []
