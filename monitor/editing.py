"""Changes of a description, from the texts that somebody typed over the old ones. What is not typed over stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from monitor import arguments
from monitor.changes import MASK, masked
from monitor.drafting import LONGEST_NAME, unquoted
from monitor.errors import BadValue
from monitor.paths import folder_of, program_of
from monitor.spec import AdminEndpoint, Endpoint, RestartMode, Secret, ServerSpec

LOCALHOST = "127.0.0.1"
MOST = 1_000
MAX_PORT = 65_535
DIGITS_AT_MOST = 9
"""Of a number that is typed: more are none that is taken, whatever zeros they begin with."""


@dataclass(frozen=True, slots=True)
class Basics:
    """What concerns no path, no program and no password."""

    name: str
    autostart: bool
    restart: RestartMode
    budget: str
    probes: str


@dataclass(frozen=True, slots=True)
class Program:
    """What reaches the host."""

    program: str
    arguments: str
    """With passwords masked, as `shown_arguments` gives them."""
    folder: str


@dataclass(frozen=True, slots=True)
class Connection:
    """How the game is reached. What is left empty comes from the game's own files."""

    host: str
    port: str
    password: str
    """Empty: as it was."""
    query_port: str
    stop_command: str


def with_basics(spec: ServerSpec, typed: Basics) -> ServerSpec:
    """Put it in.

    Raises:
        BadValue: one of the numbers is none.
    """
    name = "".join(c for c in " ".join(typed.name.split()) if c.isprintable())[:LONGEST_NAME]
    restart = replace(spec.restart, policy=typed.restart, budget=_number("restart.budget", typed.budget, 0, MOST))
    hang = replace(spec.hang, probes=_number("hang.probes", typed.probes, 0, MOST))
    return replace(spec, name=name or spec.name, autostart=typed.autostart, restart=restart, hang=hang)


def with_program(spec: ServerSpec, typed: Program, roots: Sequence[Path]) -> ServerSpec:
    """Put it in. Blocking, short.

    Raises:
        PathRefused: the folder or the program may not be that, and why.
        BadArguments: the arguments cannot be taken apart.
    """
    cwd = folder_of(unquoted(typed.folder), roots)
    program = program_of(unquoted(typed.program), cwd, roots)
    return replace(spec, cwd=cwd, argv=(program, *_unmasked(arguments.split(typed.arguments), spec.argv)))


def with_connection(spec: ServerSpec, typed: Connection) -> ServerSpec:
    """Put it in.

    Raises:
        BadValue: a port is none, a host is none, or the password is missing.
    """
    stop = replace(spec.stop, command=typed.stop_command.strip() or None)
    return replace(spec, admin=_admin(spec.admin, typed), query=_query(spec.query, typed), stop=stop)


def shown_arguments(spec: ServerSpec) -> str:
    """Give the line of arguments for a form: a form is seen by whoever looks over a shoulder."""
    return arguments.join(masked(spec.argv)[1:])


def _admin(before: AdminEndpoint | None, typed: Connection) -> AdminEndpoint | None:
    host, port = typed.host.strip(), typed.port.strip()
    if not host and not port:
        return None
    host = host or LOCALHOST
    if not host.isprintable() or any(c.isspace() or c in "/@" for c in host):
        raise BadValue("admin.host")
    password = Secret(typed.password) if typed.password else before.password if before else None
    if password is None:
        raise BadValue("admin.password")
    return AdminEndpoint(host, _number("admin.port", port, 1, MAX_PORT), password)


def _query(before: Endpoint | None, typed: Connection) -> Endpoint | None:
    if not typed.query_port.strip():
        return None
    host = before.host if before is not None else LOCALHOST
    return Endpoint(host, _number("query.port", typed.query_port, 1, MAX_PORT))


def _number(key: str, text: str, lowest: int, highest: int) -> int:
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= DIGITS_AT_MOST and lowest <= int(text) <= highest:
        return int(text)
    raise BadValue(key, lowest, highest)


def _unmasked(typed: Sequence[str], before: Sequence[str]) -> tuple[str, ...]:
    """Give each masked word the value that it had: behind the same option, else in the order in which they stood."""
    shown = masked(before)[1:]
    hidden = [(*seen, word) for *seen, word in zip(("", *shown), shown, before[1:], strict=False) if MASK in seen[1]]
    words = list(typed)
    for same_option in (True, False):
        for index, seen in enumerate(pairwise(("", *typed))):
            known = (h for h in hidden if h[:2] == seen or (not same_option and h[1] == seen[1]))
            if words[index] == seen[1] and (found := next(known, None)) is not None:
                hidden.remove(found)
                words[index] = found[2]
    return tuple(words)
