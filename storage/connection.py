"""A connection to SQLite in a thread of its own: opened, set up, migrated, copied and closed, here and nowhere else.

Two connections that could write to one file are never open at once: SQLite 3.7.0 to 3.51.2 can reset a write-ahead
log that a checkpoint of a second one still needs (https://www.sqlite.org/wal.html).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from queue import Empty
from typing import Any, TypeAlias, TypeVar, cast

import aiosqlite
from aiosqlite.core import set_exception, set_result

from monitor.errors import StorageError, StorageFault
from storage.faults import translated
from storage.migrations import Migration, script
from storage.reserve import takes_copy

T = TypeVar("T")

APPLICATION_ID = int.from_bytes(b"GKPR")
"""Marks a file as ours (`PRAGMA application_id`)."""

BUSY_MS = 1000
"""How long one try waits for a lock that another process holds. Readers get their turn between two tries."""

SLICE_PAGES = 256
"""So much is copied at a time, 1 MiB: a millisecond or two."""

Inspect: TypeAlias = Callable[[aiosqlite.Connection, int, int], Awaitable[None]]
"""Looks at a database of ours before anything in it is changed; told its version, and the one it is brought up to."""

_BEFORE_MIGRATIONS = (
    # Only has an effect before the first table is made; lets space be given back in small steps.
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -4096",
    # Mapped pages count as memory of this process, a broken disk beneath them ends it, and reading is no faster.
    "PRAGMA mmap_size = 0",
    "PRAGMA journal_size_limit = 16777216",
    # What is deleted is blotted out where its page is written anyway; old samples are not written once more to do so.
    "PRAGMA secure_delete = FAST",
    # What a statement might have to take back is kept in memory rather than written to a file.
    "PRAGMA temp_store = MEMORY",
)
_AFTER_MIGRATIONS = (
    # Off until now: a migration that rebuilds a table drops the old one while others refer to it.
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = NORMAL",
)


async def connect(
    path: Path, migrations: Sequence[Migration], *, busy_ms: int = BUSY_MS, inspect: Inspect | None = None
) -> aiosqlite.Connection:
    """Open the file, and bring it up to the newest version.

    Raises:
        StorageError: NEWER, FOREIGN, UNREADABLE, or what else SQLite or `inspect` finds. Nothing stays open.
    """

    async def set_up(connection: aiosqlite.Connection) -> None:
        await connection.execute_fetchall(f"PRAGMA busy_timeout = {busy_ms}")
        version = await _version_of_ours(connection, path, newest=len(migrations))
        if inspect is not None:
            await inspect(connection, version, len(migrations))
        await bring_up(connection, migrations[version:])

    with translated(path):
        return await opened(str(path), set_up)


async def opened(database: str, set_up: Callable[[aiosqlite.Connection], Awaitable[None]]) -> aiosqlite.Connection:
    """Open a file, or what a `file:` URI names, and set the connection up, or leave nothing open."""
    # URIs are understood for the sake of what is attached later, too.
    connection = aiosqlite.connect(database, isolation_level=None, uri=True)
    try:
        await to_its_end(connection)
        await set_up(connection)
    except BaseException:
        await to_its_end(connection.close())
        raise
    return connection


async def bring_up(connection: aiosqlite.Connection, steps: Sequence[Migration]) -> None:
    """Apply these migrations, each in one transaction, between the pragmas of every connection."""
    for pragma in _BEFORE_MIGRATIONS:
        await connection.execute_fetchall(pragma)
    for migration in steps:
        async with connection.executescript(script(migration, APPLICATION_ID)):
            pass
    for pragma in _AFTER_MIGRATIONS:
        await connection.execute_fetchall(pragma)


async def _version_of_ours(connection: aiosqlite.Connection, path: Path, newest: int) -> int:
    """The version of the file, before anything is changed in it; 0 for an empty one."""
    application_id, version, tables = [
        next(iter(await connection.execute_fetchall(question)))[0]
        for question in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    ]
    ours = application_id == APPLICATION_ID or (application_id, version, tables) == (0, 0, 0)
    if not ours:
        raise StorageError(StorageFault.FOREIGN, str(path), "the database of another program")
    if version > newest:
        raise StorageError(StorageFault.NEWER, str(path), f"version {version}, known up to {newest}")
    return cast("int", version)


async def copy(connection: aiosqlite.Connection, target: Path) -> None:
    """Copy the whole database into a file with SQLite's online backup, slice by slice.

    Between two slices the connection's thread does what others have asked of it meanwhile: what they write goes into
    the copy too (https://www.sqlite.org/c3ref/backup_finish.html). Do not close the connection before this returns.

    Raises:
        StorageError: FULL, where the copy would leave the disk too little; nothing was written.
        sqlite3.Error: either file cannot be read or written.
    """
    halted = threading.Event()

    def between(_result: int, _left: int, _pages: int) -> None:
        with suppress(Empty):
            while True:
                # What aiosqlite's own loop does with its queue; that loop waits for the copy.
                _do(*connection._tx.get_nowait())  # noqa: SLF001
        if halted.is_set():
            raise InterruptedError

    def backup() -> None:
        source = connection._conn  # noqa: SLF001
        insist_on_room(source, target)
        with closing(sqlite3.connect(target)) as copied:
            source.backup(copied, pages=SLICE_PAGES, progress=between, sleep=0.001)

    copying = asyncio.ensure_future(connection._execute(backup))  # type: ignore[no-untyped-call]  # noqa: SLF001
    try:
        await asyncio.shield(copying)
    except asyncio.CancelledError:
        halted.set()
        with suppress(InterruptedError, sqlite3.Error):
            await to_its_end(copying)
        raise


def insist_on_room(source: sqlite3.Connection, target: Path) -> None:
    """See that a copy is not what fills the disk. Blocking, short.

    Raises:
        StorageError: FULL, where it would be.
    """
    [size_bytes] = source.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()
    if not takes_copy(target.parent, size_bytes):
        raise StorageError(StorageFault.FULL, str(target), f"a copy takes {size_bytes} bytes")


def _do(future: asyncio.Future[Any] | None, function: Callable[[], object]) -> None:
    try:
        tell: Callable[..., None] = set_result
        outcome: object = function()
    except BaseException as err:  # noqa: BLE001  # it is whoever asked who is told
        tell, outcome = set_exception, err
    if future is not None:
        future.get_loop().call_soon_threadsafe(tell, future, outcome)


async def to_its_end(awaitable: Awaitable[T]) -> T:
    """Await it to its end even when cancelled meanwhile, and pass the cancellation on afterwards.

    A statement that is under way in the connection's thread cannot be taken back; whoever comes next must find it
    done.
    """
    task = asyncio.ensure_future(awaitable)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            await _wait_uncancelled(task)
        if not task.cancelled():
            task.exception()
        raise


async def _wait_uncancelled(task: asyncio.Future[T]) -> None:
    try:
        await asyncio.wait((task,))
    except asyncio.CancelledError:
        return
