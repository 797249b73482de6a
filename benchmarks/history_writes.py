"""How many bytes a sample costs the disk, and how many it takes there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from statistics import mean, median
from time import perf_counter, process_time
from typing import Any

import psutil

from benchmarks.history_data import BEGIN_S, DAY_S, Stretch, specs, ticks
from benchmarks.history_home import Home
from benchmarks.history_plain import Plain
from benchmarks.report import Figure, figure
from monitor.model import Sample
from storage.database import Database
from storage.measures import key_of, measures_of
from storage.minutes import insert
from storage.retention import EVERY_S, Retention
from storage.rollups import TOGETHER_S
from storage.servers import Servers

FLUSH_S = 10
GOAL_RAW, GOAL_STEADY, GOAL_STORED = 150.0, 300.0, 25.0
GOAL_FLUSH_MS, GOAL_WAIT_MS = 5.0, 50.0


def flushes(servers: int, stretch: Stretch, flush_s: int = FLUSH_S) -> Iterator[tuple[int, list[Sample]]]:
    """Give what is measured until each flush, and when that is."""
    gathered: list[Sample] = []
    for tick in ticks(servers, stretch):
        gathered += tick
        now_s = tick[0].at_s + 1
        if now_s % flush_s == 0:
            yield now_s, gathered
            gathered = []


def written_bytes() -> int:
    """What this process has handed to the system to be written, so far."""
    counters = psutil.Process().io_counters()
    return int(getattr(counters, "write_chars", counters.write_bytes))


async def raw_alone(folder: Path, servers: int, seconds: int) -> list[Figure]:
    """Into an empty file, and no rollups: what a row costs by itself."""
    stretch = Stretch(BEGIN_S, BEGIN_S + seconds, 1)
    rows = servers * seconds
    async with await Database.open(folder / "raw.db") as db:
        await Servers(db).save(specs(servers))
        numbers: dict[str, int] = dict(await db.fetch_all("SELECT id, no FROM servers"))
        before = written_bytes()
        for _, samples in flushes(servers, stretch):
            async with db.transaction() as tx:
                keyed = {key_of(each.at_s, numbers[each.server_id]): measures_of(each) for each in samples}
                await insert(tx, keyed)
        await db.fetch_all("PRAGMA wal_checkpoint(TRUNCATE)")
        ours = (written_bytes() - before) / rows
        stored = await db.fetch_one("SELECT sum(pgsize) FROM dbstat WHERE name = 'samples'") or (0,)
    plain = Plain(folder / "plain-raw.db")
    before = written_bytes()
    for _, samples in flushes(servers, stretch):
        plain.write(samples)
    baseline = (written_bytes() - before) / rows
    plain_stored = plain.bytes_per_row()
    plain.close()
    return [
        figure("bytes_written_per_sample", ours, "B", GOAL_RAW, baseline),
        figure("bytes_stored_per_row", stored[0] / rows, "B", GOAL_STORED, plain_stored),
    ]


async def steady(home: Home) -> list[Figure]:
    """Into a file that is full, with rollups and retention."""
    retention = Retention(home.db, home.clock)
    await _write(home, retention, home.plan.warm_s)
    before = written_bytes()
    wait_s = await _write(home, retention, home.plan.steady_s)
    await home.db.fetch_all("PRAGMA wal_checkpoint(TRUNCATE)")
    ours = (written_bytes() - before) / (home.plan.servers * home.plan.steady_s)
    baseline, plain_wait = await asyncio.to_thread(_write_plain, home)
    return [
        figure("bytes_written_per_sample_steady", ours, "B", GOAL_STEADY, baseline),
        figure("wait_during_retention_ms_max", 1000 * wait_s, "ms", GOAL_WAIT_MS, 1000 * plain_wait),
    ]


async def _write(home: Home, retention: Retention, seconds: int) -> float:
    """Write for so long, sweep now and then, and give how long at most somebody else waited for the database then."""
    since_s, worst_s = home.clock.now_s, 0.0
    for now_s, samples in flushes(home.plan.servers, Stretch(since_s, since_s + seconds, 1)):
        home.clock.now_s = now_s
        home.buffer.add(samples)
        await home.buffer.flush()
        if now_s % EVERY_S == 0:
            worst_s = max(worst_s, await _worst_wait_s(home, retention.sweep()))
    return worst_s


async def _worst_wait_s(home: Home, work: Coroutine[Any, Any, None]) -> float:
    task, worst_s = asyncio.ensure_future(work), 0.0
    while not task.done():
        began = perf_counter()
        await home.db.fetch_one("SELECT 1")
        worst_s = max(worst_s, perf_counter() - began)
    await task
    return worst_s


def _write_plain(home: Home) -> tuple[float, float]:
    since_s = BEGIN_S + home.plan.days * DAY_S
    before = written_bytes()
    for _, samples in flushes(home.plan.servers, Stretch(since_s, since_s + home.plan.warm_s, 1)):
        home.plain.write(samples)
    began = perf_counter()
    home.plain.delete_before(BEGIN_S + home.plan.warm_s)
    wait_s = perf_counter() - began
    return (written_bytes() - before) / (home.plan.servers * home.plan.warm_s), wait_s


async def flush_ms(home: Home) -> Figure:
    """CPU of a flush of 60 s of 20 servers, the rollups of a minute in it: a mean, as they are written together."""
    since_s = home.clock.now_s + TOGETHER_S - home.clock.now_s % TOGETHER_S
    until_s = since_s + TOGETHER_S * home.plan.rounds
    stretch, each = Stretch(since_s, until_s, 1), TOGETHER_S // 60
    ours, plain = [], []
    for now_s, samples in flushes(home.plan.servers, stretch, flush_s=60):
        home.clock.now_s = now_s + FLUSH_S
        home.buffer.add(samples)
        began = process_time()
        await home.buffer.flush()
        ours.append(1000 * (process_time() - began))
    for _, samples in flushes(home.plan.servers, stretch, flush_s=60):
        began = process_time()
        home.plain.write(samples)
        plain.append(1000 * (process_time() - began))
    means = [mean(ours[index : index + each]) for index in range(0, len(ours), each)]
    return figure("flush_1200_ms", median(means), "ms", GOAL_FLUSH_MS, median(plain))


async def go_on(home: Home, seconds: int) -> None:
    """Some of what is asked for next is then not rolled up yet, and some not even written."""
    for now_s, samples in flushes(home.plan.servers, Stretch(home.clock.now_s, home.clock.now_s + seconds, 1)):
        await home.buffer.flush()
        home.clock.now_s = now_s
        home.buffer.add(samples)
