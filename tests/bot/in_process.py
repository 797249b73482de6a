"""The bot in the test's own process: everything `gamekeeper run` builds, connected to the stand-in."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.app import DATABASE, Gamekeeper, gamekeeper
from bot.connection import stay_connected
from bot.settings import Settings, given_settings
from monitor.events import ServerCrashed
from monitor.game import GameFactory
from monitor.games.registry import ADAPTERS
from monitor.model import Actor, ActorKind, State
from monitor.ports import Clock
from monitor.spec import ServerSpec
from storage.database import Database
from storage.servers import Servers
from tests.bot.place import Place
from tests.fakes.waiting import PATIENCE_S, until

SLEEPER = (
    sys.executable,
    "-c",
    "import signal; signal.alarm(100); print('meadow is up', flush=True); signal.pause()",
)
"""A game of few words that ends by SIGTERM, or by itself when a test has forgotten it."""
TEST = Actor(ActorKind.COMMAND_LINE, "test", "test")


def sleeper(folder: Path, server_id: str = "meadow", **more: Any) -> ServerSpec:
    plain: dict[str, Any] = {"name": server_id.title(), "game": "generic", "argv": SLEEPER, "cwd": folder}
    return ServerSpec(id=server_id, **(plain | more))


async def save(data_dir: Path, *specs: ServerSpec) -> None:
    async with await Database.open(data_dir / DATABASE) as db:
        await Servers(db).save(specs)


@dataclass(frozen=True, slots=True)
class Running:
    """The bot at work in a place."""

    bot: Gamekeeper
    place: Place
    connection: asyncio.Task[None]
    """Ends by itself only where Discord has refused the bot."""

    async def online(self) -> None:
        await asyncio.wait_for(self.bot.client.online.wait(), PATIENCE_S)

    def pid(self, server_id: str = "meadow") -> int:
        process = self.bot.fleet.server(server_id).process
        assert process is not None
        return process.pid

    async def start(self, server_id: str = "meadow") -> int:
        """Start a server without asking Discord, and give its pid."""
        await self.bot.fleet.start(server_id, TEST)
        return self.pid(server_id)

    async def up(self, server_id: str = "meadow") -> None:
        """Wait until a server runs: what happens to it from then on is an incident of its own."""
        await until(lambda: self.bot.fleet.server(server_id).state is State.RUNNING)

    async def kill(self, server_id: str = "meadow") -> ServerCrashed:
        """Kill a server's process once it is up, and give the event once it is on the disk."""
        await self.up(server_id)
        crashed: asyncio.Future[ServerCrashed] = asyncio.get_running_loop().create_future()
        self.bot.bus.listen(
            lambda _, event: (
                crashed.set_result(event) if isinstance(event, ServerCrashed) and not crashed.done() else None
            )
        )
        os.kill(self.pid(server_id), signal.SIGKILL)
        return await asyncio.wait_for(crashed, PATIENCE_S)


def settings_in(place: Place, data_dir: Path, **more: str) -> Settings:
    return given_settings({**place.variables(data_dir), **more})


@asynccontextmanager
async def running(
    place: Place,
    settings: Settings,
    *,
    adapters: Mapping[str, GameFactory] = ADAPTERS,
    clock: Clock | None = None,
    token: str | None = None,
) -> AsyncIterator[Running]:
    """Run the bot; in the end every server that is up is killed."""
    token = token or settings.require_token()
    async with gamekeeper(settings, adapters) as bot:
        # The library waits so long for guilds that may still come, after each that came.
        bot.client._connection.guild_ready_timeout = 0.05
        work = stay_connected(bot.client, token, settings.api_base, clock or bot.clock)
        connection = asyncio.create_task(work)
        try:
            yield Running(bot, place, connection)
        finally:
            for server in bot.fleet.servers():
                if server.state not in (State.STOPPED, State.FAILED):
                    await bot.fleet.stop(server.id, TEST, force=True)
            connection.cancel()
            with suppress(asyncio.CancelledError):
                await connection
