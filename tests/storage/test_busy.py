"""Another process holds the write lock: what must not be lost waits, everybody else goes on.

One try waits for 5 ms here instead of a second, so that 30 tries, half a minute of them, are over soon.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.errors import StorageError, StorageFault
from monitor.model import Intent, IntentAction, Sample
from storage.database import Database, Options
from storage.holder import BUSY_TRIES
from storage.journal import Journal
from storage.samples import SampleBuffer
from tests.fakes.clock import FakeClock
from tests.fakes.waiting import PATIENCE_S
from tests.storage.examples import ANNA, CRASHED

HOLDER = """\
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
connection.execute("COMMIT")
"""


@pytest.fixture
async def db(path: Path) -> AsyncIterator[Database]:
    async with await Database.open(path, options=Options(busy_ms=5)) as database:
        yield database


class Lock:
    """Another program that has begun to write."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def release(self) -> None:
        self._process.communicate()


@contextmanager
def held(path: Path) -> Iterator[Lock]:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield Lock(process)
        finally:
            process.kill()


async def tried(db: Database, times: int) -> None:
    """Wait until somebody has asked for the lock that often."""
    done, left = asyncio.Event(), [times]
    loop = asyncio.get_running_loop()

    def count(statement: str) -> None:
        left[0] -= statement.startswith("BEGIN")
        if left[0] == 0:
            loop.call_soon_threadsafe(done.set)

    await db._held.connection.set_trace_callback(count)
    await asyncio.wait_for(done.wait(), PATIENCE_S)


@pytest.mark.usefixtures("two_servers")
async def test_fault_30_what_must_not_be_lost_waits_for_as_long_as_it_takes(db: Database, path: Path) -> None:
    journal = Journal(db)
    run = await journal.begin_run("ark", 1, "m")
    with held(path) as lock:
        writing = asyncio.gather(
            journal.record(CRASHED),
            journal.write_intent(Intent("ark", run.id, IntentAction.STOP, ANNA, 1)),
            journal.begin_run("rust", 2, "n"),
        )
        await tried(db, 2 * BUSY_TRIES)
        assert not writing.done()
        # Between two tries whoever only reads has a turn.
        assert await asyncio.wait_for(journal.intent_of(run.id), PATIENCE_S) is None
        lock.release()
        await writing
    assert await db.fetch_one("SELECT count(*) FROM events") == (1,)
    assert await db.fetch_one("SELECT count(*) FROM runs") == (2,)
    assert await journal.intent_of(run.id) is not None


@pytest.mark.usefixtures("two_servers")
async def test_fault_30_the_event_loop_is_free_meanwhile(db: Database, path: Path) -> None:
    with held(path) as lock:
        writing = asyncio.create_task(Journal(db).record(CRASHED))
        turns = 0
        while turns < 1000:
            await asyncio.sleep(0)
            turns += 1
        assert not writing.done()
        lock.release()
        await writing


@pytest.mark.usefixtures("two_servers")
async def test_fault_30_measurements_stay_in_memory_until_the_lock_is_free(db: Database, path: Path) -> None:
    buffer = SampleBuffer(db, FakeClock())
    buffer.add([Sample("ark", second) for second in range(10)])
    with held(path) as lock:
        with pytest.raises(StorageError) as caught:
            await buffer.flush()
        assert caught.value.fault is StorageFault.BUSY
        assert (buffer.waiting, buffer.dropped) == (10, 0)
        lock.release()
        await buffer.flush()
    assert await db.fetch_one("SELECT count(*) FROM samples") == (10,)
    assert db.degraded is None


@pytest.mark.usefixtures("two_servers")
async def test_fault_30_closing_does_not_wait_for_the_other_program(db: Database, path: Path) -> None:
    with held(path):
        writing = asyncio.create_task(Journal(db).record(CRASHED))
        await tried(db, 3)
        await asyncio.wait_for(db.close(), PATIENCE_S)
        with pytest.raises(StorageError) as caught:
            await writing
    assert caught.value.fault is StorageFault.CLOSED


@pytest.mark.usefixtures("two_servers")
async def test_fault_30_whoever_waits_can_be_called_off(db: Database, path: Path) -> None:
    journal = Journal(db)
    with held(path) as lock:
        writing = asyncio.create_task(journal.record(CRASHED))
        await tried(db, 3)
        writing.cancel()
        await asyncio.wait([writing], timeout=PATIENCE_S)
        assert writing.cancelled()
        lock.release()
        await journal.record(replace(CRASHED, at_ms=9))
    [stored] = await journal.events()
    assert stored.event.at_ms == 9


async def test_what_the_disk_refuses_after_a_wait_for_the_lock_is_noticed(db: Database, path: Path) -> None:
    async def grow() -> None:
        async with db.transaction(durable=True) as tx:
            await tx.execute("INSERT INTO settings VALUES ('large', hex(zeroblob(500000)))")

    [pages] = await db.fetch_one("PRAGMA page_count") or (0,)
    await db.fetch_all(f"PRAGMA max_page_count = {pages}")
    with held(path) as lock:
        growing = asyncio.create_task(grow())
        await tried(db, 2)
        lock.release()
        with pytest.raises(StorageError) as caught:
            await growing
    assert caught.value.fault is db.degraded is StorageFault.FULL
