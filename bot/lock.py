"""Keeps two bots out of one data folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

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
    lock = FileLock(data_dir / LOCK)
    try:
        data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise AlreadyRunning(data_dir) from None
    except OSError as err:
        raise StorageError(StorageFault.NO_FOLDER, str(data_dir), str(err)) from err
    try:
        yield
    finally:
        lock.release()
