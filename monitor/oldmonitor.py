"""The program list of the monitor that gamekeeper takes the place of, as servers of ours.

It is JSON: objects with a name, the path of a program, its arguments and whether to restart it, in a list by itself
or under `programs`. Many spellings of the keys are known; what they hold is read strictly. Whatever else there is, is
left out, and told by its key alone: it may be a secret, as the address of a webhook is.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Annotated

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from monitor import windows_line
from monitor.filelines import Path as KeyPath
from monitor.games.guess import guess
from monitor.serverformat import ID_AT_MOST, Argument, Name, ServerEntry, in_words

LISTS = ("programs", "program_list", "processes")
"""The key under which the list stands, where it does not stand by itself."""
FALLBACK_ID = "server"

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")

Told = tuple[KeyPath, str]
"""Where something stands in the file, and what is to be said of it."""


def _unquoted(value: object) -> object:
    """Explorer copies a path with quotation marks round it."""
    return value.strip().strip('"') if isinstance(value, str) else value


def _whole_path(value: str) -> str:
    whole = PureWindowsPath(value).is_absolute() or PurePosixPath(value).is_absolute()
    if not (whole and value.isprintable()):
        raise ValueError(r"it should be a whole path, such as C:\Games\PalServer.exe")
    return value


def _arguments(value: object, info: ValidationInfo) -> object:
    """Take a line apart as the system on which the path makes sense does."""
    if value is None:
        return []
    if isinstance(value, list):
        return [str(each) if type(each) in (int, float) else each for each in value]
    if not isinstance(value, str):
        raise ValueError("it should be a line of arguments, or a list of them")  # noqa: TRY004 - pydantic's way
    return list(_split(value, posix=info.data.get("path", "").startswith("/")))


def _split(line: str, *, posix: bool) -> tuple[str, ...]:
    if not posix:
        return windows_line.split(line)
    try:
        return tuple(shlex.split(line))
    except ValueError as err:
        raise ValueError("it should have an end to each quotation mark that begins") from err


Whole = Annotated[str, Field(max_length=1_000), BeforeValidator(_unquoted), AfterValidator(_whole_path)]


class _Program(BaseModel):
    """One entry of the list, its keys in small letters with _ between the words."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    name: Annotated[Name, Field(validation_alias=AliasChoices("name", "program_name", "title"))]
    path: Annotated[
        Whole,
        Field(validation_alias=AliasChoices("path", "program_path", "exe_path", "exe", "executable", "file_path")),
    ]
    arguments: Annotated[
        list[Argument],
        Field(max_length=999, validation_alias=AliasChoices("args", "arguments", "parameters", "params")),
        BeforeValidator(_arguments),
    ] = []
    folder: Annotated[
        Whole | None, Field(validation_alias=AliasChoices("cwd", "working_dir", "working_directory", "workdir"))
    ] = None
    restarts: Annotated[bool | None, Field(validation_alias=AliasChoices("auto_restart", "autorestart"))] = None
    starts: Annotated[bool | None, Field(validation_alias=AliasChoices("auto_start", "autostart"))] = None


@dataclass(slots=True)
class Programs:
    """What was found in such a list."""

    servers: list[ServerEntry] = field(default_factory=list)
    problems: list[Told] = field(default_factory=list)
    left_out: list[Told] = field(default_factory=list)


def is_old(raw: object) -> bool:
    """Whether this is such a list, and no servers file."""
    return isinstance(raw, list) or (isinstance(raw, dict) and "servers" not in raw and _list_key(raw) is not None)


def read_programs(raw: object, adapters: Collection[str]) -> Programs:
    """Take every program of the list, or say all that is wrong with it; then the servers are not to be used."""
    found = Programs()
    key = _list_key(raw) if isinstance(raw, dict) else None
    if isinstance(raw, dict) and key is not None:
        found.left_out += [((other,), _why_left_out(other)) for other in raw if other != key]
    where: KeyPath = () if key is None else (key,)
    entries = list(_entries(raw if key is None else raw[key], where))  # type: ignore[index]
    if not entries:
        found.problems.append((where, "there are no programs in it: it should be a list of them"))
    ids: set[str] = set()
    for place, entry in entries:
        _read_program(place, entry, found, adapters, ids)
    return found


def _list_key(raw: Mapping[str, object]) -> str | None:
    return next((key for key in raw if _plain(key) in LISTS), None)


def _entries(programs: object, where: KeyPath) -> Iterator[tuple[KeyPath, object]]:
    """Give each program and where it stands; the key of one in an object is its name."""
    match programs:
        case list():
            yield from (((*where, index), entry) for index, entry in enumerate(programs))
        case dict():
            for name, entry in programs.items():
                yield (*where, name), {"name": name, **entry} if isinstance(entry, dict) else entry


def _read_program(where: KeyPath, entry: object, found: Programs, adapters: Collection[str], ids: set[str]) -> None:
    if not isinstance(entry, dict):
        found.problems.append((where, "it should be a program: an object with a name and a path"))
        return
    spelled = {_plain(key): key for key in reversed(entry)}
    try:
        program = _Program.model_validate({plain: entry[key] for plain, key in spelled.items()})
    except ValidationError as err:
        for error in err.errors(include_url=False, include_input=False):
            first, *rest = error["loc"]
            found.problems.append(((*where, spelled.get(str(first), first), *rest), in_words(error)))
        return
    kept = {spelled[plain] for plain in spelled if plain not in (program.model_extra or {})}
    found.left_out += [((*where, key), _why_left_out(key)) for key in entry if key not in kept]
    found.servers.append(_server(program, adapters, ids))


def _server(program: _Program, adapters: Collection[str], ids: set[str]) -> ServerEntry:
    windows = PureWindowsPath(program.path).is_absolute()
    path: PurePath = PureWindowsPath(program.path) if windows else PurePosixPath(program.path)
    game = guess([path.name])
    server: dict[str, object] = {
        "id": id_of(program.name, path.stem, ids),
        "name": program.name,
        "game": game if game in adapters else "generic",
        "argv": [program.path, *program.arguments],
        "cwd": program.folder or str(path.parent),
        "autostart": bool(program.starts),
    }
    if program.restarts is not None:
        server["restart"] = {"policy": "always" if program.restarts else "never"}
    ids.add(str(server["id"]))
    return ServerEntry.model_validate(server, context={"adapters": adapters})


def id_of(name: str, stem: str, taken: Collection[str]) -> str:
    """Make an id that is not taken: of the name, else of the program's, where there are letters for it."""
    made = _slug(name) or _slug(stem) or FALLBACK_ID
    tried, number = made, 1
    while tried in taken:
        number += 1
        tried = f"{made[: ID_AT_MOST - len(str(number)) - 1].rstrip('-')}-{number}"
    return tried


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_IDS.sub("-", plain).strip("-")[:ID_AT_MOST].rstrip("-")


def _plain(key: str) -> str:
    """How a key is known, however it is spelled: `autoRestart`, `Auto-Restart` and `AUTO_RESTART` are one."""
    return _HUMP.sub("_", key.strip()).replace("-", "_").replace(" ", "_").lower()


def _why_left_out(key: str) -> str:
    plain = _plain(key)
    if "webhook" in plain or "discord" in plain:
        return "not taken, for whoever knows it can write there: add it by /alerts add"
    if "password" in plain or "rcon" in plain:
        return "not taken: tell it as admin in a servers file"
    return "not taken: gamekeeper needs no such thing"
