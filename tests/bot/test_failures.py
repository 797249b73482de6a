from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo.unavailable import DemoUnavailable
from bot.export import OutputFailed
from bot.failures import STORAGE, explain
from bot.lock import AlreadyRunning
from bot.settings import SettingsError
from monitor.errors import (
    BadArguments,
    BadValue,
    GameError,
    GameFileError,
    GamekeeperError,
    LaunchRefused,
    PathFault,
    PathRefused,
    PathRole,
    Problem,
    ServerExists,
    ServerFileError,
    StorageError,
    StorageFault,
    UnknownGame,
    UnknownServer,
    WrongState,
)
from monitor.limit_terms import LimitRefused, UnknownLimit
from monitor.quantities import BadHours, BadQuantity
from storage.export import ExportRefused

AT_THE_TERMINAL: list[GamekeeperError] = [
    AlreadyRunning(Path("/data")),
    DemoUnavailable("port 80 cannot be used (Permission denied): choose another with --port"),
    SettingsError(["DISCORD_TOKEN: it is missing"]),
    ServerFileError("servers.toml", (Problem(None, "", "it cannot be read: No such file or directory"),)),
    UnknownGame("doom", ("generic", "minecraft")),
    UnknownServer("dune"),
    OutputFailed("ark.csv", "Permission denied"),
    *(PathRefused(PathRole.FOLDER, "/srv/ark", fault) for fault in PathFault),
    *(StorageError(fault, "/data/gamekeeper.db") for fault in StorageFault),
]
ONLY_IN_DISCORD = {
    BadArguments,
    BadHours,
    BadQuantity,
    BadValue,
    GameFileError,
    ServerExists,
    ExportRefused,
    GameError,
    LaunchRefused,
    LimitRefused,
    UnknownLimit,
    WrongState,
}


def tree(kind: type[GamekeeperError]) -> Iterator[type[GamekeeperError]]:
    for below in kind.__subclasses__():
        if below.__module__.partition(".")[0] in ("bot", "storage", "monitor"):  # what cogs raises, cogs tells
            yield below
            yield from tree(below)


def test_every_error_there_is_has_its_place_here() -> None:
    importlib.import_module("bot.app")
    known = tuple({type(failure) for failure in AT_THE_TERMINAL} | ONLY_IN_DISCORD)
    assert [kind for kind in tree(GamekeeperError) if not issubclass(kind, known)] == []


def name(failure: GamekeeperError) -> str:
    fault = f"-{failure.fault}" if isinstance(failure, StorageError | PathRefused) else ""
    return f"{type(failure).__name__}{fault}"


@pytest.mark.parametrize("failure", AT_THE_TERMINAL, ids=name)
def test_what_can_be_met_at_a_terminal_is_told_in_a_sentence(failure: GamekeeperError) -> None:
    told = explain(failure)
    assert re.search(r"\w+ \w+ \w+", told)
    assert not re.search(r"None|\(<|Error\b|Fault\.", told)


def test_every_fault_of_the_database_comes_with_a_next_step() -> None:
    assert STORAGE.keys() == set(StorageFault)
    for words in STORAGE.values():
        assert re.search(r"\. [A-Z]\w+ [\w`]+|, or set ", words)
        assert not words.endswith(".")


def test_what_the_system_said_is_passed_on() -> None:
    assert explain(StorageError(StorageFault.FULL, "/data/gamekeeper.db", "disk I/O error")) == (
        "the database /data/gamekeeper.db cannot be used: the disk is full. Make room on it, then try again. "
        "(disk I/O error)"
    )


def test_a_servers_file_is_told_problem_by_problem() -> None:
    problems = (
        Problem(3, "servers[0].id", "it is missing"),
        Problem(None, "servers[1]", "it should be a table"),
        Problem(9, "", "not TOML: Expected '='"),
    )
    assert explain(ServerFileError("servers.toml", problems)).splitlines() == [
        "servers.toml was not taken:",
        "  line 3: servers[0].id: it is missing",
        "  servers[1]: it should be a table",
        "  line 9: not TOML: Expected '='",
    ]


def test_an_unknown_game_comes_with_the_known_ones() -> None:
    assert explain(UnknownGame("doom", ("generic", "minecraft"))) == (
        "no adapter is called doom. Known: generic, minecraft."
    )
