"""What a game's own files say of how it is reached and stopped, put in where a server's description says nothing.

Read at each start, so that a password changed in the game's file counts. What the description says always wins.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import structlog

from monitor.errors import GameFileError, Problem
from monitor.games.guess import MINECRAFT, PALWORLD, guess
from monitor.games.palworld_ini import FILES, PalworldSettings, read_palworld
from monitor.games.properties import FILE, MinecraftSettings, read_minecraft
from monitor.games.settings_text import MAX_BYTES
from monitor.spec import AdminEndpoint, Endpoint, ReadyPolicy, Secret, ServerSpec, StopPolicy, fill

log = structlog.get_logger(__name__)

GENERIC = "generic"
LOCALHOST = "127.0.0.1"
MOST_NAMES = 5_000
"""So many names of a folder are looked at."""


class Caveat(StrEnum):
    """Why less is possible than could be, and what to change in the game's own file."""

    NO_FILE = "no_file"
    """The game has not written its settings file yet."""
    RCON_OFF = "rcon_off"
    NO_PASSWORD = "no_password"  # noqa: S105  # the want of one
    """RCON is on and has no password, so it lets nobody in."""
    NO_ADAPTER = "no_adapter"
    """The game is known by its files alone, and is looked after as any program is."""


@dataclass(frozen=True, slots=True)
class OwnSettings:
    """What was found."""

    game: str
    file: Path | None = None
    admin: AdminEndpoint | None = None
    query: Endpoint | None = None
    ready: ReadyPolicy = field(default_factory=ReadyPolicy)
    stop: StopPolicy = field(default_factory=StopPolicy)
    """`ready` and `stop` are for a game that has no adapter of its own."""
    caveats: tuple[Caveat, ...] = ()


def _rcon_caveat(on: bool, password: Secret) -> tuple[Caveat, ...]:  # noqa: FBT001
    """Say why there is no RCON to be had; nothing where there is."""
    if not on:
        return (Caveat.RCON_OFF,)
    return () if password.reveal() else (Caveat.NO_PASSWORD,)


def of_minecraft(settings: MinecraftSettings) -> OwnSettings:
    """Word Minecraft's settings as a server's. RCON listens where the game does."""
    host = settings.server_ip or LOCALHOST
    caveat = _rcon_caveat(settings.rcon, settings.rcon_password)
    return OwnSettings(
        MINECRAFT,
        admin=None if caveat else AdminEndpoint(host, settings.rcon_port, settings.rcon_password),
        query=Endpoint(host, settings.server_port),
        ready=ReadyPolicy(log=r"Done \("),
        stop=StopPolicy(command="stop", save="save-all flush", saved_log="Saved the game"),
        caveats=caveat,
    )


def of_palworld(settings: PalworldSettings) -> OwnSettings:
    """Word Palworld's settings as a server's, by RCON: what its REST API can do is for an adapter of its own."""
    caveat = _rcon_caveat(settings.rcon, settings.admin_password)
    if caveat:
        return OwnSettings(PALWORLD, caveats=caveat)
    admin = AdminEndpoint(LOCALHOST, settings.rcon_port, settings.admin_password)
    return OwnSettings(PALWORLD, admin=admin, stop=StopPolicy(command="Shutdown 1", save="Save"))


def _minecraft_of(data: bytes, source: str) -> OwnSettings:
    return of_minecraft(read_minecraft(data, source))


def _palworld_of(data: bytes, source: str) -> OwnSettings:
    return of_palworld(read_palworld(data, source))


@dataclass(frozen=True, slots=True)
class _Reader:
    files: tuple[str, ...]
    """Below the server's folder; the first that is there is read."""
    read: Callable[[bytes, str], OwnSettings]


_READERS: Mapping[str, _Reader] = {
    MINECRAFT: _Reader((FILE,), _minecraft_of),
    PALWORLD: _Reader(FILES if sys.platform != "win32" else FILES[::-1], _palworld_of),
}


def find_own(spec: ServerSpec) -> OwnSettings | None:
    """Look into a server's folder; `None`: its game is none whose files are known. Blocking, short.

    Raises:
        GameFileError: the file is there and cannot be read, or is not as it should be.
    """
    game = guess(names_in(spec.cwd)) if spec.game == GENERIC else spec.game
    reader = _READERS.get(game or "")
    if game is None or reader is None:
        return None
    lone = (Caveat.NO_ADAPTER,) if spec.game == GENERIC else ()
    # pathlib's own would raise what it is told of a folder that may not be looked into.
    path = next((spec.cwd / name for name in reader.files if os.path.isfile(spec.cwd / name)), None)  # noqa: PTH113
    if path is None:
        return OwnSettings(game, caveats=(*lone, Caveat.NO_FILE))
    own = reader.read(_read(path), str(path))
    return replace(own, file=path, caveats=(*lone, *own.caveats))


def filled(spec: ServerSpec, own: OwnSettings) -> ServerSpec:
    """Put in what the description leaves out. Pure."""
    spec = replace(spec, admin=spec.admin or own.admin, query=spec.query or own.query)
    if spec.game != GENERIC:
        return spec
    told_how = spec.stop.command is not None or spec.stop.signal is not None
    stop = replace(own.stop, command=None) if told_how else own.stop
    if spec.stop.save is not None or spec.stop.saved_file is not None:
        # What proves that one command has saved does not prove it of another.
        stop = replace(stop, saved_log=None)
    return replace(spec, stop=fill(spec.stop, stop), ready=fill(spec.ready, own.ready))


def names_in(folder: Path) -> list[str]:
    """Give what is in a folder; nothing where that cannot be told. Blocking, short."""
    try:
        return [path.name for path, _ in zip(folder.iterdir(), range(MOST_NAMES), strict=False)]
    except OSError:
        return []


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as err:
        raise GameFileError(str(path), (Problem(None, "", f"it cannot be read: {err.strerror}"),)) from err


def outfitted(spec: ServerSpec, hide: Callable[[Sequence[str]], None] = lambda _secrets: None) -> ServerSpec:
    """Give the description with what the game's own files say, as they are at this moment. Blocking, short.

    A file that cannot be understood is logged, and a start goes on without it. `hide` is told the password found,
    before anybody uses it.
    """
    try:
        own = find_own(spec)
    except GameFileError as wrong:
        log.warning("game_file_not_read", server=spec.id, file=wrong.source, problems=wrong.problems)
        own = None
    if own is None:
        return spec
    if own.admin is not None:
        hide([own.admin.password.reveal()])
    return filled(spec, own)
