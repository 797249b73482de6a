"""The one owner of the database: one connection in one thread, its pragmas in one place, one task at a time.

Two connections at once are never opened by this program: SQLite 3.7.0 to 3.51.2 can reset a write-ahead log that a
second connection still needs (https://www.sqlite.org/wal.html).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar, cast

import aiosqlite

from monitor.errors import StorageError, StorageFault
from storage.faults import file_errors_translated, translated
from storage.folder import prepare
from storage.migrations import Migration, load, script

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]

APPLICATION_ID = int.from_bytes(b"GKPR")
"""Marks a file as ours (`PRAGMA application_id`)."""

_BEFORE_MIGRATIONS = (
    "PRAGMA busy_timeout = 30000",
    # Only has an effect before the first table is made; lets space be given back in small steps.
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -4096",
    "PRAGMA mmap_size = 33554432",
    "PRAGMA journal_size_limit = 16777216",
)
_AFTER_MIGRATIONS = (
    # Off until now: a migration that rebuilds a table drops the old one while others refer to it.
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = NORMAL",
)


class Transaction:
    """The statements of one transaction. Valid inside the `async with` that gave it."""

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    async def execute(self, sql: str, parameters: Parameters = ()) -> None:
        await self.fetch_all(sql, parameters)

    async def execute_many(self, sql: str, rows: Iterable[Parameters]) -> None:
        with translated(self._path):
            async with self._connection.executemany(sql, rows):
                pass

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        with translated(self._path):
            return cast("list[Row]", await self._connection.execute_fetchall(sql, parameters))

    async def fetch_one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row of the answer, or of what RETURNING gives."""
        rows = await self.fetch_all(sql, parameters)
        return rows[0] if rows else None


class Database:
    """The open database. Every call may raise `StorageError`.

    Calls from several tasks take turns. Inside a transaction use its own methods: the database's would wait for the
    transaction to end.
    """

    def __init__(self, path: Path, connection: aiosqlite.Connection, version: int) -> None:
        self._path = path
        self._connection = connection
        self._version = version
        self._lock = asyncio.Lock()
        self._durable = False
        self._closed = False
        self._guard = _closing(connection)

    @classmethod
    async def open(cls, path: Path, migrations: Sequence[Migration] | None = None) -> Self:
        """Open the file, made where it is missing, and bring it up to the newest version.

        Raises:
            StorageError: NEWER, UNREADABLE, NO_FOLDER, or what else SQLite finds.
        """
        steps = await asyncio.to_thread(load) if migrations is None else migrations
        with file_errors_translated(path):
            await asyncio.to_thread(prepare, path)
        with translated(path):
            connection = aiosqlite.connect(path, isolation_level=None)
            try:
                await _to_its_end(connection)
                version = await _bring_up(connection, path, steps)
                database = cls(path, connection, version)
                await anext(database._guard)
            except BaseException:
                await _to_its_end(connection.close())
                raise
        return database

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def path(self) -> Path:
        return self._path

    @property
    def version(self) -> int:
        """The version of the schema."""
        return self._version

    @property
    def sqlite_version(self) -> str:
        return sqlite3.sqlite_version

    async def close(self) -> None:
        """Let the transaction that is going on end, then close. Closing twice does no harm."""
        async with self._lock:
            self._closed = True
            await self._finish(self._guard.aclose())

    @asynccontextmanager
    async def transaction(self, *, durable: bool = False) -> AsyncIterator[Transaction]:
        """Run statements as one: all of them count, or, on an error or a cancellation, none.

        `durable`: when it ends, it is on the disk itself and survives a power cut. Otherwise it survives the end of
        this process, however sudden, and a power cut may take it.

        A cancellation during the commit does not stop it: what was cancelled may have been written.
        """
        async with self._turn():
            try:
                await self._finish(self._begin(durable=durable))
                yield Transaction(self._connection, self._path)
                await self._finish(self._connection.execute_fetchall("COMMIT"))
            except BaseException:
                await self._finish(self._connection.rollback())
                raise

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Read outside a transaction: never what another task has half done."""
        async with self._turn():
            return await Transaction(self._connection, self._path).fetch_all(sql, parameters)

    async def fetch_one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        rows = await self.fetch_all(sql, parameters)
        return rows[0] if rows else None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with self._lock:
            if self._closed:
                raise StorageError(StorageFault.CLOSED, str(self._path))
            yield

    async def _finish(self, step: Awaitable[object]) -> None:
        with translated(self._path):
            await _to_its_end(step)

    async def _begin(self, *, durable: bool) -> None:
        if durable is not self._durable:
            level = "FULL" if durable else "NORMAL"
            await self._connection.execute_fetchall(f"PRAGMA synchronous = {level}")
            self._durable = durable
        await self._connection.execute_fetchall("BEGIN IMMEDIATE")


async def _closing(connection: aiosqlite.Connection) -> AsyncGenerator[None, None]:
    """Close the connection when this generator ends.

    The event loop ends the generators that are left when it shuts down, so the connection's thread, which would keep
    the process alive for ever, ends with the loop even where nobody came to call `close`.
    """
    try:
        yield
    finally:
        await connection.close()


async def _bring_up(connection: aiosqlite.Connection, path: Path, migrations: Sequence[Migration]) -> int:
    version = await _version_of_ours(connection, path, newest=len(migrations))
    for pragma in _BEFORE_MIGRATIONS:
        await connection.execute_fetchall(pragma)
    for migration in migrations[version:]:
        async with connection.executescript(script(migration, APPLICATION_ID)):
            pass
    for pragma in _AFTER_MIGRATIONS:
        await connection.execute_fetchall(pragma)
    return len(migrations)


async def _version_of_ours(connection: aiosqlite.Connection, path: Path, newest: int) -> int:
    """The version of the file, before anything is changed in it; 0 for an empty one."""
    application_id, version, tables = [
        next(iter(await connection.execute_fetchall(question)))[0]
        for question in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    ]
    ours = application_id == APPLICATION_ID or (application_id, version, tables) == (0, 0, 0)
    if not ours:
        raise StorageError(StorageFault.UNREADABLE, str(path), "the database of another program")
    if version > newest:
        raise StorageError(StorageFault.NEWER, str(path), f"version {version}, known up to {newest}")
    return cast("int", version)


async def _to_its_end(awaitable: Awaitable[T]) -> T:
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
