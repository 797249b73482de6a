"""Keeps two bots out of one data folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from monitor.errors import GamekeeperError, StorageError, StorageFault
from storage.folder import FOLDER_MODE

LOCK = "gamekeeper.lock"


class AlreadyRunning(GamekeeperError):
    """Another gamekeeper works in this data folder."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.data_dir = data_dir


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Keep a second gamekeeper out of the data folder: two of them would start every server twice.

    Raises:
        AlreadyRunning: there is one already.
        StorageError: the folder cannot be made or written.
    """
    try:
        lock = _locked(data_dir)
    except Timeout:
        raise AlreadyRunning(data_dir) from None
    except OSError as err:
        raise StorageError(StorageFault.NO_FOLDER, str(data_dir), str(err)) from err
    try:
        yield
    finally:
        lock.release()


def _locked(data_dir: Path) -> BaseFileLock:
    """The lock in the folder itself, or, where that is there and takes nothing, one among the temporary files."""
    try:
        data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        lock = FileLock(data_dir / LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        raise
    except OSError:
        if not data_dir.is_dir():
            raise
        name = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]
        lock = FileLock(Path(tempfile.gettempdir(), f"gamekeeper-{name}.lock"))
        lock.acquire(timeout=0)
    return lock
