"""`/start`, `/stop`, `/restart`, `/cancel`: a server's life in somebody's hands."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import locale_str

from cogs.access import person
from cogs.gate import Gate
from cogs.locale.catalogue import catalogue
from cogs.orders import Orders
from cogs.render.plans import announced, called_off, force_is_now
from cogs.reply import answer, defer
from cogs.server_cog import ServerCog
from monitor.model import IntentAction, Plan, Server
from monitor.ports import Clock, Control
from storage.grants import Action

REASON_AT_MOST = 200
MINUTE_MS = 60_000
DAY_MINUTES = 1440

Minutes = app_commands.Range[int, 1, DAY_MINUTES]


class ControlCog(ServerCog):
    """Starts and stops servers, now or later; each reply follows the steps."""

    def __init__(self, control: Control, gate: Gate, clock: Clock) -> None:
        super().__init__(control, gate)
        self.clock = clock
        self._orders = Orders(control)

    @app_commands.command(name="start", description=locale_str("Start a server"))
    @app_commands.describe(server=locale_str("Which server to start"))
    @app_commands.autocomplete(server=ServerCog.may_control)
    @app_commands.guild_only()
    async def start(self, interaction: discord.Interaction, server: str) -> None:
        meant = await self.meant(interaction, Action.CONTROL, server)
        await defer(interaction)
        done = await self._orders.start(interaction, meant)
        await answer(interaction, content=done.text)

    @app_commands.command(
        name="stop", description=locale_str("Stop a server: players are warned, the world is saved first")
    )
    @app_commands.rename(in_minutes="in")
    @app_commands.describe(
        server=locale_str("Which server to stop"),
        in_minutes=locale_str("In how many minutes; at once if left out"),
        reason=locale_str("Told to the players, and written down"),
        force=locale_str("Leave out the warning, the saving and the asking: end it now"),
    )
    @app_commands.autocomplete(server=ServerCog.may_control)
    @app_commands.guild_only()
    async def stop(
        self,
        interaction: discord.Interaction,
        server: str,
        in_minutes: Minutes | None = None,
        reason: app_commands.Range[str, 0, REASON_AT_MOST] = "",
        force: bool = False,  # noqa: FBT001, FBT002 - the signature is the command's
    ) -> None:
        words = catalogue(interaction.locale.value)
        meant = await self.meant(interaction, Action.CONTROL, server)
        await defer(interaction)
        if in_minutes is not None and force:
            await answer(interaction, content=f"⚠️ {force_is_now(words)}")
        elif in_minutes is not None:
            await self._plan(interaction, meant, IntentAction.STOP, in_minutes, reason)
        else:
            done = await self._orders.stop(interaction, meant, reason=reason, force=force)
            await answer(interaction, content=done.text)

    @app_commands.command(name="restart", description=locale_str("Stop a server as /stop does, then start it again"))
    @app_commands.rename(in_minutes="in")
    @app_commands.describe(
        server=locale_str("Which server to restart"),
        in_minutes=locale_str("In how many minutes; at once if left out"),
        reason=locale_str("Told to the players, and written down"),
    )
    @app_commands.autocomplete(server=ServerCog.may_control)
    @app_commands.guild_only()
    async def restart(
        self,
        interaction: discord.Interaction,
        server: str,
        in_minutes: Minutes | None = None,
        reason: app_commands.Range[str, 0, REASON_AT_MOST] = "",
    ) -> None:
        meant = await self.meant(interaction, Action.CONTROL, server)
        await defer(interaction)
        if in_minutes is not None:
            await self._plan(interaction, meant, IntentAction.RESTART, in_minutes, reason)
        else:
            done = await self._orders.restart(interaction, meant, reason=reason)
            await answer(interaction, content=done.text)

    @app_commands.command(
        name="cancel", description=locale_str("Call off a stop or restart that is planned, under way or pending")
    )
    @app_commands.describe(server=locale_str("Which server goes on as it was"))
    @app_commands.autocomplete(server=ServerCog.may_control)
    @app_commands.guild_only()
    async def cancel(self, interaction: discord.Interaction, server: str) -> None:
        words = catalogue(interaction.locale.value)
        meant = await self.meant(interaction, Action.CONTROL, server)
        await defer(interaction)
        # As it stands right before: the way here, by Discord, may have taken a second.
        before = self.control.server(meant.id)
        await self.control.cancel(meant.id, person(interaction).actor)
        await answer(interaction, content=called_off(before, words))

    async def _plan(
        self, interaction: discord.Interaction, meant: Server, action: IntentAction, minutes: int, reason: str
    ) -> None:
        due_ms = self.clock.now_ms() + minutes * MINUTE_MS
        plan = Plan(action, person(interaction).actor, due_ms, reason)
        before = self.control.server(meant.id).planned
        after = await self.control.plan(meant.id, plan)
        await answer(interaction, content=announced(after, plan, before, catalogue(interaction.locale.value)))
