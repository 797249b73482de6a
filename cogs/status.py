"""`/status`: how the servers are."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import locale_str

from cogs.gate import Gate
from cogs.locale.catalogue import catalogue
from cogs.offers import server_buttons
from cogs.render.database import trouble_line
from cogs.render.server import server_embed
from cogs.render.status import status_embed
from cogs.reply import answer, defer
from cogs.server_cog import ServerCog
from monitor.ports import Control
from storage.database import Database
from storage.grants import Action


class StatusCog(ServerCog):
    """Shows one server, or all that somebody may see; above them what is wrong with the database, if anything."""

    def __init__(self, control: Control, gate: Gate, db: Database) -> None:
        super().__init__(control, gate)
        self._db = db

    @app_commands.command(name="status", description=locale_str("How the servers are: state, players, CPU, memory"))
    @app_commands.describe(server=locale_str("One server, with everything known about it; all of them if left out"))
    @app_commands.autocomplete(server=ServerCog.may_view)
    @app_commands.guild_only()
    async def status(self, interaction: discord.Interaction, server: str | None = None) -> None:
        words = catalogue(interaction.locale.value)
        if server is None:
            visible = await self.meant_or_all(interaction, Action.VIEW, None)
            await defer(interaction)
            await answer(
                interaction, content=trouble_line(self._db.trouble, words), embed=status_embed(visible, words)
            )
        else:
            meant = await self.meant(interaction, Action.VIEW, server)
            await defer(interaction)
            view = server_buttons(meant, words, in_place=True)
            await answer(
                interaction,
                content=trouble_line(self._db.trouble, words),
                embed=server_embed(meant, words),
                view=view,
            )
