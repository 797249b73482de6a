"""`/panel`, as people type it."""

from __future__ import annotations

from typing import Any

import pytest
import simcord

from cogs.pinning import NAMED_AT_MOST, PANELS_AT_MOST
from storage.grants import Action
from storage.panels import Panel, Panels
from tests.cogs.serving import outcome_of, said
from tests.cogs.world import OTHER_GUILD_ID, World


async def pin(home: World, who: simcord.MemberActor | None = None, **options: Any) -> str:
    return said(await home.slash(who or home.people.admin, "panel pin", **{"channel": home.channel} | options))


async def unpin(home: World, panel: str, who: simcord.MemberActor | None = None) -> str:
    return said(await home.slash(who or home.people.admin, "panel unpin", panel=panel))


async def offered(home: World, who: simcord.MemberActor, command: str, option: str, typed: str = "") -> list[str]:
    with home.carrying(locale="en-US"):
        choices = await who.autocomplete(home.channel, f"panel {command}", option, typed)
    return [f"{choice['name']} = {choice['value']}" for choice in choices]


async def test_a_panel_is_posted_and_kept(home: World) -> None:
    told = await pin(home, servers="beta, Alpha World, beta")
    [message] = home.channel.history()
    assert f"https://discord.com/channels/{home.guild.id}/{home.channel.id}/{message.id}" in told
    assert await Panels(home.db).all() == [Panel(home.guild.id, home.channel.id, ("beta", "alpha"), message.id, 1)]


async def test_it_is_taken_away_with_its_message(home: World) -> None:
    await pin(home)
    assert f"<#{home.channel.id}> is taken away" in await unpin(home, "#1")
    assert home.channel.history() == []
    assert await Panels(home.db).all() == []
    assert "There is no panel “1” here" in await unpin(home, "1")


async def test_a_message_that_may_not_be_deleted_stays_as_it_is(home: World) -> None:
    await pin(home)
    home.env.inject_error("DELETE", f"/channels/{home.channel.id}/messages/*", status=403, code=50013)
    assert "is taken away" in await unpin(home, "1")
    assert len(home.channel.history()) == 1
    assert await Panels(home.db).all() == []


async def test_one_that_cannot_be_posted_is_not_kept(home: World) -> None:
    home.env.inject_error("POST", f"/channels/{home.channel.id}/messages", status=403, code=50013)
    told = await pin(home)
    assert "could not be posted there: Forbidden" in told
    assert "Let me see that channel" in told
    assert await Panels(home.db).all() == []
    assert await outcome_of(home, "/panel pin") == told.removeprefix("⚠️ ")


@pytest.mark.parametrize(
    ("servers", "told"),
    [
        ("alpha, nowhere", "There is no server “nowhere”"),
        (", ".join(["alpha"] * (NAMED_AT_MOST + 1)), "Name 25 servers"),
    ],
    ids=["unknown", "many"],
)
async def test_servers_that_make_no_sense(home: World, servers: str, told: str) -> None:
    assert told in await pin(home, servers=servers)
    assert home.channel.history() == []


async def test_a_guild_has_only_so_many(home: World) -> None:
    for _ in range(PANELS_AT_MOST):
        home.gate.limits._buckets.clear()
        await pin(home)
    assert f"There are {PANELS_AT_MOST} panels here already" in await pin(home)
    await unpin(home, "3")
    assert "keeps itself current" in await pin(home)


@pytest.mark.parametrize("servers", ["alpha, beta", None, "nowhere"], ids=str)
async def test_fault_46_it_takes_managing_all_that_it_shows(home: World, servers: str | None) -> None:
    await home.grant(Action.MANAGE, "alpha", user_id=home.people.viewer.id)
    options = {} if servers is None else {"servers": servers}
    assert "permission `manage`" in await pin(home, home.people.viewer, **options)
    assert home.channel.history() == []
    await pin(home, home.people.viewer, servers="alpha")
    assert len(home.channel.history()) == 1


async def test_fault_46_a_panel_of_more_than_they_manage_is_not_theirs_to_take_away(home: World) -> None:
    await pin(home, servers="alpha")
    await pin(home)
    await home.grant(Action.MANAGE, "alpha", user_id=home.people.viewer.id)
    assert await offered(home, home.people.viewer, "unpin", "panel") == ["#1 → #general · alpha = 1"]
    assert "permission `manage`" in await unpin(home, "2", home.people.viewer)
    assert "is taken away" in await unpin(home, "1", home.people.viewer)


async def test_only_what_they_manage_is_offered(home: World) -> None:
    assert await offered(home, home.people.admin, "pin", "servers", "w") == [
        "Alpha World (alpha) = alpha",
        "Beta World (beta) = beta",
    ]
    assert await offered(home, home.people.admin, "pin", "servers", "alpha, ") == [
        "alpha, Beta World (beta) = alpha, beta"
    ]
    assert await offered(home, home.people.viewer, "pin", "servers") == []
    assert await offered(home, home.people.viewer, "unpin", "panel") == []


async def test_panels_of_another_guild_are_not_there(home: World) -> None:
    await Panels(home.db).add(Panel(OTHER_GUILD_ID, home.places.abroad.id, (), 5))
    assert await offered(home, home.people.admin, "unpin", "panel") == []
    assert "There is no panel “1” here" in await unpin(home, "1")


@pytest.mark.parametrize("typed", ["x", "#", "1" * 10, "-1"])
async def test_what_is_no_number_is_no_panel(home: World, typed: str) -> None:
    assert "There is no panel" in await unpin(home, typed)


async def test_a_channel_that_nobody_can_write_in_is_refused(home: World, monkeypatch: pytest.MonkeyPatch) -> None:
    category = home.guild.create_category("rooms")
    monkeypatch.setattr(type(home.places), "category", category, raising=False)
    options = {"channel": "category", "servers": "alpha"}
    result = await home.forge(home.people.admin, home.channel, "panel pin", options, locale="en-US")
    assert "Nobody can write in rooms" in said(result)
