"""Puts a backup in the place of a broken database, which is set aside and never deleted.

Killed anywhere on the way, the next start goes on where this one stopped: what is going on is in a note beside the
database, from before anything is moved until it has been told.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from monitor.errors import StorageError
from storage.backup import Backups
from storage.codec import from_json, to_json
from storage.folder import FILE_MODE

_MAGIC = b"SQLite format 3\0"
_BESIDE = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Damage:
    """A database that was broken, and what became of it."""

    at_ms: int
    """When it was found, in UTC epoch milliseconds."""
    found: str
    """What is wrong with it, in SQLite's words."""
    set_aside: str
    """The name of the file that it is kept in; empty where there was none."""
    until_ms: int | None
    """When it was last written to."""
    backup_ms: int | None = None
    """When the backup that took its place was made; `None`: there was none, or it is not there yet."""


def note_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.repair")


def unfinished(path: Path) -> Damage | None:
    """The repair that has not been told of yet. Blocking, short."""
    try:
        return from_json(Damage, note_of(path).read_text(encoding="utf-8"), str(note_of(path)))
    except (FileNotFoundError, StorageError):
        return None


def finished(path: Path) -> None:
    """It has been told. Blocking, short."""
    note_of(path).unlink(missing_ok=True)


def is_gone(path: Path) -> bool:
    """Whether there is nothing where a database ought to be. Blocking, short."""
    return _size(path) == 0


def obvious_damage(path: Path, backups: Backups) -> str | None:
    """What is wrong at first sight; `None`: nothing, or it never was a database. Blocking, short.

    SQLite is not asked: it would throw away the log beside such a file, which belongs to it.
    """
    if not is_gone(path):
        with path.open("rb") as file:
            return None if file.read(len(_MAGIC)) == _MAGIC else "file is not a database"
    if backups.all() or _size(Path(f"{path}-wal")):
        return "it is empty" if path.exists() else "it is missing"
    return None


def mend(path: Path, backups: Backups, found: str, at_ms: int) -> Damage:
    """Set the database aside, and put the newest good backup in its place; where there is none, nothing. Blocking.

    Raises:
        OSError: the folder takes no changes.
    """
    aside = f"{path.name}.damaged-{datetime.fromtimestamp(at_ms / 1000, UTC):%Y%m%dT%H%M%S}.{at_ms % 1000:03}Z"
    anything = any(Path(f"{path}{suffix}").exists() for suffix in _BESIDE)
    return go_on(path, backups, Damage(at_ms, found, aside if anything else "", _last_written_ms(path)))


def go_on(path: Path, backups: Backups, damage: Damage) -> Damage:
    """Do what is left of it. Blocking.

    Raises:
        OSError: the folder takes no changes.
    """
    _write(note_of(path), to_json(damage).encode())
    if damage.set_aside:
        for suffix in _BESIDE:
            # Without its log, SQLite would take what is left of the log for one of the backup's.
            with suppress(FileNotFoundError):
                Path(f"{path}{suffix}").rename(path.with_name(damage.set_aside + suffix))
    backup = backups.newest_good(damage.at_ms)
    if backup is not None:
        damage = replace(damage, backup_ms=backup.taken_ms)
        _write(note_of(path), to_json(damage).encode())
        restoring = path.with_name(f"{path.name}.restoring")
        _make(restoring)
        shutil.copyfile(backup.path, restoring)
        _into_place(restoring, path)
    return damage


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _last_written_ms(path: Path) -> int | None:
    files = [file for suffix in _BESIDE[:2] if (file := Path(f"{path}{suffix}")).exists()]
    return max((file.stat().st_mtime_ns // 1_000_000 for file in files), default=None)


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    _make(new)
    new.write_bytes(content)
    _into_place(new, path)


def _make(new: Path) -> None:
    """Begin it empty, for its owner alone; what was left of an earlier try goes."""
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, FILE_MODE))


def _into_place(new: Path, path: Path) -> None:
    """Under its name it is whole, and on the disk itself."""
    with new.open("r+b") as file:
        os.fsync(file.fileno())
    new.replace(path)
