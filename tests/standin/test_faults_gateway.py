"""The gateway going wrong, as an unmodified discord.py meets it: row 42 of the list of faults, and 43."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import discord
import pytest

from tests.standin.client import redirect_discord, running
from tests.standin.gateway import HEARTBEAT, HELLO, IDENTIFY, PRESENCE, RESUME
from tests.standin.places import Channel, Guild
from tests.standin.server import StandIn

HEARTBEAT_MS = 100
MUTE_FOR_S = 1.0


class Client(discord.Client):
    """Counts what it is told."""

    def __init__(self, intents: discord.Intents | None = None) -> None:
        super().__init__(
            intents=intents or discord.Intents.default(), guild_ready_timeout=0.05, heartbeat_timeout=MUTE_FOR_S
        )
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Identify at once; discord.py would wait 5 s before all but the first."""

    async def on_message(self, message: discord.Message) -> None:
        await self.heard.put(message.content)

    async def hear(self) -> str:
        return await asyncio.wait_for(self.heard.get(), 5)


@pytest.fixture
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    """A stand-in whose heartbeats come every tenth of a second, so that their absence is soon noticed."""
    async with StandIn(heartbeat_ms=HEARTBEAT_MS) as server:
        redirect_discord(server, monkeypatch)
        yield server


@pytest.fixture
def guild(quick: StandIn) -> Guild:
    return quick.guild()


@pytest.fixture
def channel(guild: Guild) -> Channel:
    return guild.channel("talk")


@pytest.fixture
async def client(quick: StandIn, guild: Guild, channel: Channel) -> AsyncIterator[Client]:
    async with running(Client(), quick.token) as client:
        yield client


@contextmanager
def nothing_new(standin: StandIn, op: int) -> Iterator[None]:
    before = standin.gateway.count(op)
    yield
    assert standin.gateway.count(op) == before


async def resumed(standin: StandIn, times: int = 1) -> None:
    await standin.wait_for(lambda: standin.gateway.count(RESUME) >= times)


async def test_heartbeats_are_acknowledged(quick: StandIn, client: Client) -> None:
    seen = quick.gateway.count(HEARTBEAT)
    await quick.wait_for(lambda: quick.gateway.count(HEARTBEAT) >= seen + 2)
    assert client.latency < 1
    assert quick.gateway.opened == 1


async def test_fault_42_op_7_resumes_and_replays_what_was_missed(
    quick: StandIn, client: Client, guild: Guild, channel: Channel
) -> None:
    alice = guild.member("alice")
    with nothing_new(quick, IDENTIFY):
        quick.gateway.reconnect()
        await quick.wait_for(lambda: not quick.gateway.connections)
        quick.say(alice, channel, "said in between")
        assert await client.hear() == "said in between"
    assert (quick.gateway.count(RESUME), quick.gateway.opened) == (1, 2)


async def test_fault_42_op_9_identifies_anew(quick: StandIn, client: Client) -> None:
    (old,) = quick.gateway.sessions
    with nothing_new(quick, RESUME):
        quick.gateway.invalidate(resumable=False)
        await quick.wait_for(lambda: quick.gateway.count(IDENTIFY) == 2)
    assert old not in quick.gateway.sessions


async def test_fault_42_op_9_resumable_resumes(quick: StandIn, client: Client) -> None:
    with nothing_new(quick, IDENTIFY):
        quick.gateway.invalidate(resumable=True)
        await resumed(quick)


async def test_fault_42_no_ack_reconnects(quick: StandIn, client: Client) -> None:
    quick.gateway.acks = False
    await quick.wait_for(lambda: quick.gateway.opened == 2)
    quick.gateway.acks = True
    await resumed(quick)


async def test_fault_42_a_half_open_socket_is_left(
    quick: StandIn, client: Client, guild: Guild, channel: Channel
) -> None:
    # discord.py waits ws_close (30 s) for the farewell of a peer that is long gone; here not so long.
    client.ws.socket._timeout = aiohttp.ClientWSTimeout(ws_close=0.2)
    (frozen,) = quick.gateway.connections
    quick.gateway.freeze()
    quick.say(guild.member("alice"), channel, "into the void")
    assert await client.hear() == "into the void"
    assert quick.gateway.count(RESUME) == 1
    assert frozen in quick.gateway.connections


async def test_a_reset_gateway_resumes(quick: StandIn, client: Client) -> None:
    quick.gateway.sever()
    await resumed(quick)


@pytest.mark.parametrize("code", [1000, 1006, 4000, 4009], ids=str)
async def test_fault_42_a_passing_close_comes_back(quick: StandIn, client: Client, code: int) -> None:
    if code == 1006:
        quick.gateway.sever()
    else:
        quick.gateway.close(code)
    await quick.wait_for(lambda: quick.gateway.opened == 2)


@pytest.mark.parametrize(
    ("code", "error"), [(4004, discord.ConnectionClosed), (4014, discord.PrivilegedIntentsRequired)], ids=str
)
async def test_fault_42_a_final_close_ends_the_client(
    quick: StandIn, channel: Channel, code: int, error: type[discord.ClientException]
) -> None:
    quick.gateway.refuse_with = code
    with pytest.raises(error):
        async with running(Client(), quick.token):
            pytest.fail("it got in")


async def test_fault_42_intents_not_granted_close_with_4014(quick: StandIn, channel: Channel) -> None:
    quick.gateway.privileged = 0
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(Client(discord.Intents.all()), quick.token):
            pytest.fail("it got in")


async def test_members_are_told_under_their_intent(quick: StandIn, guild: Guild) -> None:
    guild.member("alice")
    async with running(Client(discord.Intents.all()), quick.token) as all_seeing:
        assert {member.name for member in all_seeing.guilds[0].members} == {"gamekeeper", "alice"}
    async with running(Client(), quick.token) as client:
        assert [member.name for member in client.guilds[0].members] == ["gamekeeper"]


async def test_fault_43_a_dispatch_can_be_doubled(
    quick: StandIn, client: Client, guild: Guild, channel: Channel
) -> None:
    message = quick.say(guild.member("alice"), channel, "first")
    assert await client.hear() == "first"
    quick.gateway.dispatch("MESSAGE_CREATE", message.payload(), times=2)
    assert [await client.hear(), await client.hear()] == ["first", "first"]


async def test_the_presence_is_kept(quick: StandIn, client: Client) -> None:
    await client.change_presence(activity=discord.Game("12 players"))
    shown = await quick.wait_for(lambda: quick.gateway.presence)
    assert shown is not None
    assert shown["activities"][0]["name"] == "12 players"
    assert quick.gateway.count(PRESENCE) == 1


async def identified(standin: StandIn, ws: aiohttp.ClientWebSocketResponse, token: str) -> None:
    """Say hello by hand, uncompressed."""
    assert (await ws.receive_json())["op"] == HELLO
    await ws.send_json({"op": IDENTIFY, "d": {"token": token, "intents": 1, "properties": {}}})
    await standin.wait_for(lambda: standin.gateway.count(IDENTIFY))


@pytest.mark.parametrize(("code", "left"), [(1000, 0), (1001, 0), (4000, 1)], ids=str)
async def test_only_a_clean_goodbye_ends_the_session(standin: StandIn, code: int, left: int) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(standin.gateway_url) as ws:
        await identified(standin, ws, standin.token)
        assert (await ws.receive_json())["t"] == "READY"
        await ws.close(code=code)
        await standin.wait_for(lambda: not standin.gateway.connections)
    assert len(standin.gateway.sessions) == left


async def test_a_wrong_token_is_closed_with_4004_and_not_kept(standin: StandIn) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(standin.gateway_url) as ws:
        await identified(standin, ws, "somebody's")
        await ws.receive()
        assert ws.close_code == 4004
    assert "somebody's" not in repr(standin.gateway.received)
