"""Holds the one connection, and lets one task at a time use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import aiosqlite
import structlog

from monitor.errors import StorageError, StorageFault
from storage.connection import copy, to_its_end
from storage.faults import translated
from storage.transaction import Work, run_whole

T = TypeVar("T")

BUSY_TRIES = 30
"""How often a write that may be lost asks for the lock; one that may not asks until it has it."""

log = structlog.get_logger(__name__)


class Holder:
    """Every call may raise `StorageError`, CLOSED among them."""

    def __init__(self, path: Path) -> None:
        """`take` comes next."""
        self._path = path
        self._lock = asyncio.Lock()
        self._copying = asyncio.Lock()
        self._closed = False
        self._durable = False
        self._busy = False
        self._guard: AsyncGenerator[None, None]
        self.connection: aiosqlite.Connection

    async def take(self, connection: aiosqlite.Connection) -> None:
        """Hold this connection from now on."""
        self.connection = connection
        self._durable = False
        self._guard = _closing(connection)
        await anext(self._guard)

    async def let_go(self) -> None:
        """Close the connection; another one is taken next."""
        await self._guard.aclose()

    async def close(self) -> None:
        """Let whoever has the turn end it, then close for good. Closing twice does no harm."""
        async with self._copying, self._lock:
            self._closed = True
            await self._finish(self._guard.aclose())

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the connection, and have it alone."""
        async with self._lock:
            if self._closed:
                raise StorageError(StorageFault.CLOSED, str(self._path))
            yield

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Have it alone, with no copy under way, to put another one in its place."""
        async with self._copying, self.turn():
            yield

    async def copy_to(self, target: Path) -> None:
        """Copy the database into a new file; others have their turns meanwhile."""
        async with self._copying:
            if self._closed:
                raise StorageError(StorageFault.CLOSED, str(self._path))
            with translated(target):
                await copy(self.connection, target)

    async def begin(self, turn: AsyncExitStack, *, durable: bool) -> None:
        """Enter a turn with a transaction open; while another process has the lock, others have theirs between.

        Raises:
            StorageError: BUSY, where it is not durable, after `BUSY_TRIES` waits.
        """
        await self._once_free(turn, lambda: self.connection.execute_fetchall("BEGIN IMMEDIATE"), durable=durable)

    async def at_once(self, turn: AsyncExitStack, work: Work[T], *, durable: bool) -> T:
        """Enter a turn, and run all of a transaction in one trip to the connection's thread; otherwise as `begin`."""

        def step() -> Awaitable[T]:
            connection = self.connection
            run = partial(run_whole, connection._conn, self._path, work)  # noqa: SLF001
            return cast("Awaitable[T]", connection._execute(run))  # type: ignore[no-untyped-call]  # noqa: SLF001

        return await self._once_free(turn, step, durable=durable)

    async def _once_free(self, turn: AsyncExitStack, step: Callable[[], Awaitable[T]], *, durable: bool) -> T:
        tries = 0
        while True:
            tries += 1
            await turn.enter_async_context(self.turn())
            try:
                await self._sync(durable=durable)
                done = await self._finish(step())
            except StorageError as err:
                if err.fault is not StorageFault.BUSY or (tries >= BUSY_TRIES and not durable):
                    raise
                self._note_busy(busy=True)
                await turn.aclose()
            except BaseException:
                await self.roll_back()
                raise
            else:
                self._note_busy(busy=False)
                return done

    async def commit(self) -> None:
        await self._finish(self.connection.execute_fetchall("COMMIT"))

    async def roll_back(self) -> None:
        await self._finish(self.connection.rollback())

    async def _sync(self, *, durable: bool) -> None:
        if durable is not self._durable:
            level = "FULL" if durable else "NORMAL"
            await self._finish(self.connection.execute_fetchall(f"PRAGMA synchronous = {level}"))
            self._durable = durable

    async def _finish(self, step: Awaitable[T]) -> T:
        with translated(self._path):
            return await to_its_end(step)

    def _note_busy(self, *, busy: bool) -> None:
        if busy and not self._busy:
            log.warning("database_locked", path=str(self._path), next_step="waiting for the other program")
        elif self._busy and not busy:
            log.info("database_free_again")
        self._busy = busy


async def _closing(connection: aiosqlite.Connection) -> AsyncGenerator[None, None]:
    """Close the connection when this generator ends.

    The event loop ends the generators that are left when it shuts down, so the connection's thread, which would keep
    the process alive for ever, ends with the loop even where nobody came to call `close`.
    """
    try:
        yield
    finally:
        await connection.close()
