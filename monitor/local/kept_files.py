"""Files under `/proc` that are read again and again, kept open as far as the limit on descriptors allows.

A descriptor of `/proc/PID/…` goes on meaning the process for which it was opened: once that is gone, reading fails
with ESRCH, whoever has the pid by then.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("POSIX only")

import errno
import os
import resource
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

_SIZE = 4096
_NEARLY_FULL = _SIZE - 64
"""A seq_file of the kernel ends a read at a whole record: one this long may have more behind it."""
_LEFT_TO_OTHERS = 64
"""Descriptors for the database, sockets and process handles, which matter more than a few microseconds."""
_NONE_LEFT = (errno.EMFILE, errno.ENFILE)


def room_for_descriptors() -> int:
    """Give how many descriptors may be kept: half of what the process may have, leaving 64 to everything else."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _SIZE
    return max(0, min(soft // 2, soft - _LEFT_TO_OTHERS, _SIZE))


class KeptFiles:
    """Reads files by path. Every call may raise `OSError`, as opening or reading the file would."""

    def __init__(self, most: int | None = None) -> None:
        self._room = room_for_descriptors() if most is None else most
        self._kept: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def read(self, path: str) -> bytes:
        """Give the file's content as it is now, and keep the file open for the next time."""
        descriptor = self._kept.get(path)
        if descriptor is None:
            return self._read_anew(path)
        try:
            data = os.pread(descriptor, _SIZE, 0)
            return data if len(data) < _NEARLY_FULL else _all_of(descriptor)
        except OSError:
            self.let_go((path,))
            raise

    def peek(self, path: str) -> bytes:
        """Give the file's content, and close the file again."""
        descriptor = self._given_room(lambda: os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        try:
            return _all_of(descriptor)
        finally:
            os.close(descriptor)

    def names(self, folder: str) -> list[str]:
        """List a folder."""
        return self._given_room(lambda: os.listdir(folder))  # noqa: PTH208 - strings: there are thousands of them

    def let_go(self, paths: Iterable[str]) -> None:
        """Close what was kept open of these."""
        for path in paths:
            descriptor = self._kept.pop(path, None)
            if descriptor is not None:
                os.close(descriptor)

    def close(self) -> None:
        self.let_go(list(self._kept))

    def _read_anew(self, path: str) -> bytes:
        if len(self._kept) >= self._room:
            return self.peek(path)
        descriptor = self._given_room(lambda: os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        try:
            data = _all_of(descriptor)
        except OSError:
            os.close(descriptor)
            raise
        self._kept[path] = descriptor
        return data

    def _given_room(self, call: Callable[[], T]) -> T:
        """Do what takes a descriptor. Where none is left, ours are given back, and from then on none is kept."""
        try:
            return call()
        except OSError as error:
            if error.errno not in _NONE_LEFT or not self._kept:
                raise
        self.close()
        self._room = 0
        return call()


def _all_of(descriptor: int) -> bytes:
    data = part = os.pread(descriptor, _SIZE, 0)
    while len(part) >= _NEARLY_FULL:
        part = os.pread(descriptor, _SIZE, len(data))
        data += part
    return data
