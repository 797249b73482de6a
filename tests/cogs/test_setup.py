"""`/setup`: three steps in any order, seen to be done from what there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest
import simcord

from storage.grants import Action, Grant, PrincipalKind
from storage.settings import StoredSettings
from tests.cogs.serving import place, press, reply, said, shown, stored, typed
from tests.cogs.world import GUILD_ID, World, until, world


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[World]:
    """Nothing is set up yet."""
    async with world(tmp_path, [], to_alerts=False, granted=False) as made:
        yield made


async def begin(home: World) -> simcord.InteractionResult:
    return await home.slash(home.people.owner, "setup")


async def choose(
    home: World, steps: simcord.InteractionResult, label: str, **chosen: object
) -> simcord.InteractionResult:
    return await home.people.owner.submit_modal(await press(home, steps, label), chosen)


def buttons(result: simcord.InteractionResult) -> dict[str, dict[str, object]]:
    [row] = reply(result).components
    return {button["label"]: button for button in row["components"]}


PRIMARY, SECONDARY = 1, 2


async def test_it_begins_with_nothing_done(bare: World) -> None:
    steps = await begin(bare)
    assert steps.ephemeral
    assert shown(steps).count("⬜") == 3
    styles = {label: button["style"] for label, button in buttons(steps).items()}
    assert styles == {
        "Choose the alert channel": PRIMARY,
        "Choose the admin role": SECONDARY,
        "Add a server": SECONDARY,
    }


async def test_the_whole_way(bare: World, tmp_path: Path) -> None:
    steps = await begin(bare)
    steps = await choose(bare, steps, "Choose the alert channel", channel=[bare.alerts])
    assert f"Alerts go to <#{bare.alerts.id}>." in shown(steps)
    steps = await choose(bare, steps, "Choose the admin role", role=[bare.places.role])
    assert shown(steps).count("✅") == 2
    draft = await choose(bare, steps, "Add a server", **typed(place(tmp_path / "ark")))
    await press(bare, draft, "Keep it")
    complete = await begin(bare)
    assert "Setup is complete" in shown(complete)
    assert set(await stored(bare)) == {"my-ark"}


async def test_alerts_go_to_the_chosen_channel_and_the_choice_is_kept(bare: World, tmp_path: Path) -> None:
    await choose(bare, await begin(bare), "Choose the alert channel", channel=[bare.alerts])
    assert await StoredSettings(bare.db).alert_channel() == bare.alerts.id
    draft = await choose(bare, await begin(bare), "Add a server", **typed(place(tmp_path / "ark")))
    await press(bare, draft, "Keep it")
    await bare.slash(bare.people.owner, "start", server="my-ark")
    bare.house.launcher.processes[0].exit(3)
    await until(lambda: any(bare.sent("POST", f"/channels/{bare.alerts.id}/messages")))


async def test_the_admin_role_may_do_what_can_be_granted_and_no_more(bare: World) -> None:
    refused = await bare.slash(bare.people.admin, "audit")
    assert "permission `admin`" in said(refused)
    await choose(bare, await begin(bare), "Choose the admin role", role=[bare.places.role])
    role = Grant(GUILD_ID, PrincipalKind.ROLE, bare.places.role.id, Action.ADMIN)
    assert await bare.access.grants(GUILD_ID) == (role,)
    assert "What was done" in shown(await bare.slash(bare.people.admin, "audit"))
    assert "`DISCORD_OWNER_IDS`" in said(await bare.slash(bare.people.admin, "setup"))


async def test_it_is_taken_up_where_it_was_left(bare: World) -> None:
    await choose(bare, await begin(bare), "Choose the admin role", role=[bare.places.role])
    steps = await begin(bare)
    assert (shown(steps).count("✅"), shown(steps).count("⬜")) == (1, 2)
    assert buttons(steps)["Choose the alert channel"]["style"] == PRIMARY


async def test_everybodys_role_is_not_made_the_admins(bare: World) -> None:
    refused = await choose(bare, await begin(bare), "Choose the admin role", role=[bare.guild.default_role])
    assert "Everybody has that role" in said(refused)
    assert await bare.access.grants(GUILD_ID) == ()


async def test_a_channel_where_nothing_can_be_posted_is_not_taken(bare: World) -> None:
    silent = discord.PermissionOverwrite(embed_links=False)
    hidden = bare.guild.create_text_channel("hidden", overwrites={bare.guild.default_role: silent})
    refused = await choose(bare, await begin(bare), "Choose the alert channel", channel=[hidden])
    assert "I lack Embed Links" in said(refused)
    assert await StoredSettings(bare.db).alert_channel() is None
    assert "⬜ Where alerts go" in shown(await begin(bare))


async def test_a_channel_from_the_settings_wins(home: World) -> None:
    steps = await begin(home)
    assert "That is set by `DISCORD_ALERT_CHANNEL_ID`." in shown(steps)
    assert buttons(steps)["Choose the alert channel"]["disabled"] is True


async def test_fault_46_only_an_owner_takes_a_step(bare: World) -> None:
    steps = await begin(bare)
    opened = await press(bare, steps, "Choose the admin role")
    bare.access._house = type(bare.access._house)(frozenset(), frozenset())
    refused = await bare.people.owner.submit_modal(opened, {"role": [bare.places.role]})
    assert "`DISCORD_OWNER_IDS`" in said(refused)
    assert await bare.access.grants(GUILD_ID) == ()


async def test_it_speaks_korean(bare: World) -> None:
    steps = await bare.slash(bare.people.owner, "setup", locale="ko")
    assert "알림" in shown(steps)
