"""`/rcon`: a command to the game, and what it answers."""

from __future__ import annotations

import io

import discord
from discord import app_commands
from discord.app_commands import locale_str

from cogs.access import person
from cogs.locale.catalogue import catalogue
from cogs.render.console import console_reply
from cogs.reply import answer, defer
from cogs.server_cog import ServerCog
from storage.grants import Action

COMMAND_AT_MOST = 1500


class ConsoleCog(ServerCog):
    """The game's own console."""

    @app_commands.command(name="rcon", description=locale_str("Run a command in the game and show its answer"))
    @app_commands.describe(
        server=locale_str("Which server to run it on"),
        command=locale_str("As you would type it in the game's console"),
    )
    @app_commands.autocomplete(server=ServerCog.may_console)
    @app_commands.guild_only()
    async def rcon(
        self,
        interaction: discord.Interaction,
        server: str,
        command: app_commands.Range[str, 1, COMMAND_AT_MOST],
    ) -> None:
        words = catalogue(interaction.locale.value)
        meant = await self.meant(interaction, Action.CONSOLE, server)
        await defer(interaction)
        said = await self.control.command(meant.id, command, person(interaction).actor)
        reply = console_reply(command, said, words)
        files = [discord.File(io.BytesIO(reply.file), "reply.txt")] if reply.file is not None else []
        await answer(interaction, content=reply.content, files=files)
