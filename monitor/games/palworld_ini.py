r"""Palworld's `PalWorldSettings.ini`: one line, `OptionSettings=(Key=value,Key="text",Key=(a,b),…)`.

The keys are those of https://docs.palworldgame.com/settings-and-operation/configuration; a struct in parentheses and
a text in quotation marks, with `\"` and `\\` in it, is how Unreal Engine writes its values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from monitor.errors import Problem
from monitor.games.settings_text import NO_SECRET, Reading, Value, decode
from monitor.spec import Secret

FOLDER = "Pal/Saved/Config"
FILES = (f"{FOLDER}/LinuxServer/PalWorldSettings.ini", f"{FOLDER}/WindowsServer/PalWorldSettings.ini")

_READ = ("AdminPassword", "PublicPort", "RESTAPIEnabled", "RESTAPIPort", "RCONEnabled", "RCONPort")
"""Any other key may, in a broken file, be a piece of a password."""
_OPENING = re.compile(r"^[ \t]*OptionSettings[ \t]*=[ \t]*\(", re.MULTILINE)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|"|[(),]|[^"(),]+', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\])')


@dataclass(frozen=True, slots=True)
class PalworldSettings:
    """What `PalWorldSettings.ini` says of how a server is reached. A file with nothing in it means the defaults."""

    admin_password: Secret = NO_SECRET
    """Empty: neither the REST API nor RCON lets anybody in."""
    public_port: int = 8211
    """Told to other people; where the server listens is up to its command line."""
    rest: bool = False
    rest_port: int = 8212
    rcon: bool = False
    rcon_port: int = 25575


def read_palworld(data: bytes, source: str) -> PalworldSettings:
    """Read `PalWorldSettings.ini`. Unknown keys and missing ones are fine.

    Raises:
        GameFileError: with every problem found, each with its line and key.
    """
    values, problems = parse_options(decode(data, source))
    reading = Reading(values, problems)
    settings = PalworldSettings(
        admin_password=Secret(reading.text("AdminPassword")),
        public_port=reading.port("PublicPort", 8211),
        rest=reading.flag("RESTAPIEnabled"),
        rest_port=reading.port("RESTAPIPort", 8212),
        rcon=reading.flag("RCONEnabled"),
        rcon_port=reading.port("RCONPort", 25575),
    )
    reading.check(source)
    return settings


def parse_options(text: str) -> tuple[dict[str, Value], list[Problem]]:
    """Take the options apart: each key with its last value, quotation marks and escapes taken away."""
    opening = _OPENING.search(text)
    if opening is None:
        if "OptionSettings" in text:
            line = text[: text.index("OptionSettings")].count("\n") + 1
            return {}, [Problem(line, "OptionSettings", "it should be followed by =( and the settings")]
        return {}, []
    values: dict[str, Value] = {}
    problems: list[Problem] = []
    for line, setting, fault in _settings(text, opening.end()):
        key, equals, value = setting.partition("=")
        if fault:
            problems.append(Problem(line, key.strip() if equals and key.strip() in _READ else "", fault))
        elif equals:
            values[key.strip()] = Value(_plain(value.strip()), line)
        elif setting.strip():
            problems.append(Problem(line, "", "a setting should be written as Key=value"))
    return values, problems


def _settings(text: str, position: int) -> Iterator[tuple[int, str, str]]:
    """Cut at the commas that stand in no text and no inner parentheses: (line, setting, what is wrong with it)."""
    depth, setting, line = 1, "", 1
    for token in _TOKEN.finditer(text, position):
        piece = token[0]
        if not setting.strip():
            begins = token.start() + len(piece) - len(piece.lstrip())
            line = text.count("\n", 0, begins) + 1
        depth += (piece == "(") - (piece == ")")
        if piece == '"':
            yield line, setting, "its quotation mark is not closed"
            return
        if depth == 0 or (piece == "," and depth == 1):
            yield line, setting, ""
            setting = ""
        else:
            setting += piece
        if depth == 0:
            return
    yield line, setting, "the settings should end with a closing parenthesis"


def _plain(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        return _ESCAPE.sub(r"\1", value[1:-1])
    return value
