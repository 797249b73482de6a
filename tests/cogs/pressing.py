"""What the tests of buttons do again and again: look at them, press one, and have a server played on."""

from __future__ import annotations

from typing import Any

import discord
import simcord
from simcord.actors import _component_interaction

from monitor.model import Players
from tests.cogs.world import World

Shown = discord.Message | simcord.ResponseMessage


def labels(message: Shown) -> list[str]:
    """What stands on its buttons."""
    return [str(child.label) for child in _children(message) if isinstance(child, discord.Button)]


def menus(message: Shown) -> list[list[str]]:
    """What each of its menus offers."""
    return [[o.value for o in child.options] for child in _children(message) if isinstance(child, discord.SelectMenu)]


def _children(message: Shown) -> list[Any]:
    held = message if isinstance(message, discord.Message) else message.message
    return [child for line in held.components if isinstance(line, discord.ActionRow) for child in line.children]


async def press(
    home: World, who: simcord.MemberActor, message: Shown, label: str, *, locale: str = "en-US"
) -> simcord.ResponseMessage:
    """Press a button, and give the answer."""
    with home.carrying(locale=locale):
        result = await who.click(message, label=label)
    assert result.response is not None
    return result.response


async def press_id(
    home: World, who: simcord.MemberActor, message: Shown, custom_id: str, **more: Any
) -> simcord.ResponseMessage:
    """Send what Discord's client would send for a component of that id, whether it is there or not."""
    channel_id = message.channel.id if isinstance(message, discord.Message) else message.channel_id
    stored = home.env.backend.get_message(channel_id, message.id)
    with home.carrying(locale="en-US"):
        result = await _component_interaction(who, stored, {"custom_id": custom_id, "component_type": 2} | more)
    assert result.response is not None
    return result.response


async def played_on(home: World, online: Players | None, server_id: str = "alpha") -> None:
    """Have a server run with so many players on it; `None`: its game does not tell."""
    home.house.game(server_id).online = online
    await home.slash(home.people.admin, "start", server=server_id)
    await home.clock.advance(20)
    await home.env.settle()
