"""The captured output of a server: a file that the game appends to and that is cut back from here."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_CHUNK_BYTES = 1024 * 1024
_LINE_CHARACTERS = 2000
_APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
_COPYING = os.O_WRONLY | os.O_TRUNC | os.O_CREAT | getattr(os, "O_BINARY", 0)
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC: titles, links
    r"|\x1b[ -/]*[0-~]"  # the short ones
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """Take colour and control codes out of some lines, and the end off those over 2,000 characters.

    An ellipsis stands for the end: by that, what is left of a secret that was cut in two is known.
    """
    plain = _CONTROLS.sub("", _ESCAPES.sub("", text))
    return "\n".join(_shortened(line) for line in plain.split("\n"))


def _shortened(line: str) -> str:
    return line if len(line) <= _LINE_CHARACTERS else line[: _LINE_CHARACTERS - 1] + "…"


class CapturedLog:
    """One server's log. `server.log.1` is the newest of the older parts.

    A mark counts bytes since this object was made, over rotations too, so it means nothing to another object.
    """

    def __init__(self, path: Path, *, cap_bytes: int = 8 * 1024 * 1024, keep: int = 3) -> None:
        self._path = path
        self._cap_bytes = cap_bytes
        self._keep = keep
        """How many older parts are kept, at least 1."""
        self._base = 0
        """The mark at which the file itself begins."""

    @property
    def path(self) -> Path:
        return self._path

    def mark(self) -> int:
        return self._base + _size(self._path)

    def begin(self, marker: str) -> int:
        """Write a line that says that a run begins, if it can be written, and give the mark after it."""
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, _APPENDING, 0o600)
            try:
                os.write(descriptor, (b"" if self._ends_in_line() else b"\n") + _beginning(marker))
            finally:
                os.close(descriptor)
        return self.mark()

    def mark_of(self, marker: str) -> int:
        """Give the mark after the line that `begin` wrote.

        Where the file has none, it was moved to an older part: all that is in the file came after it.
        """
        line, offset, before, found = _beginning(marker), 0, b"", 0
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            while data := file.read(_CHUNK_BYTES):
                window = before + data
                at = window.rfind(line)
                if at >= 0:
                    found = offset - len(before) + at + len(line)
                offset, before = offset + len(data), window[-len(line) :]
        return self._base + found

    def read_since(self, mark: int) -> tuple[str, int]:
        """Give the whole lines written since `mark` and the mark after them; an unfinished line is left for later.

        What has moved to `.1` since then is read from there; what is gone for good is passed over.
        """
        newest = self._part(1)
        part_base = self._base - _size(newest)
        if mark < self._base and part_base < self._base:
            start = max(mark, part_base)
            data = _read(newest, start - part_base)
            return _whole_lines(data, start, ends_here=start + len(data) == self._base)
        offset = max(0, mark - self._base)
        if offset > _size(self._path):  # somebody else emptied it
            offset = 0
        return _whole_lines(_read(self._path, offset), self._base + offset)

    def tail(self, lines: int) -> tuple[str, ...]:
        """Give the last lines, an unfinished one included, out of at most the last 1 MiB."""
        start = max(0, _size(self._path) - _CHUNK_BYTES)
        data = _read(self._path, start)
        if start:
            data = data.partition(b"\n")[2]
        text = clean(data.decode("utf-8", "replace")).removesuffix("\n")
        return tuple(text.split("\n")[-lines:]) if text and lines > 0 else ()

    def _ends_in_line(self) -> bool:
        return _read(self._path, max(0, _size(self._path) - 1)) in (b"", b"\n")

    def trim(self) -> None:
        """Move what is in the file to `.1` once it is over the cap, and the older parts one number up.

        The game keeps the file open, so it cannot be renamed: it is copied, at most the cap's worth of its end, and
        then emptied. What the game writes between the end of the copy and the emptying, microseconds later, is lost.
        When there is no room for a copy the file stays as it is.
        """
        if _size(self._path) <= self._cap_bytes:
            return
        copy = self._path.with_name(f"{self._path.name}.new")
        try:
            with self._path.open("r+b") as live, os.fdopen(os.open(copy, _COPYING, 0o600), "wb") as part:
                self._base += self._copy(live, part)
                live.truncate(0)
        except OSError:
            copy.unlink(missing_ok=True)
            return
        self._shift()
        copy.replace(self._part(1))

    def _copy(self, live: BinaryIO, part: BinaryIO) -> int:
        """Copy the end of the file and give how long it was; a game that writes faster does not hold this up."""
        live.seek(max(0, os.fstat(live.fileno()).st_size - self._cap_bytes))
        for _ in range(2 * (self._cap_bytes // _CHUNK_BYTES + 1)):
            data = live.read(_CHUNK_BYTES)
            if not data:
                break
            part.write(data)
        part.flush()
        return live.tell()

    def _shift(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            if self._part(number).exists():
                self._part(number).replace(self._part(number + 1))

    def _part(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _beginning(marker: str) -> bytes:
    return f"--- gamekeeper: run {marker} begins ---\n".encode()


def _whole_lines(data: bytes, start: int, *, ends_here: bool = False) -> tuple[str, int]:
    """Cut off the unfinished line, unless nothing can follow it, or it alone fills a chunk and holds up the rest."""
    end = data.rfind(b"\n") + 1
    if ends_here or (not end and len(data) == _CHUNK_BYTES):
        end = len(data)
    return clean(data[:end].decode("utf-8", "replace")), start + end


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(_CHUNK_BYTES)
    except FileNotFoundError:
        return b""
