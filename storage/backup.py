"""Copies of the database: made while it is in use, checked whole before they count, kept by number."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from monitor.errors import StorageError, StorageFault
from storage.connection import APPLICATION_ID, insist_on_room, to_its_end
from storage.faults import file_errors_translated, translated
from storage.folder import FILE_MODE, FOLDER_MODE
from storage.migrations import load

BACKUPS_KEPT = 7
EVERY_MS = 24 * 60 * 60 * 1000

_NAME = re.compile(r"gamekeeper-(\d{8}T\d{6}\.\d{3}Z)\.db")
_TIME = "%Y%m%dT%H%M%S"
_UNDER_WAY = "under-way"
_LEFT_AFTER_S = 600
"""One that is being made is written to all the time, or read for a minute; one that is older was left by a kill."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class Backup:
    """A copy that was whole when it was made."""

    taken_ms: int
    """UTC epoch milliseconds: what was written later is not in it."""
    path: Path


class Backups:
    """The folder that they are in. A name tells the time, in UTC: `gamekeeper-20260524T030000.000Z.db`."""

    def __init__(self, folder: Path, kept: int = BACKUPS_KEPT) -> None:
        self._folder = folder
        self._kept = kept

    def all(self) -> list[Backup]:
        """The newest first. Blocking, short."""
        try:
            found = [_backup(path) for path in self._folder.iterdir()]
        except OSError:
            return []
        return sorted((backup for backup in found if backup is not None), reverse=True)

    def newest_good(self, now_ms: int) -> Backup | None:
        """The newest that is whole still, and not a newer gamekeeper's. Blocking: each is read to its end."""
        for backup in self._as_of(now_ms):
            try:
                problem = problem_of(backup.path, newest=len(load()))
            except StorageError as err:
                problem = err.detail
            if problem is None:
                return backup
            log.error("backup_not_usable", file=backup.path.name, problem=problem)
        return None

    def due(self, now_ms: int) -> bool:
        """Whether none was made within a day. Blocking, short."""
        return not any(0 <= now_ms - backup.taken_ms < EVERY_MS for backup in self.all())

    def _as_of(self, now_ms: int) -> list[Backup]:
        """The newest first; last those of a time that is still to come: a clock that was ahead has named them."""
        return sorted(self.all(), key=lambda backup: (backup.taken_ms <= now_ms, backup), reverse=True)

    async def make(self, copy_to: Callable[[Path], Awaitable[None]], now_ms: int) -> Backup:
        """Make one, and let the oldest go.

        Raises:
            StorageError: UNREADABLE, where the copy is not whole, so that the original is not; or the disk refused.
        """
        # A name of its own: a command may make one beside the bot.
        under_way = self._folder / f"{_UNDER_WAY}-{os.urandom(4).hex()}.db"
        with file_errors_translated(under_way):
            await asyncio.to_thread(self._prepare, under_way)
            try:
                await copy_to(under_way)
                # To its end: on Windows a file that is being read cannot be removed.
                return await to_its_end(asyncio.to_thread(self._take, under_way, now_ms))
            finally:
                await asyncio.to_thread(under_way.unlink, missing_ok=True)

    def _prepare(self, under_way: Path) -> None:
        self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        for left in self._folder.glob(f"{_UNDER_WAY}*"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > _LEFT_AFTER_S:
                    left.unlink()
        os.close(os.open(under_way, os.O_CREAT | os.O_RDWR, FILE_MODE))

    def _take(self, under_way: Path, now_ms: int) -> Backup:
        problem = problem_of(under_way)
        if problem is not None:
            raise StorageError(StorageFault.UNREADABLE, str(under_way), problem)
        taken = datetime.fromtimestamp(now_ms / 1000, UTC)
        backup = Backup(now_ms, self._folder / f"gamekeeper-{taken:{_TIME}}.{now_ms % 1000:03}Z.db")
        under_way.replace(backup.path)
        for old in self._as_of(now_ms)[self._kept :]:
            with suppress(OSError):
                old.path.unlink()
        return backup


def problem_of(path: Path, newest: int | None = None) -> str | None:
    """Read a database of ours to its end, and tell what is wrong with it; `None`: it is whole. Blocking.

    Nobody may be writing to it: it is read as it lies there, without its log.

    Args:
        path: of the file. An empty one is a whole database to SQLite, and none of ours.
        newest: the newest version that will do; `None`: any.

    Raises:
        StorageError: it cannot be read, which says nothing of what is in it.
    """
    try:
        with (
            translated(path),
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection,
        ):
            [application_id] = connection.execute("PRAGMA application_id").fetchone()
            [version] = connection.execute("PRAGMA user_version").fetchone()
            if application_id != APPLICATION_ID:
                return "it is not gamekeeper's"
            if newest is not None and version > newest:
                return f"version {version}, known up to {newest}"
            return problem_in(connection.execute("PRAGMA integrity_check").fetchall())
    except StorageError as err:
        if err.fault is not StorageFault.UNREADABLE:
            raise
        return err.detail


def problem_in(answer: list[tuple[str]]) -> str | None:
    """What `integrity_check` or `quick_check` says; `None` when it says ok."""
    said = [line for (text,) in answer for line in text.splitlines()]
    return None if said == ["ok"] else "; ".join(said[:3])


def copy_beside(path: Path, target: Path) -> None:
    """Copy a database that another process may be using, from a connection that cannot write. Blocking.

    What SQLite gets wrong with several connections takes two that write.
    """
    log_file = Path(f"{path}-wal")
    # Without a log there is none to be read, and one must not be made.
    alone = "" if log_file.exists() else "&immutable=1"
    with translated(path), closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{alone}", uri=True)) as source:
        source.execute("PRAGMA busy_timeout = 30000")
        insist_on_room(source, target)
        with closing(sqlite3.connect(target)) as copied:
            source.backup(copied)


def _backup(path: Path) -> Backup | None:
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    taken = datetime.strptime(match[1][:15], _TIME).replace(tzinfo=UTC)
    return Backup(round(taken.timestamp() * 1000) + int(match[1][16:19]), path)
