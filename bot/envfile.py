"""What the reader of `.env` files passes over in silence: lines it cannot read, and names that nothing reads."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from pathlib import Path

from dotenv.parser import Binding, parse_stream

_PREFIXES = ("DISCORD_", "GAMEKEEPER_")
_NAME = re.compile(r"[A-Z_]{1,40}")


class UnreadableFile(ValueError):
    """The file is there and nothing can be made of it; `str()` says why."""


def file_problems(env_file: Path, known: Collection[str]) -> list[str]:
    """Find what the reader of `.env` files would pass over in silence; a file that is not there has no problem.

    Raises:
        UnreadableFile: it cannot be read at all.
    """
    return [problem for binding in _bindings(env_file) if (problem := _line_problem(env_file, binding, known))]


def _bindings(env_file: Path) -> list[Binding]:
    try:
        with env_file.open(encoding="utf-8-sig") as stream:
            return list(parse_stream(stream))
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        # Not `from err`: the error holds the bytes, and with them the token.
        raise UnreadableFile(f"{env_file}: it is not UTF-8 text. Save it again with that encoding") from None
    except OSError as err:
        raise UnreadableFile(f"{env_file}: it cannot be read ({err.strerror})") from err


def _line_problem(env_file: Path, binding: Binding, known: Collection[str]) -> str | None:
    where = f"{env_file} line {binding.original.line}"
    name = (binding.key or "").upper()
    ours = name.startswith(_PREFIXES)
    # A name is quoted only when it can be nothing else: `DISCORD_TOKEN: …` makes a name with the token in it.
    if binding.error or (binding.value is None and ours) or (ours and not _NAME.fullmatch(name)):
        return f"{where}: it is not NAME=value"
    if name in known or binding.value is None:
        return None
    likely = difflib.get_close_matches(name, known, n=1, cutoff=0.75 if ours else 0.85)
    if likely:
        return f"{where}: there is no setting {name}. Did you mean {likely[0]}?"
    return f"{where}: there is no setting {name}. .env.example has them all" if ours else None
