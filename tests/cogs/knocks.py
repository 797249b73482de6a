"""A button and a form that do nothing but say that they were let through: what stands before them is the point."""

from __future__ import annotations

from typing import ClassVar

import discord
import simcord

from cogs.components import Address, Component, ServerVerb, button, chosen, menu, row
from cogs.forms import Form
from cogs.gate import Gate
from cogs.reply import answer
from monitor.model import Server
from storage.grants import Action
from tests.cogs.world import World

KNOCK = Address("knock", ("alpha",))


class Knock(ServerVerb):
    """May be pressed by those who may control the server."""

    name: ClassVar[str] = "knock"
    action: ClassVar[Action] = Action.CONTROL
    knocked: ClassVar[list[tuple[str, ...]]] = []

    async def act(self, interaction: discord.Interaction, server: Server, rest: tuple[str, ...]) -> None:
        self.knocked.append((server.id, *rest, *chosen(interaction)))
        await answer(interaction, content=f"Knocked on {server.id}.")


class Letter(Form):
    """May be sent by those who may control the server."""

    name: ClassVar[str] = "letter"
    action: ClassVar[Action | None] = Action.CONTROL

    def __init__(self, gate: Gate, server_id: str | None = "alpha") -> None:
        super().__init__(gate, title="A letter", server_id=server_id, private=True)
        self.line: discord.ui.TextInput[Letter] = discord.ui.TextInput(custom_id="line", required=False)
        self.password: discord.ui.TextInput[Letter] = discord.ui.TextInput(custom_id="a_password", required=False)
        self.add_item(discord.ui.Label(text="Line", component=self.line))
        self.add_item(discord.ui.Label(text="Password", component=self.password))

    async def submitted(self, interaction: discord.Interaction) -> None:
        await answer(interaction, content=f"Read: {self.line.value}", ephemeral=True)


def hang(home: World) -> None:
    """Have the client know the button."""
    Knock.knocked.clear()
    home.client.router.verbs[Knock.name] = Knock(home.fleet, home.gate)


async def posted(
    home: World, *components: Component, channel: simcord.ChannelHandle | None = None
) -> discord.Message:
    """Post a message with these under it; with the button alone if none are given."""
    hang(home)
    where = home.client.get_partial_messageable((channel or home.channel).id)
    return await where.send("door", view=row(*(components or (button(KNOCK, "Knock"),))))


def choice(address: Address = KNOCK) -> Component:
    return menu(address, [discord.SelectOption(label=value, value=value) for value in ("front", "back")])
