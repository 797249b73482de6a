"""A line of arguments as people type it, taken apart and put together again: alike on every system, with no shell.

Blanks separate, `'` and `"` hold together what has blanks in it, and a backslash is a backslash: Windows paths are
full of them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from monitor.errors import BadArguments

_PLAIN = re.compile(r"""[^\s'"]+""")


def split(line: str) -> tuple[str, ...]:
    """Take a line apart.

    Raises:
        BadArguments: a quotation mark is not closed, or there is a NUL character.
    """
    if "\0" in line:
        raise BadArguments
    words = shlex.shlex(line, posix=True, punctuation_chars=False)
    words.whitespace_split = True
    words.commenters = words.escape = ""
    try:
        return tuple(words)
    except ValueError as err:
        raise BadArguments from err


def join(words: Sequence[str]) -> str:
    """Give the line from which `split` makes the same words again."""
    return " ".join(word if _PLAIN.fullmatch(word) else _quoted(word) for word in words)


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '"\'"\'"') + '"'
