"""A database in memory, for the time that the disk takes nothing: seeded from the file, and brought home to it later.

What is measured stays out of it: it is large, and `SampleBuffer` keeps the latest of it anyway.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiosqlite
import structlog

from monitor.errors import StorageError
from storage.connection import bring_up, opened
from storage.faults import translated
from storage.migrations import Migration

log = structlog.get_logger(__name__)

MEASURED = ("samples*", "rollups*")
"""The tables that are left on the disk, as GLOB patterns."""

_TABLES = f"""
    SELECT name FROM pragma_table_list
    WHERE schema = 'main' AND type = 'table' AND name NOT GLOB 'sqlite_*'
        AND NOT ({" OR ".join(f"name GLOB '{pattern}'" for pattern in MEASURED)})
"""  # noqa: S608  # the patterns are ours
_COLUMNS = "SELECT group_concat('\"' || name || '\"', ', ') FROM pragma_table_xinfo(?) WHERE hidden = 0"
_KEY = "SELECT coalesce(group_concat('\"' || name || '\"', ', '), 'rowid') FROM pragma_table_info(?) WHERE pk > 0"


@dataclass(frozen=True, slots=True)
class Shelter:
    """A connection to the database in memory."""

    connection: aiosqlite.Connection
    uri: str
    seeded: bool
    """Whether all that it ought to know could be read from the file, or there was none. Else it never comes home."""


async def take_shelter(path: Path, migrations: Sequence[Migration]) -> Shelter:
    """Make one out of what the file holds. No other connection to the file may be open.

    Raises:
        StorageError: not even memory can be used.
    """
    uri = f"file:gamekeeper-{uuid.uuid4().hex}?mode=memory&cache=shared"
    empty = await asyncio.to_thread(_is_empty, path)
    if not empty:
        try:
            connection = await _open(uri, path, migrations, seed=True)
        except StorageError as err:
            log.exception("database_not_read", fault=err.fault.value)
        else:
            return Shelter(connection, uri, seeded=True)
    return Shelter(await _open(uri, path, migrations, seed=False), uri, seeded=empty)


async def _open(uri: str, path: Path, migrations: Sequence[Migration], *, seed: bool) -> aiosqlite.Connection:
    async def set_up(connection: aiosqlite.Connection) -> None:
        version = await _seed(connection, path, migrations) if seed else 0
        await bring_up(connection, migrations[version:])

    with translated(path):
        return await opened(uri, set_up, uri=True)


async def _seed(memory: aiosqlite.Connection, path: Path, migrations: Sequence[Migration]) -> int:
    """Copy all but the measurements, and give the version that it is."""
    async with _attached(memory, _read_only(path)):
        [[version]] = await memory.execute_fetchall("PRAGMA other.user_version")
        await bring_up(memory, migrations[:version])
        await memory.execute_fetchall("PRAGMA foreign_keys = OFF")
        for table in [name for (name,) in await memory.execute_fetchall(_TABLES)]:
            [[columns]] = await memory.execute_fetchall(_COLUMNS, (table,))
            await memory.execute_fetchall(
                f'INSERT OR REPLACE INTO main."{table}" ({columns}) SELECT {columns} FROM other."{table}"'  # noqa: S608
            )
        await _take_over_sequence(memory)
    return int(version)


async def bring_home(disk: aiosqlite.Connection, shelter: Shelter) -> None:
    """Make the file say what the memory says, in one transaction, measurements aside.

    Raises:
        sqlite3.Error: the disk refuses still; nothing has changed.
    """
    await disk.execute_fetchall("PRAGMA foreign_keys = OFF")
    await disk.execute_fetchall("PRAGMA synchronous = FULL")
    async with _attached(disk, shelter.uri):
        await disk.execute_fetchall("BEGIN IMMEDIATE")
        try:
            for table in [name for (name,) in await disk.execute_fetchall(_TABLES)]:
                await _replace(disk, table)
            await _take_over_sequence(disk)
            await disk.execute_fetchall("COMMIT")
        except BaseException:
            await disk.rollback()
            raise
    await disk.execute_fetchall("PRAGMA foreign_keys = ON")
    await disk.execute_fetchall("PRAGMA synchronous = NORMAL")


async def _replace(disk: aiosqlite.Connection, table: str) -> None:
    """Only the rows that differ are written: the others may be many."""
    [[columns]] = await disk.execute_fetchall(_COLUMNS, (table,))
    [[key]] = await disk.execute_fetchall(_KEY, (table,))
    await disk.execute_fetchall(
        f'DELETE FROM main."{table}" WHERE ({key}) NOT IN (SELECT {key} FROM other."{table}")'  # noqa: S608
    )
    await disk.execute_fetchall(
        f'INSERT OR REPLACE INTO main."{table}" ({columns})'  # noqa: S608  # the names are the schema's
        f' SELECT {columns} FROM other."{table}" EXCEPT SELECT {columns} FROM main."{table}"'
    )


async def _take_over_sequence(connection: aiosqlite.Connection) -> None:
    """Numbers that were given once are never given again."""
    await connection.execute_fetchall("DELETE FROM main.sqlite_sequence")
    await connection.execute_fetchall("INSERT INTO main.sqlite_sequence SELECT * FROM other.sqlite_sequence")


@asynccontextmanager
async def _attached(connection: aiosqlite.Connection, uri: str) -> AsyncIterator[None]:
    await connection.execute_fetchall("ATTACH ? AS other", (uri,))
    try:
        yield
    finally:
        await connection.execute_fetchall("DETACH other")


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _read_only(path: Path) -> str:
    """As a name for SQLite. Where there is no log, none can be made beside a file in a folder that takes nothing."""
    log_file = Path(f"{path}-wal")
    unclean = log_file.exists() and log_file.stat().st_size > 0
    return f"{path.resolve().as_uri()}?mode=ro{'' if unclean else '&immutable=1'}"
