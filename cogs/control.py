"""`/start`, `/stop`, `/restart`: a server's life in somebody's hands."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import locale_str

from cogs.access import person
from cogs.locale.catalogue import Words, catalogue
from cogs.render.outcome import climbed, outcome
from cogs.reply import answer, defer
from cogs.server_cog import ServerCog
from monitor.model import Rung, Server
from storage.grants import Action

REASON_AT_MOST = 200


class _Steps:
    """Shows each step of a stop in the reply as it begins."""

    def __init__(self, interaction: discord.Interaction, server: Server, words: Words) -> None:
        self._interaction = interaction
        self._server = server
        self._words = words
        self.reached: list[Rung] = []

    async def __call__(self, rung: Rung) -> None:
        self.reached.append(rung)
        await answer(self._interaction, content=climbed(self._server, self.reached, self._words))


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
        after = await self.control.stop(meant.id, by, reason=reason, force=force, on_rung=steps)
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
        after = await self.control.restart(meant.id, person(interaction).actor, reason=reason, on_rung=steps)
        await answer(interaction, content=outcome(after, words, steps.reached))
