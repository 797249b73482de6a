"""Questions before what cannot be undone."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import discord
import pytest
import simcord
from simcord.actors import _component_interaction

from cogs.confirm import EXPIRES_S, Confirmations
from cogs.reply import answer
from storage.grants import Action
from tests.cogs.world import OTHER_GUILD_ID, World


async def asked(home: World) -> simcord.InteractionResult:
    """Have the admin ask for the end of the only grant of `admin`."""
    who = f"role:{home.places.role.id}"
    return await home.slash(home.people.admin, "access revoke", who=who, action="admin")


def question(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    assert result.response is not None
    return result.response


async def granted(home: World) -> bool:
    return any(grant.action is Action.ADMIN for grant in await home.access.grants(home.guild.id))


async def press(
    home: World, who: simcord.MemberActor, message: simcord.ResponseMessage, said: str
) -> simcord.InteractionResult:
    """Press a button by its id, as somebody who does not even see it could."""
    ids = [child["custom_id"] for line in message.components for child in line["components"]]
    [custom_id] = [custom_id for custom_id in ids if custom_id.endswith(said)]
    stored = home.env.backend.get_message(home.channel.id, message.id)
    with home.carrying(locale="en-US"):
        return await _component_interaction(who, stored, {"custom_id": custom_id, "component_type": 2})


async def test_nothing_happens_before_the_yes(home: World) -> None:
    message = question(await asked(home))
    assert message.ephemeral
    assert "last grant of `admin`" in message.content
    assert await granted(home)


async def test_fault_46_the_same_person_cannot_say_yes_in_another_guild(home: World) -> None:
    message = question(await asked(home))
    [(key, pending)] = confirmations(home)._pending.items()
    elsewhere = replace(pending.asked, who=replace(pending.asked.who, guild_id=OTHER_GUILD_ID))
    confirmations(home)._pending[key] = replace(pending, asked=elsewhere)
    told = (await press(home, home.people.admin, message, "yes")).response
    assert told is not None
    assert "for whoever gave the command" in told.content
    assert await granted(home)


async def test_yes_does_it_and_the_buttons_go_away(home: World) -> None:
    message = question(await asked(home))
    with home.carrying(locale="en-US"):
        await home.people.admin.click(message, label="Take it back")
    assert not await granted(home)
    after = home.env.backend.get_message(home.channel.id, message.id)
    assert "may not `admin`" in after.content
    assert not after.components
    yes, first = await home.audit.page(limit=2)
    assert (yes.entry.entry, first.entry.entry) == ("yes:/access revoke", "/access revoke")
    assert yes.entry.arguments == first.entry.arguments


async def test_no_leaves_it(home: World) -> None:
    message = question(await asked(home))
    with home.carrying(locale="en-US"):
        await home.people.admin.click(message, label="No, leave it")
    assert await granted(home)
    assert home.env.backend.get_message(home.channel.id, message.id).content == "Nothing was done."


@pytest.mark.parametrize("said", ["yes", "no"])
async def test_fault_46_only_whoever_asked_can_answer(home: World, said: str) -> None:
    message = question(await asked(home))
    result = await press(home, home.people.owner, message, f":{said}")
    assert "for whoever gave the command" in question(result).content
    assert await granted(home)
    [record] = await home.audit.page(limit=1)
    assert record.entry.decision == "denied:not_yours"
    with home.carrying(locale="en-US"):
        await home.people.admin.click(message, label="Take it back")
    assert not await granted(home)


async def test_fault_46_a_role_that_was_taken_away_meanwhile_counts(home: World) -> None:
    message = question(await asked(home))
    home.env.backend.remove_member_role(home.guild.id, home.people.admin.id, home.places.role.id)
    result = await press(home, home.people.admin, message, ":yes")
    assert "permission `admin`" in question(result).content
    assert await granted(home)


async def test_it_expires(home: World) -> None:
    message = question(await asked(home))
    await home.clock.advance(EXPIRES_S)
    result = await press(home, home.people.admin, message, ":yes")
    assert "has expired" in question(result).content
    assert await granted(home)


async def test_it_does_not_outlive_the_bot(home: World) -> None:
    message = question(await asked(home))
    home.client.router.verbs["confirm"] = Confirmations(home.gate, home.clock)
    result = await press(home, home.people.admin, message, ":yes")
    assert "has expired" in question(result).content
    assert await granted(home)


async def test_yes_counts_once(home: World) -> None:
    done: list[int] = []

    async def act(pressed: discord.Interaction) -> None:
        done.append(pressed.id)
        await answer(pressed, content="done", ephemeral=True)

    message = question(await asked(home))
    pending = confirmations(home)._pending
    pending.update({key: replace(asked_for, act=act) for key, asked_for in pending.items()})
    await asyncio.gather(*(press(home, home.people.admin, message, ":yes") for _ in range(2)))
    assert len(done) == 1


def confirmations(home: World) -> Confirmations:
    verb = home.client.router.verbs["confirm"]
    assert isinstance(verb, Confirmations)
    return verb
