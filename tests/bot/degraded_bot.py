"""The whole bot, but for Discord, over a data folder that takes nothing: see tests/storage/scarce.py.

Usage: python -m tests.bot.degraded_bot SCENARIO FOLDER. It prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bot.app import DATABASE, gamekeeper
from bot.lock import only_one
from bot.settings import Settings, given_settings
from storage.database import Database
from storage.journal import Journal
from tests.bot.in_process import TEST, save, sleeper


def settings_of(folder: Path) -> Settings:
    return given_settings({"GAMEKEEPER_DATA_DIR": str(folder), "GAMEKEEPER_SAMPLE_INTERVAL_S": "1"})


def take_writing_away(folder: Path) -> None:
    """From now on; what the running game has open stays so."""
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)


def give_writing_back(folder: Path) -> None:
    subprocess.run(["umount", str(folder)], check=True)


async def read_only(folder: Path) -> dict[str, Any]:
    """A game was started, the bot ended, and the next one finds a folder that takes nothing."""
    await save(folder, sleeper(folder), sleeper(folder, "desert"))
    settings = settings_of(folder)
    async with gamekeeper(settings) as bot:
        first = (await bot.fleet.start("meadow", TEST)).process
    take_writing_away(folder)
    answer: dict[str, Any] = {}
    with only_one(folder):
        async with gamekeeper(settings) as bot:
            answer["servers"] = [(server.id, server.state.value) for server in bot.fleet.servers()]
            answer["adopted"] = bot.fleet.server("meadow").process == first
            answer["started"] = (await bot.fleet.start("desert", TEST)).state.value
            answer["log"] = bot.fleet.log("desert").path.is_relative_to(folder)
            for server_id in ("meadow", "desert"):
                stopped = await bot.fleet.stop(server_id, TEST, force=True)
                answer[server_id] = (stopped.state.value, stopped.last_exit and stopped.last_exit.verdict.value)
            give_writing_back(folder)
    async with gamekeeper(settings) as bot:
        answer["afterwards"] = [server.state.value for server in bot.fleet.servers()]
    async with await Database.open(folder / DATABASE) as db:
        answer["told"] = [stored.event.kind for stored in await Journal(db).events() if stored.event.alerts]
    return answer


SCENARIOS: dict[str, Callable[[Path], Awaitable[dict[str, Any]]]] = {read_only.__name__: read_only}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(SCENARIOS[sys.argv[1]](Path(sys.argv[2])))) + "\n")  # type: ignore[arg-type]
