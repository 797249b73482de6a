"""Lists in pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import simcord
from simcord.actors import _component_interaction

from cogs.locale.catalogue import catalogue
from cogs.pages import OPEN_AT_MOST, Pages
from storage.grants import Action
from tests.cogs.world import OTHER_GUILD_ID, World


async def listed(home: World, grants: int = 40) -> simcord.ResponseMessage:
    for n in range(grants):
        await home.grant(Action.VIEW, user_id=1000 + n)
    result = await home.slash(home.people.admin, "access list")
    assert result.response is not None
    return result.response


def text_of(home: World, message: simcord.ResponseMessage) -> str:
    [embed] = home.env.backend.get_message(home.channel.id, message.id).embeds
    return str(embed["description"])


async def turn(home: World, message: simcord.ResponseMessage, label: str) -> str:
    with home.carrying(locale="en-US"):
        await home.people.admin.click(message, label=label)
    return text_of(home, message)


def key_of(home: World) -> str:
    pages = home.client.router.verbs["page"]
    assert isinstance(pages, Pages)
    return next(reversed(pages._open))


async def press(home: World, who: simcord.MemberActor, message: simcord.ResponseMessage, custom_id: str) -> str:
    """Press something that has the id, whoever sees it."""
    stored = home.env.backend.get_message(home.channel.id, message.id)
    stored.components[0]["components"][0]["custom_id"] = custom_id
    with home.carrying(locale="en-US"):
        result = await _component_interaction(who, stored, {"custom_id": custom_id, "component_type": 2})
    assert result.response is not None
    return result.response.content


async def test_it_turns_on_and_back(home: World) -> None:
    message = await listed(home)
    first = text_of(home, message)
    second = await turn(home, message, "Next")
    third = await turn(home, message, "Next")
    assert len({first, second, third}) == 3
    assert third.count("\n") + 1 == 42 - 30
    assert await turn(home, message, "Back") == second


async def test_a_list_of_one_page_has_no_buttons(home: World) -> None:
    message = await listed(home, 0)
    assert not message.components


async def test_fault_46_nobody_else_can_turn_it(home: World) -> None:
    message = await listed(home)
    told = await press(home, home.people.owner, message, f"gk:page:{key_of(home)}:1")
    assert "for whoever gave the command" in told


async def test_fault_46_who_may_not_any_more_sees_no_other_page(home: World) -> None:
    message = await listed(home)
    home.env.backend.remove_member_role(home.guild.id, home.people.admin.id, home.places.role.id)
    assert "permission `admin`" in await press(home, home.people.admin, message, f"gk:page:{key_of(home)}:1")


@pytest.mark.parametrize(("command", "of_beta"), [("server list", "beta"), ("limit list", "4.00 GiB")])
async def test_fault_46_a_page_is_made_with_the_rights_of_the_moment(home: World, command: str, of_beta: str) -> None:
    """A role that showed one of two servers is gone by the time that the page is turned."""
    admin = home.people.admin
    options: dict[str, Any] = {"metric": "memory", "is": "above", "value": "4 GiB", "for": 1, "server": "beta"}
    await home.slash(admin, "limit set", **options)
    for grant in await home.access.grants(home.guild.id):
        await home.access.revoke(grant)
    await home.grant(Action.MANAGE, "alpha", user_id=admin.id)
    await home.grant(Action.MANAGE, "beta")
    result = await home.slash(admin, command)
    assert result.response is not None
    assert of_beta in str(home.env.backend.get_message(home.channel.id, result.response.id).embeds)
    pages = home.client.router.verbs["page"]
    assert isinstance(pages, Pages)
    opened = pages._open[key_of(home)]
    page = await opened.make(0, catalogue("en"), replace(opened.who, role_ids=frozenset()))
    assert of_beta not in str(page.embed.to_dict())
    assert "Alpha World" in str(page.embed.to_dict()) or command == "limit list"


async def test_fault_46_a_list_is_not_turned_in_another_guild(home: World) -> None:
    message = await listed(home)
    pages, key = home.client.router.verbs["page"], key_of(home)
    assert isinstance(pages, Pages)
    pages._open[key] = replace(pages._open[key], who=replace(pages._open[key].who, guild_id=OTHER_GUILD_ID))
    assert "for whoever gave the command" in await press(home, home.people.admin, message, f"gk:page:{key}:1")


@pytest.mark.parametrize("parts", ["{key}", "{key}:-1", "{key}:1:2", "{key}:9999", "{key}:x"])
async def test_fault_46_a_page_that_was_made_up_is_refused(home: World, parts: str) -> None:
    message = await listed(home)
    told = await press(home, home.people.admin, message, "gk:page:" + parts.format(key=key_of(home)))
    assert "I have offered nothing like that" in told


async def test_a_list_of_an_earlier_life_of_the_bot_is_too_old(home: World) -> None:
    message = await listed(home)
    assert "has expired" in await press(home, home.people.admin, message, "gk:page:another:1")


async def test_the_oldest_list_gives_way(home: World) -> None:
    await listed(home)
    oldest = key_of(home)
    pages = home.client.router.verbs["page"]
    assert isinstance(pages, Pages)
    for n in range(OPEN_AT_MOST - 1):
        pages._open[str(n)] = pages._open[oldest]
    await listed(home)
    assert oldest not in pages._open
    assert len(pages._open) == OPEN_AT_MOST
