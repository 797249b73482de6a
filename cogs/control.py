"""`/start`, `/stop`, `/restart`: a server's life in somebody's hands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import discord
from discord import app_commands
from discord.app_commands import locale_str

from cogs.access import person
from cogs.locale.catalogue import Words, catalogue
from cogs.render.outcome import climbed, outcome
from cogs.reply import answer, defer, progress
from cogs.server_cog import ServerCog
from monitor.model import Rung, Server
from storage.grants import Action

REASON_AT_MOST = 200


class _Steps:
    """Shows each step of a stop in the reply as it begins. The stop itself never waits for that."""

    def __init__(self, interaction: discord.Interaction, server: Server, words: Words) -> None:
        self._interaction = interaction
        self._server = server
        self._words = words
        self._news: asyncio.Queue[Rung | None] = asyncio.Queue()
        self.reached: list[Rung] = []

    def __call__(self, rung: Rung) -> None:
        self._news.put_nowait(rung)

    async def during(self, work: Awaitable[Server]) -> Server:
        """Await what takes the steps, and return once the last one is shown."""
        showing = asyncio.create_task(self._show())
        try:
            return await work
        finally:
            self._news.put_nowait(None)
            await showing

    async def _show(self) -> None:
        while (rung := await self._news.get()) is not None:
            self.reached.append(rung)
            if self._news.empty():
                await progress(self._interaction, climbed(self._server, self.reached, self._words))


class ControlCog(ServerCog):
    """Starts and stops servers; each reply follows the steps."""

    @app_commands.command(name="start", description=locale_str("Start a server"))
    @app_commands.describe(server=locale_str("Which server to start"))
    @app_commands.autocomplete(server=ServerCog.may_control)
    @app_commands.guild_only()
    async def start(self, interaction: discord.Interaction, server: str) -> None:
        words = catalogue(interaction.locale.value)
        meant = await self.meant(interaction, Action.CONTROL, server)
        await defer(interaction)
        after = await self.control.start(meant.id, person(interaction).actor)
        await answer(interaction, content=outcome(after, words))

    @app_commands.command(
        name="stop", description=locale_str("Stop a server: players are warned, the world is saved first")
    )
    @app_commands.describe(
        server=locale_str("Which server to stop"),
        reason=locale_str("Told to the players, and written down"),
        force=locale_str("Leave out the warning, the saving and the asking: end it now"),
    )
    @app_commands.autocomplete(server=ServerCog.may_control)
    @app_commands.guild_only()
    async def stop(
        self,
        interaction: discord.Interaction,
        server: str,
        reason: app_commands.Range[str, 0, REASON_AT_MOST] = "",
        force: bool = False,  # noqa: FBT001, FBT002 - the signature is the command's
    ) -> None:
        words = catalogue(interaction.locale.value)
        meant = await self.meant(interaction, Action.CONTROL, server)
        await defer(interaction)
        steps = _Steps(interaction, meant, words)
        by = person(interaction).actor
        stop = self.control.stop(meant.id, by, reason=reason, force=force, on_rung=steps)
        after = await steps.during(stop)
        await answer(interaction, content=outcome(after, words, steps.reached))

    @app_commands.command(name="restart", description=locale_str("Stop a server as /stop does, then start it again"))
    @app_commands.describe(
        server=locale_str("Which server to restart"),
        reason=locale_str("Told to the players, and written down"),
    )
    @app_commands.autocomplete(server=ServerCog.may_control)
    @app_commands.guild_only()
    async def restart(
        self,
        interaction: discord.Interaction,
        server: str,
        reason: app_commands.Range[str, 0, REASON_AT_MOST] = "",
    ) -> None:
        words = catalogue(interaction.locale.value)
        meant = await self.meant(interaction, Action.CONTROL, server)
        await defer(interaction)
        steps = _Steps(interaction, meant, words)
        by = person(interaction).actor
        after = await steps.during(self.control.restart(meant.id, by, reason=reason, on_rung=steps))
        await answer(interaction, content=outcome(after, words, steps.reached))
