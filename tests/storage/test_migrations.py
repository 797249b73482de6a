"""Each step is whole or absent, however it is interrupted."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from monitor.errors import StorageError, StorageFault
from storage.database import Database
from storage.migrations import Migration, in_order, load

FIRST = Migration(1, "first", "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);")
SECOND = Migration(2, "second", "CREATE TABLE b (x INTEGER); INSERT INTO b SELECT x FROM a;")
BROKEN = Migration(2, "broken", "CREATE TABLE b (x INTEGER); DELETE FROM a; INSERT INTO nowhere VALUES (1);")


def schema(path: Path) -> tuple[int, set[str]]:
    connection = sqlite3.connect(path)
    [version] = connection.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return version, tables


def test_the_files_are_numbered_without_a_gap() -> None:
    assert [migration.version for migration in load()] == list(range(1, len(load()) + 1))


@pytest.mark.parametrize("versions", [(2,), (1, 3), (1, 1)], ids=str)
def test_a_gap_or_a_double_is_an_error(versions: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=str(versions[-1])):
        in_order([Migration(version, "x", "") for version in versions])


def test_they_are_put_in_order() -> None:
    assert in_order([SECOND, FIRST]) == (FIRST, SECOND)


async def test_what_was_there_stays_there(path: Path) -> None:
    async with await Database.open(path, (FIRST,)):
        pass
    async with await Database.open(path, (FIRST, SECOND)) as db:
        assert await db.fetch_all("SELECT x FROM b") == [(1,)]


@pytest.mark.parametrize("left", [3, 0], ids=["some", "none"])
async def test_events_keep_their_numbers_and_their_alerts(path: Path, left: int) -> None:
    async with await Database.open(path, load()[:3]) as db, db.transaction() as tx:
        await tx.execute("INSERT INTO servers (no, id, spec) VALUES (1, 'ark', '{}')")
        rows = [(number, 1, "server_ready", number, "{}") for number in range(1, 6)]
        await tx.execute_many("INSERT INTO events VALUES (?, ?, ?, ?, ?)", rows)
        await tx.execute("DELETE FROM events WHERE id > ?", (left,))
        await tx.execute("INSERT INTO outbox (event_id, destination, created_ms) SELECT id, 'alerts', 1 FROM events")
    async with await Database.open(path) as db:
        assert await db.fetch_all("SELECT id FROM events") == [(number,) for number in range(1, left + 1)]
        assert await db.fetch_one("SELECT count(*) FROM outbox JOIN events ON events.id = event_id") == (left,)
        async with db.transaction() as tx:
            added = "INSERT INTO events (kind, at_ms, body) VALUES ('host_rebooted', 1, '{}') RETURNING id"
            assert await tx.fetch_one(added) == (6,)


async def test_nothing_is_applied_twice(path: Path) -> None:
    for _ in range(2):
        async with await Database.open(path) as db:
            assert await db.fetch_one("SELECT count(*) FROM settings") == (1,)


async def test_every_table_is_strict(db: Database) -> None:
    loose = "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'"
    assert await db.fetch_all(loose) == []


async def test_fault_33_a_statement_that_fails_leaves_the_version_before(path: Path) -> None:
    async with await Database.open(path, (FIRST,)):
        pass
    with pytest.raises(StorageError) as caught:
        await Database.open(path, (FIRST, BROKEN))
    assert caught.value.fault is StorageFault.FAILED
    assert "nowhere" in caught.value.detail
    assert schema(path) == (1, {"a"})
    async with await Database.open(path, (FIRST, SECOND)) as db:
        assert await db.fetch_all("SELECT x FROM b") == [(1,)]
