"""`/panel`: messages that keep themselves current."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str

from cogs.attempt import attempt_of
from cogs.channels import WRITABLE, AnyChannel, WritableChannel
from cogs.gate import Gate
from cogs.locale.catalogue import Words, catalogue
from cogs.panel_keeper import Kept
from cogs.panels import Board
from cogs.pinning import PanelFault, PanelRefused, panel_typed, servers_offered, servers_typed
from cogs.render.limits import CHOICE_NAME, CHOICES
from cogs.render.pins import panel_label, pinned, unpinned
from cogs.render.text import cut
from cogs.reply import answer, defer
from cogs.server_cog import ServerCog
from monitor.errors import UnknownServer
from monitor.ports import Control
from storage.grants import Action
from storage.panels import Panel

SERVERS_AT_MOST = 1000


class PanelCog(ServerCog):
    """Pins panels, and takes them away."""

    panel = app_commands.Group(
        name="panel", description=locale_str("A message that keeps itself current"), guild_only=True
    )

    def __init__(self, control: Control, gate: Gate, board: Board) -> None:
        super().__init__(control, gate)
        self._board = board

    @panel.command(name="pin", description=locale_str("Post a panel: how servers are, kept current, with buttons"))
    @app_commands.describe(
        channel=locale_str("In which channel"),
        servers=locale_str("Which servers, with commas between; all, also those to come, if left out"),
    )
    async def pin(
        self,
        interaction: discord.Interaction,
        channel: app_commands.Transform[AnyChannel, WritableChannel],
        servers: app_commands.Range[str, 1, SERVERS_AT_MOST] | None = None,
    ) -> None:
        named = await self._managed(interaction, servers)
        if channel.type not in WRITABLE:
            raise PanelRefused(PanelFault.WORDLESS, channel.name)
        await defer(interaction, ephemeral=True)
        panel = await self._board.pin(Panel(interaction.guild_id or 0, channel.id, tuple(named)))
        await answer(interaction, content=pinned(panel, _words(interaction)), ephemeral=True)

    @panel.command(name="unpin", description=locale_str("Take a panel away"))
    @app_commands.describe(panel=locale_str("Which panel"))
    async def unpin(self, interaction: discord.Interaction, panel: str) -> None:
        kept = await self._meant_panel(interaction, panel)
        await defer(interaction, ephemeral=True)
        await self._board.unpin(kept)
        await answer(interaction, content=unpinned(kept.panel, _words(interaction)), ephemeral=True)

    @pin.autocomplete("servers")
    async def complete_servers(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        servers = await self.gate.visible(interaction, Action.MANAGE, self.control.servers())
        shown = attempt_of(interaction).redaction.text
        offered = [
            Choice(name=cut(shown(name), CHOICE_NAME), value=value)
            for name, value in servers_offered(current, servers)
            if len(value) <= CHOICE_NAME
        ]
        return offered[:CHOICES]

    @unpin.autocomplete("panel")
    async def complete_panel(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        """Offer the panels of this guild whose servers this person manages, and say what is wrong with one."""
        offered = []
        for kept in self._board.of_guild(attempt_of(interaction).who.guild_id):
            name = panel_label(kept.panel, _channel(interaction, kept.panel), kept.trouble, _words(interaction))
            if current.casefold() in name.casefold() and await self._manages(interaction, kept.panel):
                offered.append(Choice(name=cut(name, CHOICE_NAME), value=str(kept.panel.id)))
        return offered[:CHOICES]

    async def _managed(self, interaction: discord.Interaction, typed: str | None) -> Sequence[str]:
        """Let whoever manages the servers that were typed, or else all, in, and give their ids.

        Raises:
            AccessDenied: they do not; nor do they learn which there are.
            UnknownServer: one of them is none.
        """
        try:
            named = servers_typed(typed, self.control.servers())
        except (UnknownServer, PanelRefused):
            await self.gate.enter(interaction, Action.MANAGE, None, private=True)
            raise
        await self._enter(interaction, named)
        return named

    async def _meant_panel(self, interaction: discord.Interaction, typed: str) -> Kept:
        """Give the panel that was typed, once it is clear that they manage what it shows.

        Raises:
            AccessDenied: they do not; nor do they learn whether it exists.
            PanelRefused: there is none.
        """
        try:
            kept = self._panel(attempt_of(interaction).who.guild_id, typed)
        except PanelRefused:
            await self.gate.enter(interaction, Action.MANAGE, None, private=True)
            raise
        await self._enter(interaction, kept.panel.server_ids)
        return kept

    async def _enter(self, interaction: discord.Interaction, server_ids: Sequence[str]) -> None:
        """Let whoever manages all of these in; none: whoever manages every server."""
        for server_id in server_ids or (None,):
            await self.gate.enter(interaction, Action.MANAGE, server_id, private=True)

    def _panel(self, guild_id: int | None, typed: str) -> Kept:
        number = panel_typed(typed)
        for kept in self._board.of_guild(guild_id):
            if kept.panel.id == number:
                return kept
        raise PanelRefused(PanelFault.NO_SUCH_PANEL, typed)

    async def _manages(self, interaction: discord.Interaction, panel: Panel) -> bool:
        who = attempt_of(interaction).who
        decisions = [
            await self.gate.access.decide(who, Action.MANAGE, server_id) for server_id in panel.server_ids or (None,)
        ]
        return all(decision.denial is None for decision in decisions)


def _words(interaction: discord.Interaction) -> Words:
    return catalogue(interaction.locale.value)


def _channel(interaction: discord.Interaction, panel: Panel) -> str:
    channel = interaction.guild.get_channel_or_thread(panel.channel_id) if interaction.guild else None
    return "" if channel is None else channel.name
