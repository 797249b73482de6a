"""Opens the database for a bot that must start whatever has happened to it, and for a command that need not.

It is backed up before it is migrated. For the bot it is checked, repaired where it is broken, and kept in memory
where the disk takes nothing.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiosqlite
import structlog

from monitor.errors import StorageError, StorageFault
from monitor.events import DatabaseRestored
from monitor.ports import Clock
from storage import repair
from storage.backup import Backup, Backups, problem_in
from storage.connection import BUSY_MS, copy
from storage.database import Database, Options
from storage.faults import file_errors_translated
from storage.journal import Journal
from storage.repair import Damage
from storage.rescue import rescue_runs
from storage.reserve import Reserve
from storage.transaction import Transaction
from storage.trouble import REFUSING

NUMBERS_LEFT_OUT = 1_000_000
"""More events than can have been told between a backup and the damage. Their numbers are in Discord already, and an
alert with one of them again would be taken for one that is there."""

log = structlog.get_logger(__name__)


async def open_database(path: Path, backups: Backups, clock: Clock, *, busy_ms: int = BUSY_MS) -> Database:
    """Open the file, or what can stand in for it.

    Raises:
        StorageError: NEWER, FOREIGN, BUSY; or there is no database yet, and none can be made.
    """

    async def inspect(connection: aiosqlite.Connection, version: int, newest: int) -> None:
        await _check(connection, path)
        if (made := await _back_up(connection, version, newest, backups, clock.now_ms())) is not None:
            log.info("backed_up_before_migration", file=made.path.name, version=version, to=newest)

    reserve = Reserve(path.with_name(f"{path.name}.reserve"))
    options = Options(busy_ms=busy_ms, inspect=inspect, reserve=reserve, shelter=True)
    try:
        return await _open_repaired(path, backups, options, clock.now_ms())
    except StorageError as err:
        if err.fault not in REFUSING or await asyncio.to_thread(repair.is_gone, path):
            raise
        log.error("database_in_memory", fault=err.fault.value, detail=err.detail)  # noqa: TRY400  # no surprise
        return await Database.open_in_memory(path, err, options=options)


async def open_for_command(path: Path, backups: Backups, now_ms: int) -> Database:
    """Open the file for a command that ends at once. What is wrong with it is left to the bot.

    Raises:
        StorageError: UNREADABLE, also where it is gone or empty and there are backups: a new one would stand in their
            way. Or what `Database.open` says.
    """

    async def inspect(connection: aiosqlite.Connection, version: int, newest: int) -> None:
        await _back_up(connection, version, newest, backups, now_ms)

    with file_errors_translated(path):
        found = await asyncio.to_thread(repair.obvious_damage, path, backups)
    if found is not None:
        raise StorageError(StorageFault.UNREADABLE, str(path), found)
    return await Database.open(path, options=Options(inspect=inspect))


async def _back_up(
    connection: aiosqlite.Connection, version: int, newest: int, backups: Backups, now_ms: int
) -> Backup | None:
    """Make one if a migration is to come."""
    return await backups.make(lambda target: copy(connection, target), now_ms) if 0 < version < newest else None


async def _check(connection: aiosqlite.Connection, path: Path) -> None:
    answer = await connection.execute_fetchall("PRAGMA quick_check")
    problem = problem_in([(row[0],) for row in answer])
    if problem is not None:
        raise StorageError(StorageFault.UNREADABLE, str(path), problem)


async def _open_repaired(path: Path, backups: Backups, options: Options, now_ms: int) -> Database:
    with file_errors_translated(path):
        damage = await asyncio.to_thread(_resume, path, backups, now_ms)
    try:
        db = await Database.open(path, options=options)
    except StorageError as err:
        if err.fault is not StorageFault.UNREADABLE:
            raise
        with file_errors_translated(path):
            damage = await asyncio.to_thread(repair.mend, path, backups, err.detail, now_ms)
        db = await Database.open(path, options=options)
    if damage is not None:
        try:
            await _tell(db, damage)
            with file_errors_translated(path):
                await asyncio.to_thread(repair.finished, path)
        except BaseException:
            await db.close()
            raise
    return db


def _resume(path: Path, backups: Backups, now_ms: int) -> Damage | None:
    """Go on with what an earlier start has begun, or begin where SQLite need not be asked."""
    begun = repair.unfinished(path)
    if begun is not None:
        return begun if path.exists() else repair.go_on(path, backups, begun)
    found = repair.obvious_damage(path, backups)
    return None if found is None else repair.mend(path, backups, found, now_ms)


async def _tell(db: Database, damage: Damage) -> None:
    """Write down, once, that it was restored, and from when to when everything is missing."""
    told = DatabaseRestored(
        at_ms=damage.at_ms,
        found=damage.found,
        set_aside=damage.set_aside,
        backup_ms=damage.backup_ms,
        until_ms=damage.until_ms,
    )
    log.error("database_restored", found=told.found, set_aside=told.set_aside, backup_ms=told.backup_ms)
    known = "SELECT 1 FROM events WHERE kind = ? AND at_ms = ?"
    if await db.fetch_one(known, (told.kind, told.at_ms)) is None:
        await db.write(_leave_numbers_out)
        if damage.set_aside and damage.backup_ms is not None:
            await rescue_runs(db, db.path.with_name(damage.set_aside))
        await Journal(db).record(told)


async def _leave_numbers_out(tx: Transaction) -> None:
    last = await tx.fetch_one("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
    await tx.execute("DELETE FROM sqlite_sequence WHERE name = 'events'")
    first_free = NUMBERS_LEFT_OUT + (0 if last is None else last[0])
    await tx.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)", (first_free,))
