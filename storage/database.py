"""The one owner of the database: whole transactions, and another place for what the disk refuses."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import aiosqlite

from monitor.errors import StorageError, StorageFault
from storage.connection import BUSY_MS, Inspect, connect, to_its_end
from storage.faults import file_errors_translated, translated
from storage.folder import prepare
from storage.holder import Holder
from storage.migrations import Migration, load
from storage.reserve import Reserve
from storage.shelter import Shelter, bring_home, take_shelter
from storage.transaction import Parameters, Row, Transaction, Work
from storage.trouble import REFUSING, Trouble

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """How a database is opened."""

    busy_ms: int = BUSY_MS
    """How long one try waits for the lock of another process."""
    inspect: Inspect | None = None
    """Looks at the file before anything in it is changed."""
    reserve: Reserve | None = None
    """What is given up for the sake of events when the disk is full."""
    shelter: bool = False
    """Whether what the disk refuses is kept in memory until it takes it. Not for a command that ends at once."""


class Database:
    """The open database. Every call may raise `StorageError`.

    Calls from several tasks take turns. Inside a transaction use its own methods: the database's would wait for the
    transaction to end.
    """

    def __init__(self, path: Path, migrations: Sequence[Migration], options: Options) -> None:
        """Not yet open: use `open`."""
        self._path = path
        self._migrations = migrations
        self._options = options
        self._held = Holder(path)
        self._shelter: Shelter | None = None
        self._trouble: Trouble | None = None
        self.news = asyncio.Event()
        """Set whenever `trouble` changes; cleared by the one who looks after it."""

    @classmethod
    async def open(
        cls, path: Path, migrations: Sequence[Migration] | None = None, options: Options | None = None
    ) -> Self:
        """Open the file, made where it is missing, and bring it up to the newest version.

        Raises:
            StorageError: NEWER, FOREIGN, UNREADABLE, NO_FOLDER, or what else SQLite finds.
        """
        steps = await asyncio.to_thread(load) if migrations is None else migrations
        database = cls(path, steps, options or Options())
        await database._held.take(await database._connect())
        if not await database._has_room():
            database._change(Trouble(StorageFault.FULL, "", in_memory=False))
        return database

    @classmethod
    async def open_in_memory(
        cls,
        path: Path,
        refused: StorageError,
        migrations: Sequence[Migration] | None = None,
        options: Options | None = None,
    ) -> Self:
        """Open a database in memory that stands in for the file, which the disk refuses for this reason."""
        steps = await asyncio.to_thread(load) if migrations is None else migrations
        database = cls(path, steps, options or Options())
        await database._go_into_memory(refused)
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
        return len(self._migrations)

    @property
    def sqlite_version(self) -> str:
        return sqlite3.sqlite_version

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong right now; `None` when all is well."""
        return self._trouble

    @property
    def degraded(self) -> StorageFault | None:
        return None if self._trouble is None else self._trouble.fault

    async def close(self) -> None:
        """Let the transaction that is going on end, then close. Closing twice does no harm."""
        if self._shelter is not None:
            # The last chance for what is in memory alone.
            with suppress(StorageError):
                await self.recover()
        await self._held.close()

    @asynccontextmanager
    async def transaction(self, *, durable: bool = False, bulk: bool = False) -> AsyncIterator[Transaction]:
        """Run statements as one: all of them count, or, on an error or a cancellation, none.

        A cancellation during the commit does not stop it: what was cancelled may have been written.

        Args:
            durable: when it ends, it is on the disk itself and survives a power cut; while another process holds the
                lock it waits for as long as it takes. Otherwise it survives the end of this process, however sudden,
                and a power cut may take it.
            bulk: it is not worth the last of the disk, nor memory: refused while there is trouble with the disk.
        """
        await self._look_for_room(bulk=bulk)
        # Outside the turn, which is given up and taken anew while another program has the lock.
        with self._noticing():
            async with AsyncExitStack() as turn:
                await self._held.begin(turn, durable=durable)
                try:
                    yield Transaction(self._held.connection, self._path)
                    await self._held.commit()
                except BaseException:
                    await self._held.roll_back()
                    raise

    async def at_once(self, work: Work[T], *, durable: bool = False, bulk: bool = False) -> T:
        """Run all of `work` as one `transaction`, in the connection's thread: one trip there, not one a statement.

        A crash is written with ten statements, and a trip takes as long as a statement. `work` may await nothing but
        its own statements.
        """
        await self._look_for_room(bulk=bulk)
        async with AsyncExitStack() as turn:
            turn.enter_context(self._noticing())
            return await self._held.at_once(turn, work, durable=durable)

    async def write(self, work: Work[T]) -> T:
        """Run `work` at once and durably, and again where the disk refuses it and another place is found.

        That place is what the reserve gives up, then memory.
        """
        while True:
            tried = self._held.connection
            try:
                return await self.at_once(work, durable=True)
            except StorageError as err:
                if not await self._make_way(err, tried):
                    raise

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Read outside a transaction: never what another task has half done."""
        with self._noticing():
            async with self._held.turn():
                return await Transaction(self._held.connection, self._path).fetch_all(sql, parameters)

    async def fetch_one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        rows = await self.fetch_all(sql, parameters)
        return rows[0] if rows else None

    async def copy_to(self, target: Path) -> None:
        """Write a copy of the whole database into a new file, letting everybody else work meanwhile."""
        await self._held.copy_to(target)

    async def recover(self) -> None:
        """See whether the trouble is over; what was kept in memory is then written to the disk."""
        trouble = self._trouble
        if trouble is None or trouble.fault not in REFUSING or not await self._has_room():
            return
        if trouble.in_memory:
            async with self._held.exchange():
                await to_its_end(self._come_home())
        else:
            self._change(None)

    def suspect(self, err: StorageError) -> None:
        """Take in what somebody else has found out about the file."""
        self._change(Trouble(err.fault, err.detail, in_memory=False))

    async def _come_home(self) -> None:
        shelter = self._shelter
        if shelter is None or not shelter.seeded:
            raise StorageError(StorageFault.UNREADABLE, str(self._path), "it could not be read at the start")
        disk = await self._connect()
        try:
            with translated(self._path):
                await to_its_end(bring_home(disk, shelter))
        except BaseException:
            await to_its_end(disk.close())
            raise
        await self._held.let_go()
        await self._held.take(disk)
        self._shelter = None
        self._change(None)

    async def _go_into_memory(self, refused: StorageError, live: aiosqlite.Connection | None = None) -> None:
        shelter = await take_shelter(self._path, self._migrations, live)
        if live is not None:
            # It cannot write down what is left in its log, which stays.
            with suppress(sqlite3.Error):
                await self._held.let_go()
        await self._held.take(shelter.connection)
        self._shelter = shelter
        self._change(Trouble(refused.fault, refused.detail, in_memory=True))

    async def _connect(self) -> aiosqlite.Connection:
        with file_errors_translated(self._path):
            await asyncio.to_thread(prepare, self._path)
        options = self._options
        return await connect(self._path, self._migrations, busy_ms=options.busy_ms, inspect=options.inspect)

    async def _make_way(self, err: StorageError, tried: aiosqlite.Connection) -> bool:
        """Whether to try again what was refused: elsewhere now, or with more room."""
        if err.fault not in REFUSING or not isinstance(err.__cause__, sqlite3.Error):
            return False
        reserve = self._options.reserve
        if err.fault is StorageFault.FULL and reserve is not None and await asyncio.to_thread(reserve.give):
            return True
        async with self._held.exchange():
            if self._held.connection is not tried:
                return True
            if not self._options.shelter or self._shelter is not None:
                return False
            await to_its_end(self._go_into_memory(err, live=tried))
        return True

    async def _has_room(self) -> bool:
        reserve = self._options.reserve
        return reserve is None or await asyncio.to_thread(reserve.fill)

    async def _look_for_room(self, *, bulk: bool) -> None:
        trouble, reserve = self._trouble, self._options.reserve
        if trouble is None or trouble.fault not in REFUSING:
            return
        if not trouble.in_memory and await self._has_room():
            self._change(None)
        elif bulk:
            raise StorageError(trouble.fault, str(self._path), trouble.detail)
        elif not trouble.in_memory and reserve is not None:
            await asyncio.to_thread(reserve.make_room)

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Take in what a statement finds out about the disk or the file."""
        try:
            yield
        except StorageError as err:
            known = self._trouble is not None and (self._trouble.in_memory or self._trouble.fault is err.fault)
            telling = err.fault in (StorageFault.FULL, StorageFault.UNREADABLE)
            if telling and not known and isinstance(err.__cause__, sqlite3.Error):
                self._change(Trouble(err.fault, err.detail, in_memory=False))
            raise

    def _change(self, trouble: Trouble | None) -> None:
        self._trouble = trouble
        self.news.set()
