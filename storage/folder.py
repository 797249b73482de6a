"""The place of the database: its folder and its file, readable by their owner alone."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_OTHERS = 0o077


def prepare(path: Path) -> None:
    """Make the folder and an empty file where they are missing, and close the file to everybody else. Blocking.

    SQLite gives the files beside it (`-wal`, `-shm`) the mode of the file itself. Windows knows no such modes; there
    the folder lies in its owner's profile.

    Raises:
        OSError: the folder or the file cannot be made.
    """
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, FILE_MODE))
    elif os.name == "posix" and path.stat().st_mode & _OTHERS:
        # Somebody else's file, shared with us on purpose: theirs to decide.
        with suppress(PermissionError):
            path.chmod(FILE_MODE)
