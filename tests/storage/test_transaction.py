"""What `Database.at_once` and `write` run in the connection's thread, in one trip."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import StorageError, StorageFault
from storage.database import Database
from storage.transaction import Transaction


async def count(db: Database) -> int:
    [[settings]] = await db.fetch_all("SELECT count(*) FROM settings WHERE key LIKE 'test%'")
    return int(settings)


async def put(tx: Transaction, *keys: str) -> None:
    await tx.execute_many("INSERT INTO settings (key, value) VALUES (?, ?)", [(f"test{key}", key) for key in keys])


@pytest.fixture
async def traced(tmp_path: Path) -> Database:
    return await Database.open(tmp_path / "gamekeeper.db")


async def test_all_of_it_runs_away_from_the_event_loop_and_gives_what_it_gives(traced: Database) -> None:
    async def work(tx: Transaction) -> tuple[bool, object]:
        await put(tx, "1", "2")
        await tx.execute("UPDATE settings SET value = 'seen' WHERE key = ?", ("test1",))
        row = await tx.fetch_one("SELECT value FROM settings WHERE key = 'test1'")
        return threading.current_thread() is threading.main_thread(), row

    async with traced:
        assert await traced.write(work) == (False, ("seen",))
        assert await count(traced) == 2


async def test_an_error_half_way_takes_everything_back(traced: Database) -> None:
    async def work(tx: Transaction) -> None:
        await put(tx, "1")
        await put(tx, "1")

    async with traced:
        with pytest.raises(StorageError) as refused:
            await traced.write(work)
        assert refused.value.fault is StorageFault.FAILED
        assert isinstance(refused.value.__cause__, sqlite3.IntegrityError)
        assert await count(traced) == 0


async def test_who_waits_for_something_else_is_told_and_has_written_nothing(traced: Database) -> None:
    async def work(tx: Transaction) -> None:
        await put(tx, "1")
        await asyncio.sleep(0)

    async with traced:
        with pytest.raises(RuntimeError, match="wait for nothing else"):
            await traced.write(work)
        assert await count(traced) == 0
        await traced.write(lambda tx: put(tx, "2"))
        assert await count(traced) == 1


async def test_begin_and_commit_are_part_of_the_trip(traced: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    trips = 0
    statements: list[str] = []

    async with traced:
        connection = traced._held.connection
        plain = connection._execute

        def counted(*arguments: Any) -> Any:
            nonlocal trips
            trips += 1
            return plain(*arguments)  # type: ignore[no-untyped-call]

        await connection.set_trace_callback(statements.append)
        monkeypatch.setattr(connection, "_execute", counted)
        await traced.at_once(lambda tx: put(tx, "1", "2"))
        assert trips == 1
        assert (statements[0], statements[-1]) == ("BEGIN IMMEDIATE", "COMMIT")


async def test_a_cancellation_comes_after_the_whole(traced: Database) -> None:
    at_work, go_on = threading.Event(), threading.Event()

    async def work(tx: Transaction) -> None:
        await put(tx, "1")
        at_work.set()
        assert go_on.wait(20)
        await put(tx, "2")

    async with traced:
        writing = asyncio.create_task(traced.write(work))
        assert await asyncio.to_thread(at_work.wait, 20)
        writing.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert await count(traced) == 2
