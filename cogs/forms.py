"""Forms: what is filled in comes in through the gate when it is sent, with the roles of that moment."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from typing import ClassVar

import discord

from cogs.components import PREFIX, through
from cogs.gate import Gate
from storage.grants import Action

OPEN_S = 900.0
"""How long one may be filled in."""


class Form(discord.ui.Modal):
    """A modal. Show it with `cogs.reply.ask`. After a restart of the bot it says that it is too old.

    A field whose id has "password", "token" or the like in it is masked in the audit.
    """

    name: ClassVar[str]
    action: ClassVar[Action | None]
    """What it takes to send it; `None`: only an owner may."""

    def __init__(self, gate: Gate, *, title: str, server_id: str | None = None, private: bool = False) -> None:
        """Make one.

        Args:
            gate: it comes in through this.
            title: at most 45 characters.
            server_id: what it is about, if it is about one server.
            private: whether the answer is for one person's eyes.
        """
        custom_id = f"{PREFIX}:{self.name}:{secrets.token_hex(8)}"
        super().__init__(title=title, timeout=OPEN_S, custom_id=custom_id)
        self.gate = gate
        self.server_id = server_id
        self.private = private

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        await through(self.gate, interaction, lambda: self._submit(interaction))

    async def _submit(self, interaction: discord.Interaction) -> None:
        await self.gate.enter(interaction, self.action, self.server_id, private=self.private)
        await self.submitted(interaction)

    @abstractmethod
    async def submitted(self, interaction: discord.Interaction) -> None:
        """Do what was asked for, now that they may."""
