"""On which line of a TOML or JSON text a key stands. A scan for messages to people: near enough, never an error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]
"""Such as `("servers", 0, "restart", "policy")`."""

_LONGEST = 2_000
"""Characters of a line that are looked at."""
_HEADER = re.compile(r"""(\[{1,2})([\w.\-"' ]+)\]{1,2}\s*(?:#.*)?$""")
_KEY = re.compile(r"""([\w.\-"' ]+)=""")
_INLINE_KEY = re.compile(r"""[{,]\s*["']?([\w\-]+)["']?\s*=""")
_STRING = re.compile(r"""\"(?:\\.|[^"\\])*\"|'[^']*'""")
_MULTILINE = re.compile(r"'''|\"\"\"")
_JSON_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:\n]|[^\s{}\[\],:"]+')


def line_of(lines: Mapping[Path, int], path: Path) -> int | None:
    """Give the line of the key, or of the nearest thing round it that was found."""
    return next((lines[path[:length]] for length in range(len(path), 0, -1) if path[:length] in lines), None)


def toml_lines(text: str) -> dict[Path, int]:
    """Find the line, counted from 1, of each table and key."""
    found: dict[Path, int] = {}
    sizes: dict[Path, int] = {}
    table: Path = ()
    for number, line in _outside_multiline_strings(text):
        if header := _HEADER.match(line):
            table = _enter(sizes, _parts(header[2]), is_array=header[1] == "[[")
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            path = (*table, *_parts(key[1]))
            found.setdefault(path, number)
            for inline in _INLINE_KEY.findall(_STRING.sub("", line[key.end() :])):
                found.setdefault((*path, inline), number)
    return found


def _outside_multiline_strings(text: str) -> Iterator[tuple[int, str]]:
    inside = ""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()  # noqa: PLW2901 - indents mean nothing here
        if line.startswith("#") and not inside:
            continue
        if not inside:
            yield number, line[:_LONGEST]
        for quotes in _MULTILINE.findall(line):
            inside = "" if inside == quotes else inside or quotes


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip(" \"'") for part in dotted.split("."))


def _enter(sizes: dict[Path, int], names: tuple[str, ...], *, is_array: bool) -> Path:
    """Give the table that a header opens: the next of an array of tables, or a table inside the last one."""
    path: Path = ()
    for name in names[:-1]:
        path = (*path, name)
        if path in sizes:
            path = (*path, sizes[path] - 1)
    path = (*path, names[-1])
    if not is_array:
        return path
    sizes[path] = sizes.get(path, 0) + 1
    return (*path, sizes[path] - 1)


def json_lines(text: str) -> dict[Path, int]:
    """Find the line, counted from 1, of each key and each entry of an array. The text must be JSON."""
    found: dict[Path, int] = {}
    number = 1
    stack: list[str | int | None] = []
    """The path down to here; `None` stands for a key still to come."""
    for part in _JSON_TOKEN.findall(text):
        if part == "\n":
            number += 1
        elif part in ("}", "]"):
            stack.pop()
        elif part == ",":
            stack[-1] = stack[-1] + 1 if isinstance(stack[-1], int) else None
        elif part != ":":
            if stack and stack[-1] is None:
                stack[-1] = json.loads(part)
            found.setdefault(tuple(key for key in stack if key is not None), number)
            if part in ("{", "["):
                stack.append(None if part == "{" else 0)
    return found
