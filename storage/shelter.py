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


async def take_shelter(
    path: Path, migrations: Sequence[Migration], live: aiosqlite.Connection | None = None
) -> Shelter:
    """Make one out of what the file holds, read through `live`, which is to be closed next, or by opening it.

    Raises:
        StorageError: not even memory can be used.
    """
    uri = f"file:gamekeeper-{uuid.uuid4().hex}?mode=memory&cache=shared"
    try:
        with translated(path):
            return Shelter(
                await opened(uri, lambda memory: _seed(memory, uri, path, migrations, live)), uri, seeded=True
            )
    except StorageError as err:
        log.exception("database_not_read", fault=err.fault.value)
    with translated(path):
        return Shelter(await opened(uri, lambda memory: bring_up(memory, migrations)), uri, seeded=False)


async def _seed(
    memory: aiosqlite.Connection,
    uri: str,
    path: Path,
    migrations: Sequence[Migration],
    live: aiosqlite.Connection | None,
) -> None:
    if live is not None:
        await bring_up(memory, migrations)
        await live.execute_fetchall("PRAGMA foreign_keys = OFF")
        async with _attached(live, uri):
            await _fill(live, source="main", target="other")
    elif await asyncio.to_thread(_is_empty, path):
        await bring_up(memory, migrations)
    else:
        async with _attached(memory, await asyncio.to_thread(_read_only, path)):
            [[version]] = await memory.execute_fetchall("PRAGMA other.user_version")
            await bring_up(memory, migrations[:version])
            await memory.execute_fetchall("PRAGMA foreign_keys = OFF")
            await _fill(memory, source="other", target="main")
        await bring_up(memory, migrations[version:])


async def _fill(connection: aiosqlite.Connection, *, source: str, target: str) -> None:
    """Copy all but the measurements."""
    for (table,) in await connection.execute_fetchall(_TABLES):
        [[columns]] = await connection.execute_fetchall(_COLUMNS, (table,))
        # A migration puts rows in that may have been deleted since.
        await connection.execute_fetchall(f'DELETE FROM {target}."{table}"')  # noqa: S608  # the names are the schema's
        await connection.execute_fetchall(
            f'INSERT INTO {target}."{table}" ({columns}) SELECT {columns} FROM {source}."{table}"'  # noqa: S608
        )
    await _take_over_numbers(connection, source, target)


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
            for (table,) in await disk.execute_fetchall(_TABLES):
                await _replace(disk, table)
            await _take_over_numbers(disk, "other", "main")
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


async def _take_over_numbers(connection: aiosqlite.Connection, source: str, target: str) -> None:
    """What was given once is never given again."""
    await connection.execute_fetchall(f"DELETE FROM {target}.sqlite_sequence")  # noqa: S608
    await connection.execute_fetchall(f"INSERT INTO {target}.sqlite_sequence SELECT * FROM {source}.sqlite_sequence")  # noqa: S608


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
