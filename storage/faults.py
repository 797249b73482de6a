"""Turns what SQLite and the file system say into `StorageError`, so that neither leaves this folder as it is."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.errors import StorageError, StorageFault

_BY_RESULT_CODE = {
    sqlite3.SQLITE_BUSY: StorageFault.BUSY,
    sqlite3.SQLITE_LOCKED: StorageFault.BUSY,
    sqlite3.SQLITE_FULL: StorageFault.FULL,
    sqlite3.SQLITE_READONLY: StorageFault.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: StorageFault.UNREADABLE,
    sqlite3.SQLITE_NOTADB: StorageFault.UNREADABLE,
    sqlite3.SQLITE_CANTOPEN: StorageFault.NO_FOLDER,
    sqlite3.SQLITE_PERM: StorageFault.NO_FOLDER,
    sqlite3.SQLITE_IOERR: StorageFault.DISK,
}
"""By the primary result code, https://www.sqlite.org/rescode.html."""

_BY_ERRNO = {
    errno.ENOSPC: StorageFault.FULL,
    errno.EROFS: StorageFault.READ_ONLY,
    errno.EIO: StorageFault.DISK,
    errno.EISDIR: StorageFault.FOREIGN,
    errno.EMFILE: StorageFault.FAILED,
    errno.ENFILE: StorageFault.FAILED,
}


def fault_of(err: sqlite3.Error) -> StorageFault:
    """Name the fault behind an error; FAILED where the error carries no result code of SQLite's."""
    primary = getattr(err, "sqlite_errorcode", 0) & 0xFF
    return _BY_RESULT_CODE.get(primary, StorageFault.FAILED)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise `StorageError` for an error of SQLite's."""
    try:
        yield
    except sqlite3.Error as err:
        raise StorageError(fault_of(err), str(path), str(err)) from err


@contextmanager
def file_errors_translated(path: Path) -> Iterator[None]:
    """Raise `StorageError` for an error of the file system's."""
    try:
        yield
    except OSError as err:
        fault = _BY_ERRNO.get(err.errno or 0, StorageFault.NO_FOLDER)
        raise StorageError(fault, str(path), err.strerror or str(err)) from err
