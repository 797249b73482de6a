"""What is said to the database within one transaction: from the event loop, or all of it in one trip."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import aiosqlite

from storage.faults import translated

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]
Work: TypeAlias = "Callable[[Transaction], Awaitable[T]]"
"""What is said in one transaction."""


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


def run_whole(connection: sqlite3.Connection, path: Path, work: Work[T]) -> T:
    """Run all of `work` as one transaction, for who is in the connection's thread.

    Raises:
        sqlite3.Error: it could not be begun, or not committed.
        RuntimeError: it awaited something else than its statements.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = _driven(work(_InThread(connection, path)))
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
    return done


class _InThread(Transaction):
    """The same for who waits for nothing."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._raw = connection
        self._path = path

    async def execute_many(self, sql: str, rows: Iterable[Parameters]) -> None:
        with translated(self._path):
            self._raw.executemany(sql, rows).close()

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        with translated(self._path):
            return self._raw.execute(sql, parameters).fetchall()


def _driven(work: Awaitable[T]) -> T:
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as end:
        return cast("T", end.value)
    raise RuntimeError("a transaction that runs at once may wait for nothing else")
