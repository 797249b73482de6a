"""One owner, one task at a time, whole transactions."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from monitor.errors import StorageError, StorageFault
from storage.connection import APPLICATION_ID, BUSY_MS
from storage.database import Database
from tests.storage.notes import beside, texts

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("foreign_keys", 1),
        ("synchronous", 1),
        ("busy_timeout", BUSY_MS),
        ("auto_vacuum", 2),
        ("cache_size", -4096),
        ("application_id", APPLICATION_ID),
    ],
)
async def test_pragmas(db: Database, pragma: str, value: object) -> None:
    assert await db.fetch_one(f"PRAGMA {pragma}") == (value,)


async def test_it_tells_its_versions(db: Database, path: Path) -> None:
    assert db.path == path
    assert await db.fetch_one("PRAGMA user_version") == (db.version,)
    assert await db.fetch_one("SELECT sqlite_version()") == (db.sqlite_version,)


async def test_a_transaction_counts_once_it_ends(notes: Database, path: Path) -> None:
    async with notes.transaction() as tx:
        await tx.execute_many("INSERT INTO notes VALUES (?)", [("a",), ("b",)])
        assert await tx.fetch_all("SELECT text FROM notes") == [("a",), ("b",)]
        with beside(path) as other:
            assert other.execute("SELECT * FROM notes").fetchall() == []
        other.close()
    assert await texts(notes) == ["a", "b"]


async def test_an_error_inside_leaves_nothing_of_it_and_is_passed_on_as_it_is(notes: Database) -> None:
    async def fail_half_way() -> None:
        async with notes.transaction() as tx:
            await tx.execute("INSERT INTO notes VALUES ('a')")
            raise OSError("mine")

    with pytest.raises(OSError, match="mine"):
        await fail_half_way()
    assert await texts(notes) == []


async def test_an_error_of_sqlite_is_ours_and_the_database_goes_on(notes: Database) -> None:
    with pytest.raises(StorageError) as caught:
        async with notes.transaction() as tx:
            await tx.execute_many("INSERT INTO notes VALUES (?)", [("a",), ("a",)])
    assert caught.value.fault is StorageFault.FAILED
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)
    async with notes.transaction() as tx:
        await tx.execute("INSERT INTO notes VALUES ('b')")
    assert await texts(notes) == ["b"]


async def test_nobody_reads_what_is_half_done(notes: Database) -> None:
    async with notes.transaction() as tx:
        await tx.execute("INSERT INTO notes VALUES ('a')")
        reader = asyncio.create_task(texts(notes))
        await tx.execute("INSERT INTO notes VALUES ('b')")
        assert not reader.done()
    assert await reader == ["a", "b"]


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
async def test_durable_commits_wait_for_the_disk(notes: Database, durable: bool, level: int) -> None:  # noqa: FBT001
    for turn in (durable, not durable, durable):
        async with notes.transaction(durable=turn) as tx:
            expected = level if turn is durable else 3 - level
            assert await tx.fetch_one("PRAGMA synchronous") == (expected,)


async def test_foreign_keys_hold(db: Database) -> None:
    with pytest.raises(StorageError) as caught:
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO runs (server_no, started_ms, marker) VALUES (99, 1, 'm')")
    assert "FOREIGN KEY" in caught.value.detail


async def test_closed_it_says_so_and_closing_again_does_no_harm(db: Database) -> None:
    await db.close()
    await db.close()
    with pytest.raises(StorageError) as caught:
        await db.fetch_all("SELECT 1")
    assert caught.value.fault is StorageFault.CLOSED


async def test_closing_waits_for_the_transaction_that_is_going_on(notes: Database, path: Path) -> None:
    async with notes.transaction() as tx:
        closing = asyncio.create_task(notes.close())
        await tx.execute("INSERT INTO notes VALUES ('a')")
    await closing
    async with await Database.open(path) as again:
        assert await texts(again) == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("async with await Database.open(path): raise LookupError", id="inside async with"),
        pytest.param("db = await Database.open(path); raise LookupError", id="never closed"),
        pytest.param(
            "db = await Database.open(path)\n    async with db.transaction(): raise LookupError",
            id="in a transaction",
        ),
        pytest.param("db = await Database.open(path); raise KeyboardInterrupt", id="interrupted"),
    ],
)
def test_fault_34_an_exception_while_it_is_open_ends_the_process(path: Path, body: str) -> None:
    program = dedent(f"""\
        import asyncio, pathlib, sys
        from storage.database import Database

        async def main():
            path = pathlib.Path(sys.argv[1])
            {body.replace(chr(10), chr(10) + "        ")}

        asyncio.run(main())
    """)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.rstrip().endswith(("LookupError", "KeyboardInterrupt"))
    # A clean close leaves no log behind.
    assert not Path(f"{path}-wal").exists()
