"""What the readers of games' own settings files share: text out of bytes, and values with the line they stand on."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from monitor.errors import GameFileError, Problem
from monitor.spec import Secret

MAX_BYTES = 256 * 1024
"""A settings file larger than this is none."""

NO_SECRET = Secret("")

_MAX_PORT = 65_535
_MOST_DIGITS = 9
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Value(NamedTuple):
    """The text of one setting, and the line it begins on, counted from 1."""

    text: str
    line: int


def decode(data: bytes, source: str) -> str:
    """Read what an editor or a game may have written: UTF-8, UTF-16 with its mark, or else one byte a character.

    Raises:
        GameFileError: it is too large, or no text.
    """
    if len(data) > MAX_BYTES:
        raise GameFileError(source, (Problem(None, "", f"the file is larger than {MAX_BYTES // 1024} KiB"),))
    mark, encoding = next(((m, e) for m, e in _MARKS if data.startswith(m)), (b"", "utf-8"))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise GameFileError(source, (Problem(text[: text.index("\0")].count("\n") + 1, "", "this is not text"),))
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(slots=True)
class Reading:
    """Reads typed values out of a file's settings and gathers what is wrong with them."""

    values: Mapping[str, Value]
    problems: list[Problem]

    def text(self, key: str, default: str = "") -> str:
        return self.values[key].text if key in self.values else default

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Read true or false, in any case."""
        word = self.text(key, str(default)).strip().lower()
        if word not in ("true", "false"):
            self._wrong(key, "it should be true or false")
        return word == "true"

    def port(self, key: str, default: int) -> int:
        text = self.text(key, str(default)).strip()
        if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and 0 < int(text) <= _MAX_PORT:
            return int(text)
        self._wrong(key, f"it should be a port, 1 to {_MAX_PORT}")
        return default

    def _wrong(self, key: str, message: str) -> None:
        self.problems.append(Problem(self.values[key].line, key, message))

    def check(self, source: str) -> None:
        """Raise `GameFileError` with all that was found wrong, if anything was."""
        if self.problems:
            raise GameFileError(source, tuple(sorted(self.problems, key=lambda problem: problem.line or 0)))
