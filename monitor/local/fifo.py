"""A server's console on POSIX: a FIFO beside its log.

The server has it open for reading and writing as its standard input, so it never reads an end of file and its
console stays when the bot goes. Whoever comes to type opens it for that one line.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("POSIX only")

import errno
import os
import stat
from pathlib import Path

from monitor.errors import GameFault, GameUnavailable, NotSupported

NOWHERE = Path(os.devnull)


def make(log: Path) -> Path:
    """Give a FIFO beside the log that nobody reads from; the null device where the file system has no such thing.

    One that somebody still reads from, left behind by an earlier process, is replaced.
    """
    path = log.with_suffix(".console")
    try:
        if _exists(path):
            if not _is_read(path):
                return path
            path.unlink()
        os.mkfifo(path, 0o600)
    except OSError:
        return NOWHERE
    return path


def _exists(path: Path) -> bool:
    """Say whether there is one.

    Raises:
        FileExistsError: there is something else.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISFIFO(mode):
        raise FileExistsError(path)
    return True


def _is_read(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW))
    except OSError as error:
        if error.errno == errno.ENXIO:
            return False
        raise
    return True


def standard_input(pid: int) -> Path | None:
    """Give where a process reads from, when that is a FIFO with a name. Linux alone tells."""
    path = Path(f"/proc/{pid}/fd/0")
    try:
        named = os.readlink(path).startswith("/")  # noqa: PTH115 - its text is no path when it has no name
        return path if named and stat.S_ISFIFO(path.stat().st_mode) else None
    except OSError:
        return None


def write(path: Path, line: bytes) -> None:
    """Write a line into the FIFO, or nothing of it.

    Raises:
        NotSupported: there is no FIFO, or nobody has it open any more.
        GameUnavailable: it is full.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NotSupported("console") from error
    try:
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            raise NotSupported("console")
        os.write(descriptor, line)
    except BlockingIOError as error:
        raise GameUnavailable(GameFault.TIMEOUT, "console") from error
    except BrokenPipeError as error:
        raise GameUnavailable(GameFault.CLOSED, "console") from error
    finally:
        os.close(descriptor)
