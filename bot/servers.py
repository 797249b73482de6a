"""`gamekeeper server`: the servers in the database, without Discord."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bot.app import DATABASE
from bot.failures import told
from bot.lock import only_one
from bot.settings import Settings
from monitor.errors import Problem, ServerFileError
from monitor.games.registry import ADAPTERS
from monitor.serverfile import MAX_BYTES, read_servers
from monitor.spec import ServerSpec
from storage.database import Database
from storage.servers import Servers


def import_servers(settings: Settings, file: Path) -> int:
    """Take every server of a file into the database; those with a known id are replaced, the others stay.

    Raises:
        ServerFileError: something in the file is wrong; nothing was taken.
        AlreadyRunning: a bot is running on the same data folder.
        StorageError: the database cannot be used.
    """
    said = read_servers(_read(file), source=str(file), base=file.resolve().parent, adapters=ADAPTERS.keys())
    with only_one(settings.data_dir):
        asyncio.run(_save(settings, said.servers))
    print(f"Took {len(said.servers)} from {file}: {', '.join(spec.id for spec in said.servers)}")
    for problem in said.left_out:
        print(told(problem))
    print("They are looked after from the next `gamekeeper run` on.")
    return 0


def list_servers(settings: Settings) -> int:
    """Print each server's id, game, folder and command."""
    with only_one(settings.data_dir):
        specs = asyncio.run(_all(settings))
    if not specs:
        print("There are no servers yet. Take some from a file: gamekeeper server import servers.toml")
    for spec in specs:
        print(f"{spec.id}  {spec.game}  {spec.cwd}  {' '.join(spec.argv)}")
    return 0


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as err:
        raise ServerFileError(str(file), (Problem(None, "", f"it cannot be read: {err.strerror}"),)) from err


async def _save(settings: Settings, specs: Sequence[ServerSpec]) -> None:
    async with await Database.open(settings.data_dir / DATABASE) as db:
        await Servers(db).save(specs)


async def _all(settings: Settings) -> Sequence[ServerSpec]:
    async with await Database.open(settings.data_dir / DATABASE) as db:
        return await Servers(db).all()
