"""Reads the file that describes servers, and says all that is wrong with it at once.

It is TOML, or the same in JSON, or the program list of an old monitor.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor.errors import Problem, ServerFileError
from monitor.filelines import Path as KeyPath
from monitor.filelines import json_lines, line_of, toml_lines
from monitor.oldmonitor import is_old, read_programs
from monitor.serverformat import TABLES, File, ServerEntry, in_words
from monitor.spec import (
    AdminEndpoint,
    Endpoint,
    HangPolicy,
    Priority,
    ReadyPolicy,
    RestartMode,
    RestartPolicy,
    Secret,
    ServerSpec,
    StopPolicy,
)

MAX_BYTES = 1024 * 1024
"""A file larger than this is refused unread."""

_JSON = re.compile(r"\s*(?:\{|\[\s*[{\]])")
"""A list of tables in TOML begins with two brackets, or a name in one."""
_SYNTAX_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class ServerFile:
    """What a servers file says."""

    servers: tuple[ServerSpec, ...]
    left_out: tuple[Problem, ...] = ()
    """What the list of an old monitor says besides, and no server of ours can have."""


def parse_servers(text: bytes | str, *, source: str, base: Path, adapters: Collection[str]) -> tuple[ServerSpec, ...]:
    """As `read_servers`, and only the servers."""
    return read_servers(text, source=source, base=base, adapters=adapters).servers


def read_servers(text: bytes | str, *, source: str, base: Path, adapters: Collection[str]) -> ServerFile:
    """Read the servers that a file describes, in its order.

    Args:
        text: TOML, or JSON when it begins as that does: the same in JSON, or the program list of an old monitor. A
            byte order mark and CRLF are fine.
        source: what to call the file in errors.
        base: the folder that a relative `cwd` starts from. The folder named need not exist yet: that is found out,
            and told, when the server is started.
        adapters: the games that are known.

    Raises:
        ServerFileError: with every problem found, each with its line and key. No password is in it.
    """
    content = _decode(text, source)
    as_json = _JSON.match(content) is not None
    raw = _parse_json(content, source) if as_json else _parse_toml(content, source)
    old = is_old(raw)
    entries, problems, left_out = _old(raw, adapters) if old else _ours(raw, adapters)
    lines = json_lines(content) if as_json else toml_lines(content)
    # Raised out here: the exceptions that are behind it hold the whole file, passwords and all.
    if problems:
        raise ServerFileError(source, _told(problems, lines))
    return ServerFile(tuple(_spec(entry, base) for entry in entries), _told(left_out, lines))


Told = list[tuple[KeyPath, str]]


def _ours(raw: object, adapters: Collection[str]) -> tuple[list[ServerEntry], Told, Told]:
    try:
        entries = File.model_validate(raw, context={"adapters": adapters}).servers
        problems: Told = []
    except ValidationError as err:
        entries = []
        problems = [(error["loc"], _words(error)) for error in err.errors(include_url=False, include_input=False)]
    return entries, problems + _repeated_ids(raw), []


def _old(raw: object, adapters: Collection[str]) -> tuple[list[ServerEntry], Told, Told]:
    found = read_programs(raw, adapters)
    return found.servers, found.problems, found.left_out


def _told(what: Told, lines: Mapping[KeyPath, int]) -> tuple[Problem, ...]:
    told = [Problem(line_of(lines, path), _dotted(path), message) for path, message in what]
    return tuple(sorted(told, key=lambda problem: problem.line or 0))


def _decode(text: bytes | str, source: str) -> str:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > MAX_BYTES:
        raise _refused(source, None, f"the file is larger than {MAX_BYTES // 1024} KiB")
    bad = _first_undecodable(data)
    if bad is not None:
        raise _refused(source, data.count(b"\n", 0, bad) + 1, "this is not UTF-8 text; save the file as UTF-8")
    return data.decode("utf-8-sig").replace("\r\n", "\n")


def _first_undecodable(data: bytes) -> int | None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as err:
        return err.start
    return None


def _refused(source: str, line: int | None, message: str) -> ServerFileError:
    return ServerFileError(source, (Problem(line, "", message),))


def _parse_toml(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        place = _SYNTAX_PLACE.search(str(err))
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        fault = _SYNTAX_PLACE.sub("", str(err))
    except RecursionError:
        line, fault = None, "it is nested too deeply"
    except ValueError:
        line, fault = None, "a number in it has too many digits"
    raise _refused(source, line, f"not TOML: {fault}")


def _parse_json(text: str, source: str) -> object:
    repeated: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(items)
        if len(table) < len(items):
            names = [name for name, _ in items]
            repeated.extend(name for name in table if names.count(name) > 1)
        return table

    line: int | None = None
    fault = ""
    parsed: object = None
    try:
        parsed = json.loads(text, object_pairs_hook=pairs)
        json.dumps(parsed, ensure_ascii=False).encode()
    except json.JSONDecodeError as err:
        line, fault = err.lineno, err.msg
    except RecursionError:
        fault = "it is nested too deeply"
    except UnicodeEncodeError:
        fault = "it holds half a character (a lone surrogate)"
    except ValueError:
        fault = "a number in it has too many digits"
    if repeated:
        fault = f"the key {repeated[0]} stands twice in one place"
    if fault:
        raise _refused(source, line, f"not JSON as it should be: {fault}")
    return parsed


def _repeated_ids(raw: object) -> Told:
    servers = raw.get("servers") if isinstance(raw, dict) else None
    first: dict[str, int] = {}
    problems: Told = []
    for index, entry in enumerate(servers if isinstance(servers, list) else ()):
        server_id = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(server_id, str) and first.setdefault(server_id, index) != index:
            message = f"servers[{first[server_id]}] has this id already; give each server its own"
            problems.append((("servers", index, "id"), message))
    return problems


def _words(error: ErrorDetails) -> str:
    path = error["loc"]
    if error["type"] == "missing" and path == ("servers",):
        return "there are no servers; each begins with [[servers]]"
    return _unknown_key(path) if error["type"] == "extra_forbidden" else in_words(error)


def _unknown_key(path: KeyPath) -> str:
    known = sorted(_model_at(path[:-1]).model_fields)
    likely = difflib.get_close_matches(str(path[-1]), known, n=1)
    hint = f"did you mean {likely[0]}?" if likely else f"the keys here are {', '.join(known)}"
    return f"there is no such key; {hint}"


def _model_at(path: KeyPath) -> type[BaseModel]:
    names = [part for part in path if isinstance(part, str)]
    return TABLES[names[-1]] if names else File


def _dotted(path: KeyPath) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def _spec(entry: ServerEntry, base: Path) -> ServerSpec:
    admin, query = entry.admin, entry.query
    codes = entry.clean_exit_codes
    return ServerSpec(
        id=entry.id,
        name=entry.name,
        game=entry.game,
        argv=tuple(entry.argv),
        cwd=Path(entry.cwd) if PureWindowsPath(entry.cwd).is_absolute() else (base / entry.cwd).absolute(),
        env=entry.env,
        autostart=entry.autostart,
        admin=AdminEndpoint(admin.host, admin.port, Secret(admin.password.get_secret_value())) if admin else None,
        query=Endpoint(query.host, query.port) if query else None,
        ready=ReadyPolicy(**entry.ready.model_dump()),
        stop=StopPolicy(**entry.stop.model_dump()),
        clean_exit_codes=None if codes is None else tuple(codes),
        restart=RestartPolicy(**{**entry.restart.model_dump(), "policy": RestartMode(entry.restart.policy)}),
        hang=HangPolicy(**entry.hang.model_dump()),
        priority=Priority(entry.priority),
        cpus=tuple(entry.cpus),
    )
