"""Brought up from every older version, with rows in every table of it, and killed at every statement on the way."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from storage.backup import problem_of
from storage.database import Database
from tests.storage.frozen import NEWEST, content, kept, schema, thaw

ROOT = Path(__file__).parents[2]
OLDER = range(1, NEWEST)


def test_there_are_rows_in_every_table(path: Path) -> None:
    """One that is empty: put rows of it into tests/storage/old_rows/NNNN.sql, after the migration that adds it."""
    thaw(path, NEWEST)
    assert [table for table, rows in content(path).items() if not rows] == []


@pytest.mark.parametrize("older", [*OLDER, NEWEST])
async def test_fault_33_from_every_older_version_no_row_is_lost_and_the_schema_is_the_newest(
    path: Path, older: int
) -> None:
    thaw(path, older)
    before = content(path)
    async with await Database.open(path) as db:
        assert await db.fetch_all("PRAGMA foreign_key_check") == []
        assert await db.fetch_one("PRAGMA integrity_check") == ("ok",)
    assert kept(before, content(path))
    thaw(newest := path.with_name("newest.db"), NEWEST)
    assert schema(path) == schema(newest)


def test_a_row_that_is_lost_is_noticed(path: Path) -> None:
    thaw(path, 1)
    before = content(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE outbox SET last_error = '504'")
    assert not kept(before, content(path))


def left_by_the_dead(path: Path, folder: Path) -> list[Path]:
    """Copies of a database, each as somebody left it who was killed at the next statement of bringing it up."""
    command = [sys.executable, "-m", "tests.storage.doomed", str(path), str(folder)]
    subprocess.run(command, cwd=ROOT, timeout=60, check=True)
    return sorted(folder.glob("[0-9]*.db"), key=lambda left: int(left.stem))


@pytest.mark.skipif(sys.platform == "win32", reason="it is forked and killed by SIGKILL")
async def test_fault_33_killed_at_any_statement_it_is_one_version_or_the_next_and_the_next_start_goes_on(
    path: Path, tmp_path: Path
) -> None:
    thaw(path, 1)
    before = content(path)
    versions = []
    for version in range(1, NEWEST + 1):
        thaw(reference := tmp_path / f"version {version}.db", version)
        versions.append(schema(reference))
    found = []
    dead = left_by_the_dead(path, tmp_path)
    for left in dead:
        found.append(schema(left))
        assert kept(before, content(left)), left
        assert problem_of(left) is None
    assert all(state in versions for state in found)
    # It goes forward only, and stops at each version once.
    assert [state[0] for state in found] == sorted(state[0] for state in found)
    assert {state[0] for state in found} == set(range(1, NEWEST + 1))
    for left in {schema(left)[0]: left for left in dead}.values():
        await (await Database.open(left)).close()
        assert schema(left) == versions[-1]
