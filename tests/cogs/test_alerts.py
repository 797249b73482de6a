"""`/alerts`, as people type it."""

from __future__ import annotations

from typing import Any

import pytest
import simcord

from monitor.events import Severity
from monitor.model import Actor, ActorKind
from storage.grants import Action
from storage.mutes import Mute
from storage.routes import RouteKind
from tests.cogs.test_delivery import crash
from tests.cogs.world import World, until

DISCORDS = "https://discord.com/api/webhooks/123456789012345678/" + "t" * 68
ANY = "https://hooks.example.org/in?key=very-secret-key"


async def give(home: World, name: str, *, who: simcord.MemberActor | None = None, **options: object) -> str:
    """Give a command and return all of the reply, which is for nobody else's eyes."""
    result = await home.forge(who or home.people.admin, home.channel, f"alerts {name}", options, locale="en-US")
    assert result.response is not None
    assert result.response.ephemeral
    embeds = [f"{embed.title}\n{embed.description}" for embed in result.response.embeds]
    return "\n".join([result.response.content, *embeds])


def titles(channel: simcord.ChannelHandle) -> list[str | None]:
    """What the messages there are about, the oldest first."""
    return [message.embeds[0].title for message in channel.history()]


async def bury(home: World, channel: simcord.ChannelHandle) -> int:
    """Have an alert told there, and make a dead letter of it as if it had not been; returns its number."""
    event_id = await crash(home)
    await until(lambda: bool(channel.history()))
    await home.rest()
    async with home.db.transaction() as tx:
        dead = "UPDATE outbox SET delivered_ms = NULL, message_id = NULL, buried_ms = ?, last_error = 'HTTP 404'"
        await tx.execute(dead, (home.clock.now_ms(),))
    return event_id


async def test_a_channel_is_added_told_and_removed(home: World) -> None:
    said = await give(home, "add", channel="channel", server="alpha", kinds="crashed", min_severity="critical")
    assert f"**#1** → <#{home.channel.id}> · `alpha` · crashes · only what is critical" in said
    [route] = await home.stores.routes.all()
    assert (route.channel_id, route.filter.server_id, route.filter.min_severity) == (
        home.channel.id,
        "alpha",
        Severity.CRITICAL,
    )
    await crash(home)
    await until(lambda: len(home.channel.history()) == 1)
    await home.rest()
    assert home.alerts.history() == []
    listed = await give(home, "list")
    assert "1 delivered" in listed
    assert f"Everything that no route takes → <#{home.alerts.id}>" in listed
    assert "Route #1 is removed" in await give(home, "remove", route="#1")
    assert await home.stores.routes.all() == ()
    assert "There is no route" in await give(home, "remove", route="1")


async def test_a_webhook_s_address_is_never_shown(home: World) -> None:
    said = await give(home, "add", webhook=DISCORDS)
    said += await give(home, "list")
    assert "discord.com …5678" in said
    assert "t" * 20 not in said
    [route] = await home.stores.routes.all()
    assert route.kind is RouteKind.DISCORD
    records = await home.audit.page(limit=5)
    assert "t" * 20 not in str(records)


async def test_only_an_owner_may_send_to_any_address_and_sees_its_secret_once(home: World) -> None:
    assert "owners" in await give(home, "add", webhook=ANY)
    assert await home.stores.routes.all() == ()
    said = await give(home, "add", who=home.people.owner, webhook=ANY)
    signing = (await home.stores.routes.secrets())[1].signing
    assert f"||`{signing}`||" in said
    assert "very-secret-key" not in said
    later = await give(home, "list", who=home.people.owner)
    assert "hooks.example.org" in later
    assert signing not in later
    assert home.gate.redaction.text(f"{signing} {ANY}") == "*** ***"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "choose a channel, or give the address"),
        ({"channel": "channel", "webhook": DISCORDS}, "not both"),
        ({"webhook": "gopher://example.org"}, "no address that takes alerts"),
        ({"channel": "channel", "kinds": "sneezed"}, "no kind of alert called “sneezed”"),
        ({"channel": "channel", "fallback": "9"}, "There is no route “9”"),
        ({"channel": "channel", "server": "nowhere"}, "There is no server “nowhere”"),
    ],
    ids=["nowhere", "two_places", "no_address", "no_kind", "no_fallback", "no_server"],
)
async def test_what_makes_no_sense_is_refused_with_the_next_step(
    home: World, options: dict[str, Any], told: str
) -> None:
    said = await give(home, "add", **options)
    assert told in said.replace("\\", "")
    assert await home.stores.routes.all() == ()


async def test_a_test_shows_whether_alerts_arrive(home: World) -> None:
    assert "It arrived" in await give(home, "test")
    [message] = home.alerts.history()
    assert "This is a test" in (message.embeds[0].title or "")
    home.env.inject_error("POST", f"/channels/{home.alerts.id}/messages", status=403, times=1)
    said = await give(home, "test")
    assert "It did not arrive: " in said
    assert "403" in said


async def test_fault_38_once_a_test_arrives_dead_letters_are_tried_again(home: World) -> None:
    event_id = await bury(home, home.alerts)
    assert f"Alert #{event_id} could be delivered nowhere: HTTP 404" in await give(home, "list")
    assert "1 alert that could go nowhere is tried again" in await give(home, "test")
    await until(lambda: titles(home.alerts)[1:] == ["🔔 This is a test", "💥 Alpha World crashed"])
    await home.rest()
    assert "nowhere" not in await give(home, "list")


async def test_a_mute_is_begun_listed_and_ended(home: World) -> None:
    told = await give(home, "mute", minutes=30, server="alpha", kind="server_crashed")
    assert "`alpha` · crashes: no alerts until" in told
    assert "`/alerts mute minutes:0 server:alpha kind:crashes` ends it" in told
    await crash(home)
    await crash(home, "beta")
    await until(lambda: bool(home.alerts.history()))
    await home.rest()
    assert len(home.alerts.history()) == 1
    assert "Beta" in (home.alerts.history()[0].embeds[0].title or "")
    listed = await give(home, "list")
    assert "`alpha` · crashes: no alerts until" in listed
    assert "Nothing was silent" in await give(home, "mute", minutes=0, server="alpha", kind="server_hung")
    assert "sent again" in await give(home, "mute", minutes=0, server="alpha")
    assert "Nothing was silent" in await give(home, "mute", minutes=0, server="alpha")


async def test_who_manages_one_server_does_not_touch_the_routes_of_another(home: World) -> None:
    await home.grant(Action.MANAGE, "beta", user_id=home.people.viewer.id)
    await give(home, "add", channel="channel", server="alpha")
    viewer = home.people.viewer
    assert "may not" in await give(home, "remove", who=viewer, route="1")
    assert "may not" in await give(home, "test", who=viewer, route="1")
    assert "may not" in await give(home, "list", who=viewer)
    assert "#2" in await give(home, "add", who=viewer, channel="channel", server="beta")
    assert "**#1**" not in await give(home, "list", who=viewer, server="beta")
    result = await home.forge(viewer, home.channel, "alerts remove", {"route": ""}, focused="route")
    assert [choice["value"] for choice in result.autocomplete_choices or ()] == ["2"]


async def test_fault_46_nor_falls_back_on_them_or_learns_what_is_silent_or_lost_there(home: World) -> None:
    viewer = home.people.viewer
    await home.grant(Action.MANAGE, "beta", user_id=viewer.id)
    await give(home, "add", channel="channel", server="alpha")
    await give(home, "mute", minutes=30, server="alpha", kind="server_hung")
    event_id = await bury(home, home.channel)
    refused = await give(home, "add", who=viewer, channel="channel", server="beta", fallback="1")
    assert "may not" in refused
    assert refused == await give(home, "add", who=viewer, channel="channel", server="beta", fallback="999")
    assert len(await home.stores.routes.all()) == 1
    everything, of_beta = await give(home, "list"), await give(home, "list", who=viewer, server="beta")
    for told in ("`alpha` · does not answer: no alerts until", f"Alert #{event_id} could be delivered nowhere"):
        assert told in everything
        assert told not in of_beta


async def test_an_owner_of_nothing_hears_in_korean(home: World) -> None:
    result = await home.forge(home.people.admin, home.channel, "alerts list", {}, locale="ko")
    assert result.response is not None
    assert "알림을 보내는 곳" in (result.response.embeds[0].title or "")


async def test_a_mute_says_whom_it_is_from(home: World) -> None:
    await give(home, "mute", minutes=5)
    [mute] = await home.stores.mutes.all(home.clock.now_ms())
    admin = home.people.admin
    assert mute == Mute(
        None, "", home.clock.now_ms() + 300_000, Actor(ActorKind.DISCORD, str(admin.id), mute.by.name)
    )
