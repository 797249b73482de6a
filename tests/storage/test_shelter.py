"""A database in memory: what it takes over, what it refuses, and how it comes home."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiosqlite
import pytest

from monitor.errors import StorageError, StorageFault
from storage.database import Database, Options
from storage.journal import Journal
from storage.servers import Servers
from storage.shelter import MEASURED
from storage.trouble import Trouble
from tests.storage.examples import CRASHED
from tests.storage.frozen import NEWEST, Content, content, kept, thaw

REFUSED = StorageError(StorageFault.READ_ONLY, "gamekeeper.db", "attempt to write a readonly database")


def without_measurements(rows: Content) -> Content:
    stems = tuple(pattern.rstrip("*") for pattern in MEASURED)
    return {table: found for table, found in rows.items() if not table.startswith(stems)}


@pytest.fixture
async def sheltered(path: Path) -> AsyncIterator[Database]:
    """Over the database of an old installation, with rows in every table."""
    thaw(path, NEWEST)
    async with await Database.open_in_memory(path, REFUSED) as db:
        yield db


@pytest.mark.parametrize("version", range(1, NEWEST + 1))
async def test_a_file_of_any_version_is_taken_over_and_brought_up_in_memory_alone(path: Path, version: int) -> None:
    thaw(path, version)
    before = content(path)
    async with await Database.open_in_memory(path, REFUSED) as db:
        assert db.trouble == Trouble(StorageFault.READ_ONLY, REFUSED.detail, in_memory=True)
        assert await db.fetch_one("PRAGMA user_version") == (NEWEST,)
        assert await db.fetch_one("PRAGMA foreign_keys") == (1,)
        assert await db.fetch_all("PRAGMA foreign_key_check") == []
        assert await db.fetch_all("SELECT id FROM servers ORDER BY id") == [("ark",), ("gone",), ("rust",)]
        assert await db.fetch_all("SELECT id FROM events WHERE id < 4") == [(1,), (2,), (3,)]
        assert content(path) == before
        await db.recover()
        assert db.degraded is None
        assert await db.fetch_one("PRAGMA journal_mode") == ("wal",)
    assert kept(without_measurements(before), content(path))


async def test_coming_home_with_nothing_new_changes_nothing(sheltered: Database, path: Path) -> None:
    before = content(path)
    await sheltered.recover()
    assert content(path) == before


async def test_what_was_added_changed_and_deleted_in_memory_is_so_on_the_disk(
    sheltered: Database, path: Path
) -> None:
    async with sheltered.transaction(durable=True) as tx:
        await tx.execute("INSERT INTO events (server_no, kind, at_ms, body) VALUES (1, 'server_ready', 9, '{}')")
        await tx.execute("UPDATE runs SET ended_ms = 9 WHERE id = 2")
        await tx.execute("DELETE FROM grants WHERE id = 1")
        await tx.execute("DELETE FROM server_secrets")
    await sheltered.recover()
    after = content(path)
    assert [row["at_ms"] for row in after["events"] if row["id"] == 5] == [9]
    assert [row["ended_ms"] for row in after["runs"] if row["id"] == 2] == [9]
    assert [row["id"] for row in after["grants"]] == [2]
    assert after["server_secrets"] == []
    assert len(after["samples"]) == 3


async def test_a_row_that_every_new_database_has_does_not_come_back(path: Path) -> None:
    async with await Database.open(path) as db:
        await db.write(lambda tx: tx.execute("DELETE FROM limits"))
    async with await Database.open_in_memory(path, REFUSED) as db:
        assert await db.fetch_all("SELECT id FROM limits") == []
        installation = await db.fetch_one("SELECT value FROM settings WHERE key = 'installation'")
    async with await Database.open(path) as db:
        assert await db.fetch_one("SELECT value FROM settings WHERE key = 'installation'") == installation


async def test_a_number_that_was_given_in_memory_is_not_given_again(sheltered: Database) -> None:
    async with sheltered.transaction(durable=True) as tx:
        added = "INSERT INTO events (kind, at_ms, body) VALUES ('host_rebooted', 1, '{}') RETURNING id"
        assert await tx.fetch_one(added) == (5,)
        await tx.execute("DELETE FROM events WHERE id = 5")
    await sheltered.recover()
    async with sheltered.transaction(durable=True) as tx:
        assert await tx.fetch_one(added) == (6,)


async def test_measurements_are_refused_with_the_reason(sheltered: Database) -> None:
    with pytest.raises(StorageError) as caught:
        async with sheltered.transaction(bulk=True):
            raise AssertionError
    assert (caught.value.fault, caught.value.detail) == (StorageFault.READ_ONLY, REFUSED.detail)


async def test_closing_is_the_last_chance_to_come_home(path: Path) -> None:
    thaw(path, NEWEST)
    async with await Database.open_in_memory(path, REFUSED) as db:
        event_id = await Journal(db).record(CRASHED)
    assert event_id in {row["id"] for row in content(path)["events"]}


@pytest.fixture
def diary(path: Path) -> bytes:
    """What stands in the place of the database."""
    path.parent.mkdir()
    path.write_text("dear diary, " * 500)
    return path.read_bytes()


async def test_a_file_that_cannot_be_read_is_not_written_over(path: Path, diary: bytes) -> None:
    async with await Database.open_in_memory(path, REFUSED) as db:
        assert await Servers(db).all() == ()
        with pytest.raises(StorageError) as caught:
            await db.recover()
        assert caught.value.fault is StorageFault.UNREADABLE
        assert db.degraded is StorageFault.READ_ONLY
    assert await asyncio.to_thread(path.read_bytes) == diary


async def test_a_command_that_ends_at_once_is_refused_rather_than_kept_in_memory(path: Path) -> None:
    async with await Database.open(path) as db:
        await fill(db)
        with pytest.raises(StorageError) as caught:
            await put(db, "a")
        assert caught.value.fault is StorageFault.FULL
        assert db.trouble == Trouble(StorageFault.FULL, "database or disk is full", in_memory=False)


async def fill(db: Database) -> None:
    """Let the file grow no more."""
    [pages] = await db.fetch_one("PRAGMA page_count") or (0,)
    await db.fetch_all(f"PRAGMA max_page_count = {pages}")


async def put(db: Database, key: str) -> None:
    row = (key, "x" * 100_000)
    await db.write(lambda tx: tx.execute("INSERT INTO settings VALUES (?, ?)", row))


async def test_fault_29_writes_that_are_refused_at_once_go_into_one_memory_and_home_from_there(path: Path) -> None:
    async with await Database.open(path, options=Options(shelter=True)) as db:
        await fill(db)
        await asyncio.gather(*(put(db, key) for key in "abc"))
        assert db.trouble is not None
        assert (db.trouble.fault, db.trouble.in_memory) == (StorageFault.FULL, True)
        assert await db.fetch_all("SELECT key FROM settings WHERE key < 'd'") == [("a",), ("b",), ("c",)]
        await db.recover()
        assert db.trouble is None
    assert {"a", "b", "c"} < {row["key"] for row in content(path)["settings"]}


@contextmanager
def something_else_in_the_place_of(path: Path) -> Iterator[None]:
    path.rename(away := path.with_name("away.db"))
    path.mkdir()
    yield
    path.rmdir()
    away.rename(path)


async def test_fault_29_while_the_disk_is_full_still_nothing_comes_home_and_nothing_is_lost(path: Path) -> None:
    async with await Database.open(path, options=Options(shelter=True)) as db:
        await fill(db)
        await put(db, "a")
        with something_else_in_the_place_of(path):
            with pytest.raises(StorageError):
                await db.recover()
            assert db.degraded is StorageFault.FULL
            await put(db, "b")
    assert {"a", "b"} < {row["key"] for row in content(path)["settings"]}


def cancelled_at_a_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever closes a connection is cancelled while it is at it."""
    close = aiosqlite.Connection.close

    async def closed(connection: aiosqlite.Connection) -> None:
        doing = asyncio.ensure_future(close(connection))
        for task in asyncio.all_tasks():
            if task.get_name() == "called off":
                task.cancel()
        await doing

    monkeypatch.setattr(aiosqlite.Connection, "close", closed)


async def call_off(work: Coroutine[object, object, None], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        cancelled_at_a_close(patched)
        task = asyncio.create_task(work, name="called off")
        await asyncio.wait((task,))
    assert task.cancelled()


async def test_called_off_on_the_way_into_memory_it_gets_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await Database.open(path, options=Options(shelter=True)) as db:
        await fill(db)
        await call_off(put(db, "a"), monkeypatch)
        assert db.trouble is not None
        assert db.trouble.in_memory
        await put(db, "b")
    assert "b" in {row["key"] for row in content(path)["settings"]}


async def test_called_off_on_the_way_home_it_gets_there(sheltered: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await call_off(sheltered.recover(), monkeypatch)
    assert sheltered.trouble is None
    await put(sheltered, "a")
    assert await sheltered.fetch_one("PRAGMA journal_mode") == ("wal",)
