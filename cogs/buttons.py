"""The buttons that do something to a server: on `/status`, panels and alerts, also on those of long ago.

An answer is for the eyes of whoever pressed, or changes the message that shows that server in full: five people who
press make no noise for the others. The supervisor takes one order at a time, and refuses what makes no sense by then.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import ClassVar, TypedDict

import discord

from cogs.access import Denial
from cogs.attempt import attempt_of
from cogs.chart import latest
from cogs.components import ServerVerb
from cogs.confirm import Confirmations
from cogs.gate import Gate
from cogs.locale.catalogue import Words, catalogue, locales
from cogs.logs import last_lines
from cogs.offers import CHART, LOGS, MUTE, RESTART, START, STOP, UP, server_buttons
from cogs.orders import Done, Orders
from cogs.pictures import Pictures
from cogs.render.logs import log_embed
from cogs.render.pressing import muted, question
from cogs.render.server import server_embed
from cogs.reply import answer, defer, renew
from monitor.errors import WrongState
from monitor.model import Server
from monitor.ports import Clock, Control
from storage.grants import Action
from storage.mutes import Mute, Mutes

MUTE_MS = 3_600_000
ALMOST_MS = 60_000
"""One that ends so much earlier is as good."""


class _Order(ServerVerb):
    """Orders something of a server. A further part of the id: its message shows the server, in that language."""

    action: ClassVar[Action] = Action.CONTROL
    private: ClassVar[bool] = True

    def __init__(self, control: Control, gate: Gate) -> None:
        super().__init__(control, gate)
        self.orders = Orders(control)

    @abstractmethod
    async def carry_out(self, interaction: discord.Interaction, server: Server) -> Done:
        """Do it; the interaction was deferred."""

    async def act(self, interaction: discord.Interaction, server: Server, rest: tuple[str, ...]) -> None:
        shown_in = await self._shown_in(interaction, rest)
        await defer(interaction, ephemeral=True, in_place=shown_in is not None)
        if shown_in is None:
            done = await self.carry_out(interaction, server)
            await answer(interaction, content=done.text, ephemeral=True)
            return
        try:
            done = await self.carry_out(interaction, server)
        except WrongState:
            # Its buttons are from another time.
            await answer(interaction, **_shown(self.control.server(server.id), shown_in))
            raise
        await answer(interaction, content=done.text, **_shown(done.server, shown_in))

    async def _shown_in(self, interaction: discord.Interaction, rest: tuple[str, ...]) -> Words | None:
        """The language in which the message shows the server; `None`: it shows something else."""
        if not rest:
            return None
        if len(rest) > 1 or rest[0] not in locales():
            raise await self.gate.refuse(interaction, Denial.FORGED)
        return catalogue(rest[0])


class StartButton(_Order):
    name: ClassVar[str] = START

    async def carry_out(self, interaction: discord.Interaction, server: Server) -> Done:
        return await self.orders.start(interaction, server)


class _Ending(_Order):
    """Asks first where players are on, or where nobody can tell."""

    def __init__(self, control: Control, gate: Gate, confirmations: Confirmations) -> None:
        super().__init__(control, gate)
        self._confirmations = confirmations

    async def act(self, interaction: discord.Interaction, server: Server, rest: tuple[str, ...]) -> None:
        if server.state not in UP or (server.players is not None and server.players.online == 0):
            await super().act(interaction, server, rest)
            return
        shown_in = await self._shown_in(interaction, rest)
        words = catalogue(interaction.locale.value)

        async def confirmed(said_yes: discord.Interaction) -> None:
            done = await self.carry_out(said_yes, server)
            await answer(said_yes, content=done.text, ephemeral=True)
            if shown_in is not None:
                await renew(interaction, **_shown(done.server, shown_in))

        asked = question(server, words, restart=self.name == RESTART)
        yes = words.text("Restart") if self.name == RESTART else words.text("Stop")
        await self._confirmations.ask(interaction, asked, yes, confirmed, action=self.action, server_id=server.id)


class StopButton(_Ending):
    name: ClassVar[str] = STOP

    async def carry_out(self, interaction: discord.Interaction, server: Server) -> Done:
        return await self.orders.stop(interaction, server)


class RestartButton(_Ending):
    name: ClassVar[str] = RESTART

    async def carry_out(self, interaction: discord.Interaction, server: Server) -> Done:
        return await self.orders.restart(interaction, server)


class ChartButton(ServerVerb):
    name: ClassVar[str] = CHART
    action: ClassVar[Action] = Action.VIEW
    private: ClassVar[bool] = True

    def __init__(self, control: Control, gate: Gate, pictures: Pictures, clock: Clock) -> None:
        super().__init__(control, gate)
        self._pictures = pictures
        self._clock = clock

    async def act(self, interaction: discord.Interaction, server: Server, rest: tuple[str, ...]) -> None:
        del rest
        await defer(interaction, ephemeral=True)
        words = catalogue(interaction.locale.value)
        chart = await latest(self._pictures, server, self._clock, words)
        await answer(interaction, files=[chart], ephemeral=True)


class LogButton(ServerVerb):
    name: ClassVar[str] = LOGS
    action: ClassVar[Action] = Action.VIEW
    private: ClassVar[bool] = True

    async def act(self, interaction: discord.Interaction, server: Server, rest: tuple[str, ...]) -> None:
        del rest
        await defer(interaction, ephemeral=True)
        lines = await last_lines(self.control, server.id, attempt_of(interaction).redaction)
        embed = log_embed(server, lines, catalogue(interaction.locale.value))
        await answer(interaction, embed=embed, ephemeral=True)


class MuteButton(ServerVerb):
    """Silences the alerts of a server for an hour, and says so to everybody: who waits for them has to know."""

    name: ClassVar[str] = MUTE
    action: ClassVar[Action] = Action.MANAGE

    def __init__(self, control: Control, gate: Gate, mutes: Mutes, clock: Clock) -> None:
        super().__init__(control, gate)
        self._mutes = mutes
        self._clock = clock
        self._one_by_one = asyncio.Lock()

    async def act(self, interaction: discord.Interaction, server: Server, rest: tuple[str, ...]) -> None:
        del rest
        now_ms, who = self._clock.now_ms(), attempt_of(interaction).who.actor
        wanted = Mute(server.id, "", now_ms + MUTE_MS, who)
        async with self._one_by_one:
            enough = [mute for mute in await self._mutes.all(now_ms) if _covers(mute, wanted)]
            if not enough:
                await self._mutes.add(wanted)
        mute = enough[0] if enough else wanted
        text = muted(server, mute, catalogue(interaction.locale.value), before=bool(enough))
        await answer(interaction, content=text, ephemeral=bool(enough))


def _covers(mute: Mute, wanted: Mute) -> bool:
    same = mute.server_id in (None, wanted.server_id) and not mute.kind
    return same and mute.until_ms >= wanted.until_ms - ALMOST_MS


class _Shown(TypedDict):
    embed: discord.Embed
    view: discord.ui.View


def _shown(server: Server, words: Words) -> _Shown:
    """The message that shows a server in full."""
    return {"embed": server_embed(server, words), "view": server_buttons(server, words, in_place=True)}
