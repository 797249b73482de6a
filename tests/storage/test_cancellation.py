"""Cancelled wherever it may be, a transaction is whole or absent, and the connection goes on."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import aiosqlite
import pytest

from storage.database import Database
from tests.fakes.waiting import PATIENCE_S
from tests.storage.notes import nth_call, texts, write_ten


def connect_watched(watch: Callable[..., None]) -> Callable[..., aiosqlite.Connection]:
    """`aiosqlite.connect`, with a call to `watch` for the connecting and for each statement."""
    connect = aiosqlite.connect

    def watched(*args: object, **options: object) -> aiosqlite.Connection:
        connection = connect(*args, **options)  # type: ignore[arg-type]
        plain = connection._connector

        def connector() -> sqlite3.Connection:
            made = plain()
            watch()
            made.set_trace_callback(watch)
            return made

        connection._connector = connector
        return connection

    return watched


def connection_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "_connection_worker_thread" in thread.name]


async def test_cancelled_inside_it_is_rolled_back(notes: Database) -> None:
    inside = asyncio.Event()

    async def writer() -> None:
        async with notes.transaction() as tx:
            await tx.execute("INSERT INTO notes VALUES ('a')")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(writer())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with notes.transaction() as tx:
        await tx.execute("INSERT INTO notes VALUES ('b')")
    assert await texts(notes) == ["b"]


@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("at", range(1, 13))
async def test_cancelled_at_any_statement_it_is_whole_or_absent_and_the_next_one_works(
    notes: Database,
    at: int,
    again: bool,  # noqa: FBT001
) -> None:
    """BEGIN is the first statement, COMMIT the twelfth; that one is not called off."""
    task = asyncio.create_task(write_ten(notes, "cancelled"))
    loop = asyncio.get_running_loop()

    def cancel() -> None:
        task.cancel()
        if again:
            loop.call_soon(task.cancel)

    await notes._held.connection.set_trace_callback(nth_call(at, cancel))
    await asyncio.wait((task,))
    assert task.cancelled()
    await write_ten(notes, "next")
    written = await texts(notes)
    assert written[-10:] == [f"next {number}" for number in range(10)]
    assert len(written) == (20 if at == 12 else 10)


@pytest.mark.parametrize("at", [0, 1, 4, 8, 12, 20, 28])
async def test_cancelled_while_it_opens_it_leaves_no_thread_and_no_half_made_file(
    path: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled at the connecting itself, and at statements that ask, set up, and migrate."""
    task = asyncio.create_task(Database.open(path))
    monkeypatch.setattr(aiosqlite, "connect", connect_watched(nth_call(at + 1, task.cancel)))
    await asyncio.wait((task,))
    assert task.cancelled()
    monkeypatch.undo()
    for thread in connection_threads():
        thread.join(PATIENCE_S)
    assert connection_threads() == []
    async with await Database.open(path) as again:
        assert await again.fetch_one("PRAGMA quick_check") == ("ok",)
