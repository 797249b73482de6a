"""`/setup`: the first steps, in any order and at any time: where alerts go, who administers, what is looked after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, cast

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from cogs.access import Access, Denial
from cogs.components import Address, Verb, button, row
from cogs.forms import Form
from cogs.gate import Gate
from cogs.locale.catalogue import Words, catalogue, mark
from cogs.render.setup import Step, steps_embed
from cogs.reply import answer, ask, turn
from monitor.ports import Control
from storage.grants import Action, Grant, PrincipalKind

NEEDED: dict[str, str] = {
    "view_channel": mark("View Channel"),
    "send_messages": mark("Send Messages"),
    "embed_links": mark("Embed Links"),
    "attach_files": mark("Attach Files"),
    "read_message_history": mark("Read Message History"),
}
"""What posting alerts takes, by discord.py's name."""

LABELS: dict[Step, str] = {
    Step.CHANNEL: mark("Choose the alert channel"),
    Step.ROLE: mark("Choose the admin role"),
    Step.SERVER: mark("Add a server"),
}


class AlertChannelStore(Protocol):
    """Keeps what was chosen; `storage.settings.StoredSettings` is one."""

    async def choose_alert_channel(self, channel_id: int) -> None: ...


class AddsServers(Protocol):
    """Shows the form of a new server; `cogs.servers.ServersCog` is one."""

    async def show_add_form(self, interaction: discord.Interaction) -> None: ...


@dataclass(frozen=True, slots=True)
class AlertChannel:
    """Where alerts go, and who has the say in it."""

    store: AlertChannelStore
    post_to: Callable[[int], None]
    """Has alerts posted there from now on."""
    current: Callable[[], int | None]
    """Where they are posted now, if anywhere."""
    fixed: bool = False
    """It is in the settings of the machine, which win."""

    async def choose(self, channel_id: int) -> None:
        """Keep the choice, then post there."""
        await self.store.choose_alert_channel(channel_id)
        self.post_to(channel_id)


class Setup(Verb):
    """The steps: what is done is seen from what there is, so it can be left and taken up again at any time."""

    name: ClassVar[str] = "setup"

    def __init__(
        self, gate: Gate, access: Access, control: Control, alerts: AlertChannel, servers: AddsServers
    ) -> None:
        self.gate = gate
        self._access = access
        self._control = control
        self.alerts = alerts
        self._servers = servers

    async def press(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> None:
        if len(parts) != 1 or parts[0] not in tuple(Step):
            raise await self.gate.refuse(interaction, Denial.FORGED)
        await self.gate.enter(interaction, None, None, private=True)
        words = catalogue(interaction.locale.value)
        match Step(parts[0]):
            case Step.CHANNEL:
                await ask(interaction, ChannelForm(self, words))
            case Step.ROLE:
                await ask(interaction, RoleForm(self, words))
            case Step.SERVER:
                await self._servers.show_add_form(interaction)

    async def done(self, guild_id: int) -> frozenset[Step]:
        """Say which steps are done, from what is kept."""
        grants = await self._access.grants(guild_id)
        admins = any(
            grant.principal_kind is PrincipalKind.ROLE and grant.action is Action.ADMIN and grant.server_id is None
            for grant in grants
        )
        found = {
            Step.CHANNEL: self.alerts.current() is not None,
            Step.ROLE: admins,
            Step.SERVER: bool(self._control.servers()),
        }
        return frozenset(step for step, is_done in found.items() if is_done)

    async def show(self, interaction: discord.Interaction, *, again: bool = False) -> None:
        """Answer with the steps, or bring those up to date whose button was pressed."""
        words = catalogue(interaction.locale.value)
        done = await self.done(interaction.guild_id or 0)
        embed = steps_embed(done, words, channel_id=self.alerts.current(), channel_fixed=self.alerts.fixed)
        view = self._buttons(done, words)
        await (
            turn(interaction, embed=embed, view=view)
            if again
            else answer(interaction, embed=embed, view=view, ephemeral=True)
        )

    def _buttons(self, done: frozenset[Step], words: Words) -> discord.ui.View:
        following = next((step for step in Step if step not in done), None)
        return row(
            *(
                button(
                    Address(self.name, (step.value,)),
                    words.text(LABELS[step]),
                    discord.ButtonStyle.primary if step is following else discord.ButtonStyle.secondary,
                    disabled=step is Step.CHANNEL and self.alerts.fixed,
                )
                for step in Step
            )
        )

    async def give_admin(self, guild_id: int, role_id: int) -> None:
        """Let a role do everything that can be granted, on every server."""
        await self._access.grant(Grant(guild_id, PrincipalKind.ROLE, role_id, Action.ADMIN))


class ChannelForm(Form):
    """Where alerts go."""

    name: ClassVar[str] = "setup_channel"
    action: ClassVar[Action | None] = None

    def __init__(self, setup: Setup, words: Words) -> None:
        super().__init__(setup.gate, title=words.text("Alert channel"), private=True)
        self._setup = setup
        self.channel: discord.ui.ChannelSelect[discord.ui.View] = discord.ui.ChannelSelect(
            custom_id="channel", channel_types=[discord.ChannelType.text, discord.ChannelType.news]
        )
        hint = words.text("Crashes and the like are told there")
        self.add_item(discord.ui.Label(text=words.text("Channel"), description=hint, component=self.channel))

    async def submitted(self, interaction: discord.Interaction) -> None:
        words = catalogue(interaction.locale.value)
        [chosen] = self.channel.values
        missing = _missing(interaction, chosen.id)
        if missing:
            lacking = ", ".join(words.text(NEEDED[name]) for name in missing)
            told = words.text(
                "I may not post in {channel}: I lack {permissions}. Give me these there, then choose it again.",
                channel=chosen.mention,
                permissions=lacking,
            )
            await answer(interaction, content=f"⚠️ {told}", ephemeral=True)
            return
        await self._setup.alerts.choose(chosen.id)
        await self._setup.show(interaction, again=interaction.message is not None)


class RoleForm(Form):
    """Who may do everything that can be granted."""

    name: ClassVar[str] = "setup_role"
    action: ClassVar[Action | None] = None

    def __init__(self, setup: Setup, words: Words) -> None:
        super().__init__(setup.gate, title=words.text("Admin role"), private=True)
        self._setup = setup
        self.role: discord.ui.RoleSelect[discord.ui.View] = discord.ui.RoleSelect(custom_id="role")
        hint = words.text("Whoever has it may do all but what reaches the machine itself")
        self.add_item(discord.ui.Label(text=words.text("Role"), description=hint, component=self.role))

    async def submitted(self, interaction: discord.Interaction) -> None:
        [role] = self.role.values
        guild_id = cast("int", interaction.guild_id)
        if role.id == guild_id:
            words = catalogue(interaction.locale.value)
            told = words.text("Everybody has that role, so it was not made the admins'. Choose one that few have.")
            await answer(interaction, content=f"⚠️ {told}", ephemeral=True)
            return
        await self._setup.give_admin(guild_id, role.id)
        await self._setup.show(interaction, again=interaction.message is not None)


class SetupCog(commands.Cog):
    """The command."""

    def __init__(self, gate: Gate, setup: Setup) -> None:
        self.gate = gate
        self.setup = setup

    @app_commands.command(
        name="setup", description=locale_str("The first steps: alert channel, admin role, first server")
    )
    @app_commands.guild_only()
    async def steps(self, interaction: discord.Interaction) -> None:
        await self.gate.enter(interaction, None, None, private=True)
        await self.setup.show(interaction)


def _missing(interaction: discord.Interaction, channel_id: int) -> list[str]:
    """Give what we lack in a channel, as far as Discord has told; one that we cannot see lacks everything."""
    guild = interaction.guild
    channel = guild.get_channel(channel_id) if guild is not None else None
    if guild is None or channel is None:
        return list(NEEDED)
    permissions = channel.permissions_for(guild.me)
    return [name for name in NEEDED if not getattr(permissions, name)]
