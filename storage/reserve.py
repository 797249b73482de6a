"""A file that holds room on the disk, and gives it up piece by piece once the disk is full.

What it gives up goes at once to what must not be lost; measurements get none of it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 4 << 20
"""As much as the write-ahead log grows to before it begins anew; events are a few KiB each."""
PIECE_BYTES = 256 << 10


def takes_copy(folder: Path, size_bytes: int) -> bool:
    """Whether a copy of that size leaves room for what must not be lost. Blocking, short."""
    try:
        return shutil.disk_usage(folder).free >= size_bytes + 2 * RESERVE_BYTES
    except OSError:
        return True  # it does not tell: the copy finds out


class Reserve:
    """The file. All of it is blocking, and short."""

    def __init__(self, path: Path, size_bytes: int = RESERVE_BYTES, piece_bytes: int = PIECE_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes
        self._piece_bytes = piece_bytes

    def fill(self) -> bool:
        """Bring it back to its size where there is room for it, and as much again, and say whether there is."""
        try:
            missing = max(0, self._size_bytes - self._held())
            if shutil.disk_usage(self._path.parent).free < missing + self._size_bytes:
                return False
            if missing:
                self._write(missing)
        except OSError:
            return False
        return True

    def give(self) -> bool:
        """Give a piece of it up. `False`: there is nothing left."""
        try:
            held = self._held()
            if held:
                os.truncate(self._path, max(0, held - self._piece_bytes))
        except OSError:
            return False
        return held > 0

    def make_room(self) -> None:
        """Give a piece up where the disk has no room for even one transaction."""
        with suppress(OSError):
            if shutil.disk_usage(self._path.parent).free < self._piece_bytes:
                self.give()

    def _held(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def _write(self, missing: int) -> None:
        # Not what SQLite's own files would be given; written out, for a hole holds no room.
        with self._path.open("ab") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), self._size_bytes - missing, missing)
            else:
                for written in range(0, missing, self._piece_bytes):
                    file.write(bytes(min(self._piece_bytes, missing - written)))
