"""Minecraft's `server.properties`.

The format is that of Java's `Properties.load` (https://docs.oracle.com/javase/8/docs/api/java/util/Properties.html);
the keys are those of https://minecraft.wiki/w/Server.properties.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from monitor.errors import Problem
from monitor.games.settings_text import NO_SECRET, Reading, Value, decode
from monitor.spec import Secret

FILE = "server.properties"

_BLANKS = " \t\f"
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|u|.|\Z)", re.DOTALL)
_KEY = re.compile(r"(?:\\.|[^\\=: \t\f])*", re.DOTALL)
_BETWEEN = re.compile(r"[ \t\f]*[=:]?[ \t\f]*")


@dataclass(frozen=True, slots=True)
class MinecraftSettings:
    """What `server.properties` says of how a server is reached."""

    server_ip: str = ""
    """Empty: every address of the machine."""
    server_port: int = 25565
    rcon: bool = False
    rcon_port: int = 25575
    rcon_password: Secret = NO_SECRET
    """Empty: RCON is off, whatever else is said."""
    query: bool = False
    query_port: int = 25565


def read_minecraft(data: bytes, source: str) -> MinecraftSettings:
    """Read `server.properties`. Unknown keys and missing ones are fine.

    Raises:
        GameFileError: with every problem found, each with its line and key.
    """
    values, problems = parse_properties(decode(data, source))
    reading = Reading(values, problems)
    port = reading.port("server-port", 25565)
    settings = MinecraftSettings(
        server_ip=reading.text("server-ip").strip(),
        server_port=port,
        rcon=reading.flag("enable-rcon"),
        rcon_port=reading.port("rcon.port", 25575),
        rcon_password=Secret(reading.text("rcon.password")),
        query=reading.flag("enable-query"),
        query_port=reading.port("query.port", 25565),
    )
    reading.check(source)
    return settings


def parse_properties(text: str) -> tuple[dict[str, Value], list[Problem]]:
    """Take properties apart: each key with its last value, and the escapes that Java would refuse."""
    values: dict[str, Value] = {}
    problems: list[Problem] = []
    for line, logical in _logical_lines(text):
        written = _KEY.match(logical)
        key = written[0] if written else ""
        between = _BETWEEN.match(logical, len(key))
        rest = logical[between.end() if between else len(key) :]
        try:
            values[_unescaped(key)] = Value(_unescaped(rest), line)
        except ValueError:
            problems.append(Problem(line, "", r"\u should be followed by four hexadecimal digits"))
    return values, problems


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Join what a backslash at its end continues; leave out comments and empty lines."""
    pending: list[str] = []
    begins = 0
    for number, natural in enumerate(text.split("\n"), 1):
        line = natural.lstrip(_BLANKS)
        if not pending:
            if not line or line[0] in "#!":
                continue
            begins = number
        if _continues(line):
            pending.append(line[:-1])
        else:
            yield begins, "".join((*pending, line))
            pending = []
    if pending:
        yield begins, "".join(pending)


def _continues(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _unescaped(text: str) -> str:
    def one(escape: re.Match[str]) -> str:
        what = escape[1]
        if what == "u":
            raise ValueError
        if len(what) > 1:
            return chr(int(what[1:], 16))
        return _ESCAPES.get(what, what)

    # Java writes a character beyond the first 65,536 as two escapes.
    return _ESCAPE.sub(one, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
