"""`gamekeeper server`: the servers in the database, without Discord. What is changed is written to the audit."""

from __future__ import annotations

import asyncio
import getpass
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.app import BACKUPS, DATABASE
from bot.failures import told
from bot.lock import only_one
from bot.settings import Settings, readable_by_all
from monitor.changes import changes, masked, secrets_in
from monitor.drafting import Draft, spec_of_draft
from monitor.errors import GameFileError, Problem, ServerFileError, UnknownGame
from monitor.games.own_files import find_own
from monitor.games.registry import ADAPTERS
from monitor.local.clock import SystemClock
from monitor.model import Actor, ActorKind
from monitor.paths import homeless, place_problems
from monitor.serverfile import MAX_BYTES, read_servers
from monitor.spec import ServerSpec
from storage.audit import ALLOWED, Audit, AuditEntry, AuditOutcome
from storage.backup import Backups
from storage.database import Database
from storage.opening import open_for_command
from storage.servers import Servers

LATER = "They are looked after from the next `gamekeeper run` on."

Make = Callable[[Sequence[ServerSpec]], Sequence[ServerSpec]]
"""Makes what is to be saved from what there is."""


def add_server(settings: Settings, draft: Draft) -> int:
    """Take one new server into the database.

    Raises:
        PathRefused: its folder or its program may not be that, and why.
        UnknownGame: there is no such game.
        AlreadyRunning: a bot is running on the same data folder.
        StorageError: the database cannot be used.
    """
    if draft.game and draft.game not in ADAPTERS:
        raise UnknownGame(draft.game, tuple(sorted(ADAPTERS)))

    def make(known: Sequence[ServerSpec]) -> Sequence[ServerSpec]:
        taken = {spec.id for spec in known}
        return [spec_of_draft(draft, taken=taken, adapters=ADAPTERS.keys(), roots=settings.allowed_roots)]

    with only_one(settings.data_dir):
        [spec] = asyncio.run(_save(settings, "gamekeeper server add", make))
    print(f"Took {spec.id}: {spec.name}, {spec.game}, {spec.cwd}, {shlex.join(masked(spec.argv))}")
    for line in _found(spec):
        print(line)
    print(LATER)
    return 0


def import_servers(settings: Settings, file: Path) -> int:
    """Take every server of a file into the database; those with a known id are replaced, the others stay.

    Raises:
        ServerFileError: something in the file is wrong; nothing was taken.
        AlreadyRunning: a bot is running on the same data folder.
        StorageError: the database cannot be used.
    """
    said = read_servers(_read(file), source=str(file), base=file.resolve().parent, adapters=ADAPTERS.keys())
    problems = place_problems(said.servers, settings.allowed_roots)
    if problems:
        raise ServerFileError(str(file), problems)
    with only_one(settings.data_dir):
        asyncio.run(_save(settings, "gamekeeper server import", lambda _known: said.servers))
    print(f"Took {len(said.servers)} from {file}: {', '.join(spec.id for spec in said.servers)}")
    for problem in said.left_out:
        print(told(problem))
    for spec in homeless(said.servers):
        print(f"{spec.id}: its folder {spec.cwd} is not there. A start is refused until it is.")
    if readable_by_all(file) and any(secret for spec in said.servers for secret in secrets_in(spec)):
        print(f"{file} holds passwords and can be read by every user of this machine. Run: chmod 600 {file}")
    print(LATER)
    return 0


def list_servers(settings: Settings) -> int:
    """Print each server's id, game, folder and command, without passwords."""
    with only_one(settings.data_dir):
        specs = asyncio.run(_all(settings))
    if not specs:
        print("There are no servers yet. Take some from a file: gamekeeper server import servers.toml")
    for spec in specs:
        print(f"{spec.id}  {spec.game}  {spec.cwd}  {' '.join(masked(spec.argv))}")
    return 0


def _found(spec: ServerSpec) -> list[str]:
    """What the game's own files add, without the password."""
    try:
        own = find_own(spec)
    except GameFileError as wrong:
        return [f"{wrong.source} cannot be understood:", *map(told, wrong.problems)]
    if own is None:
        return []
    ports = [f"admin port {own.admin.port}, with its password"] if own.admin is not None else []
    ports += [f"port for players {own.query.port}"] if own.query is not None else []
    lines = [f"{own.file}: {', '.join(ports)}"] if ports else []
    return [f"It looks like {own.game}.", *lines]


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as err:
        raise ServerFileError(str(file), (Problem(None, "", f"it cannot be read: {err.strerror}"),)) from err


async def _save(settings: Settings, entry: str, make: Make) -> Sequence[ServerSpec]:
    """Write down what is about to be done, then do it, then what came of it."""
    async with await _opened(settings) as db:
        servers, audit = Servers(db), Audit(db)
        known = {spec.id: spec for spec in await servers.all()}
        specs = make(tuple(known.values()))
        ids = ", ".join(spec.id for spec in specs)
        at_ms = SystemClock().now_ms()
        audit_id = await audit.begin(
            AuditEntry(at_ms, _somebody(), entry, ALLOWED, arguments={"servers": ids}, allowed_by="command line")
        )
        await servers.save(specs)
        lines = [f"{spec.id}: {line}" for spec in specs for line in changes(known.get(spec.id), spec)]
        await audit.finish(audit_id, AuditOutcome("done", "\n".join(lines)))
        return specs


async def _all(settings: Settings) -> Sequence[ServerSpec]:
    async with await _opened(settings) as db:
        return await Servers(db).all()


async def _opened(settings: Settings) -> Database:
    backups = Backups(settings.data_dir / BACKUPS, settings.backups_kept)
    return await open_for_command(settings.data_dir / DATABASE, backups, SystemClock().now_ms())


def _somebody() -> Actor:
    """Who sits at the terminal, as the system calls them."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = "?"
    return Actor(ActorKind.COMMAND_LINE, name, name)
