"""Lists in pages."""

from __future__ import annotations

import pytest
import simcord
from simcord.actors import _component_interaction

from cogs.pages import OPEN_AT_MOST, Pages
from storage.grants import Action
from tests.cogs.world import World


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
