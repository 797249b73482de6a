"""HTTP going wrong, as an unmodified discord.py meets it; and what the stand-in keeps of it all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp
import discord
import pytest
from discord import app_commands

from tests.standin.client import running
from tests.standin.places import Channel, Guild, Member
from tests.standin.server import StandIn
from tests.standin.world import NONCE_WINDOW_S

POSTS = ("POST", "/channels/*/messages")


class Client(discord.Client):
    """A plain client with one command, for which the test holds the answer back."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.default(), guild_ready_timeout=0.05)
        self.tree = app_commands.CommandTree(self)
        self.asked: asyncio.Queue[discord.Interaction] = asyncio.Queue()
        self.tree.command(name="ping", description="Ping")(self._ping)

    async def _ping(self, interaction: discord.Interaction) -> None:
        await self.asked.put(interaction)

    async def setup_hook(self) -> None:
        await self.tree.sync()


@dataclass
class Scene:
    standin: StandIn
    client: Client
    guild: Guild
    channel: Channel
    alice: Member

    @property
    def place(self) -> discord.TextChannel:
        place = self.client.get_channel(self.channel.id)
        assert isinstance(place, discord.TextChannel)
        return place

    def said(self) -> list[str]:
        return [message.content for message in self.standin.messages(self.channel)]


@pytest.fixture
async def scene(redirected: StandIn) -> AsyncIterator[Scene]:
    guild = redirected.guild()
    channel, alice = guild.channel("alerts"), guild.member("alice")
    async with running(Client(), redirected.token) as client:
        yield Scene(redirected, client, guild, channel, alice)


@pytest.mark.parametrize("everywhere", [False, True], ids=["route", "global"])
async def test_fault_37_a_429_is_waited_out(scene: Scene, *, everywhere: bool) -> None:
    scene.standin.faults.rate_limit(*POSTS, 0.3, everywhere=everywhere)
    began = time.monotonic()
    await scene.place.send("late")
    assert time.monotonic() - began >= 0.3
    assert [request.status for request in scene.standin.calls(*POSTS)] == [429, 200]


async def test_fault_37_a_429_without_via_is_raised_at_once(scene: Scene) -> None:
    scene.standin.faults.rate_limit(*POSTS, 0.3, via=False)
    with pytest.raises(discord.HTTPException) as raised:
        await scene.place.send("never")
    assert (raised.value.status, raised.value.text) == (429, "error code: 1015")
    assert len(scene.standin.calls(*POSTS)) == 1


async def test_fault_36_a_502_after_the_message_was_made_is_not_doubled_by_the_retry(scene: Scene) -> None:
    scene.standin.faults.answer(*POSTS, 502, after=True)
    await scene.place.send("crash", nonce="event-7")
    assert [request.status for request in scene.standin.calls(*POSTS)] == [502, 200]
    assert scene.said() == ["crash"]


async def test_fault_36_without_a_nonce_the_retry_doubles_it(scene: Scene) -> None:
    scene.standin.faults.answer(*POSTS, 502, after=True)
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=scene.channel.id)
    await scene.client.http.request(route, json={"content": "crash"})
    assert scene.said() == ["crash", "crash"]


async def test_a_nonce_is_forgotten_after_some_minutes() -> None:
    now = [0.0]
    async with StandIn(clock=lambda: now[0]) as standin:
        channel = standin.guild().channel("alerts")
        body = {"content": "crash", "nonce": "event-7", "enforce_nonce": True}
        for at in (0.0, NONCE_WINDOW_S - 1, NONCE_WINDOW_S + 1):
            now[0] = at
            standin.world.post(channel, body, ())
        assert len(standin.messages(channel)) == 2


@pytest.mark.parametrize(("after", "stored"), [(False, []), (True, ["crash"])], ids=["before", "after"])
async def test_fault_36_a_reset_before_or_after_the_message_was_made(
    scene: Scene, *, after: bool, stored: list[str]
) -> None:
    scene.standin.faults.reset(*POSTS, after=after)
    with pytest.raises((OSError, aiohttp.ClientError)):
        await scene.place.send("crash")
    assert scene.said() == stored
    assert [request.status for request in scene.standin.calls(*POSTS)] == [None]


@pytest.mark.parametrize(("after", "stored"), [(False, []), (True, ["crash"])], ids=["before", "after"])
async def test_fault_36_silence_before_or_after_the_message_was_made(
    scene: Scene, *, after: bool, stored: list[str]
) -> None:
    fault = scene.standin.faults.hang(*POSTS, after=after)
    sending = asyncio.create_task(scene.place.send("crash"))
    await scene.standin.wait_for(lambda: fault.hits)
    assert scene.said() == stored
    fault.release()
    assert (await asyncio.wait_for(sending, 5)).content == "crash"
    assert scene.said() == ["crash"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, discord.Forbidden),
        (404, discord.NotFound),
        (503, discord.DiscordServerError),
        (401, discord.HTTPException),
    ],
    ids=str,
)
async def test_fault_38_a_refusal_is_raised(scene: Scene, status: int, error: type[discord.HTTPException]) -> None:
    scene.standin.faults.answer(*POSTS, status)
    with pytest.raises(error) as raised:
        await scene.place.send("never")
    assert raised.value.status == status
    assert scene.said() == []


async def test_fault_38_a_deleted_channel_is_unknown(scene: Scene) -> None:
    place = scene.place
    scene.guild.delete_channel(scene.channel)
    with pytest.raises(discord.NotFound) as raised:
        await place.send("never")
    assert raised.value.code == 10003


@pytest.mark.parametrize(
    "said",
    [
        {"content": "x" * 2001},
        {"embed": discord.Embed(title="x" * 257)},
        {"embed": discord.Embed(description="x" * 4097)},
        {"embed": discord.Embed().set_footer(text="x" * 2049)},
        {"embed": discord.Embed().add_field(name="x", value=" ")},
        {"embeds": [discord.Embed(description="x" * 3001)] * 2},
    ],
    ids=["content", "title", "description", "footer", "blank", "in all"],
)
async def test_fault_39_what_is_too_long_is_refused(scene: Scene, said: dict[str, object]) -> None:
    send: Callable[..., object] = scene.place.send
    with pytest.raises(discord.HTTPException) as raised:
        await send(**said)  # type: ignore[misc]
    assert (raised.value.status, raised.value.code) == (400, 50035)
    assert scene.said() == []
    scene.standin.schema.violations.clear()


async def test_an_empty_message_is_refused(scene: Scene) -> None:
    with pytest.raises(discord.HTTPException) as raised:
        await scene.place.send("")
    assert raised.value.code == 50006


async def test_fault_40_an_expired_interaction_is_unknown(scene: Scene) -> None:
    act = await scene.standin.slash(scene.alice, scene.channel, "ping")
    act.expired = True
    interaction = await asyncio.wait_for(scene.client.asked.get(), 5)
    with pytest.raises(discord.NotFound) as raised:
        await interaction.response.send_message("late")
    assert raised.value.code == 10062


async def test_fault_40_a_second_answer_is_refused(scene: Scene) -> None:
    act = await scene.standin.slash(scene.alice, scene.channel, "ping")
    first = await asyncio.wait_for(scene.client.asked.get(), 5)
    scene.standin.gateway.dispatch("INTERACTION_CREATE", act.payload)
    second = await asyncio.wait_for(scene.client.asked.get(), 5)
    await first.response.send_message("one")
    with pytest.raises(discord.HTTPException) as raised:
        await second.response.send_message("two")
    assert raised.value.code == 40060
    assert scene.said() == ["one"]


async def test_fault_40_a_token_dies_after_fifteen_minutes(scene: Scene) -> None:
    act = await scene.standin.slash(scene.alice, scene.channel, "ping")
    interaction = await asyncio.wait_for(scene.client.asked.get(), 5)
    await interaction.response.defer()
    act.at -= 901
    with pytest.raises(discord.HTTPException) as raised:
        await interaction.edit_original_response(content="late")
    assert (raised.value.status, raised.value.code) == (401, 50027)


async def test_fault_41_a_changed_token_is_refused(scene: Scene) -> None:
    scene.standin.token = "another"
    with pytest.raises(discord.HTTPException) as raised:
        await scene.place.send("never")
    assert raised.value.status == 401


async def test_a_fault_strikes_as_often_as_told(scene: Scene) -> None:
    fault = scene.standin.faults.answer(*POSTS, 403, times=2)
    for _ in range(2):
        with pytest.raises(discord.Forbidden):
            await scene.place.send("never")
    await scene.place.send("now")
    assert (fault.hits, fault.spent, scene.said()) == (2, True, ["now"])


async def test_a_lasting_fault_ends_when_lifted(scene: Scene) -> None:
    fault = scene.standin.faults.answer("*", "**", 403, times=None)
    for _ in range(3):
        with pytest.raises(discord.Forbidden):
            await scene.place.send("never")
    fault.lift()
    await scene.place.send("now")
    assert scene.said() == ["now"]


async def test_fault_35_gone_and_back_on_the_same_port(scene: Scene) -> None:
    base = scene.standin.base
    await scene.standin.stop()
    with pytest.raises(OSError, match="Cannot connect"):
        await scene.place.send("never")
    await scene.standin.start()
    assert scene.standin.base == base
    await scene.place.send("now")
    assert scene.said() == ["now"]


async def test_the_token_is_never_recorded(scene: Scene) -> None:
    await scene.place.send("hello")
    kept = repr([(r.headers, r.json, r.authorization) for r in scene.standin.requests])
    assert scene.standin.token not in kept + repr(scene.standin.gateway.received)
    assert all(request.authorized for request in scene.standin.requests)
    assert scene.standin.gateway.count(2) == 1


async def test_an_unknown_path_is_answered_as_discord_does(scene: Scene) -> None:
    route = discord.http.Route("GET", "/nowhere")
    with pytest.raises(discord.NotFound):
        await scene.client.http.request(route)
    scene.standin.schema.violations.clear()


async def test_a_wait_for_what_never_happens_ends(standin: StandIn) -> None:
    with pytest.raises(TimeoutError):
        await standin.wait_for(lambda: standin.requests, timeout_s=0.05)


@pytest.mark.parametrize("name", ["nope", "ping wrong"])
async def test_a_command_that_was_never_synced_can_not_be_sent(scene: Scene, name: str) -> None:
    with pytest.raises(LookupError):
        await scene.standin.slash(scene.alice, scene.channel, name)
