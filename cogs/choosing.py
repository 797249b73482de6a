"""The menu under a panel of several servers: it shows the one that was chosen, with its buttons."""

from __future__ import annotations

from typing import ClassVar

import discord

from cogs.access import Denial
from cogs.components import Verb, chosen
from cogs.gate import Gate
from cogs.locale.catalogue import catalogue
from cogs.offers import SHOW, server_buttons
from cogs.render.server import server_embed
from cogs.reply import answer
from monitor.ports import Control
from storage.grants import Action


class ServerMenu(Verb):
    """Shows a server to whoever has chosen it, and to nobody else."""

    name: ClassVar[str] = SHOW

    def __init__(self, control: Control, gate: Gate) -> None:
        self._control = control
        self._gate = gate

    async def press(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> None:
        del parts
        picked = chosen(interaction)
        if len(picked) != 1:
            raise await self._gate.refuse(interaction, Denial.FORGED)
        await self._gate.enter(interaction, Action.VIEW, picked[0], private=True)
        server, words = self._control.server(picked[0]), catalogue(interaction.locale.value)
        view = server_buttons(server, words, in_place=True)
        await answer(interaction, embed=server_embed(server, words), view=view, ephemeral=True)
