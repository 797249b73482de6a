"""Who acts, from where, with what rights: the part of a payload that access is decided by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import discord
import pytest
from discord import app_commands

from tests.standin.client import running
from tests.standin.places import ADMINISTRATOR, ALL_PERMISSIONS, EVERYONE_PERMISSIONS, Channel, Guild
from tests.standin.server import StandIn

MANAGE = discord.Permissions(manage_guild=True).value


class Client(discord.Client):
    """Passes on each interaction it hears of."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.default(), guild_ready_timeout=0.05)
        self.tree = app_commands.CommandTree(self)
        self.tree.command(name="ping", description="Ping")(ping)
        self.heard: asyncio.Queue[discord.Interaction] = asyncio.Queue()

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        await self.heard.put(interaction)

    async def hear(self) -> discord.Interaction:
        return await asyncio.wait_for(self.heard.get(), 5)


async def ping(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("pong")


@pytest.fixture
def guild(redirected: StandIn) -> Guild:
    return redirected.guild()


@pytest.fixture
def channel(guild: Guild) -> Channel:
    return guild.channel("talk")


@pytest.fixture
async def client(redirected: StandIn, channel: Channel) -> AsyncIterator[Client]:
    async with running(Client(), redirected.token) as client:
        yield client


@pytest.mark.parametrize(
    ("granted", "owner", "permissions"),
    [
        (0, False, EVERYONE_PERMISSIONS),
        (MANAGE, False, EVERYONE_PERMISSIONS | MANAGE),
        (ADMINISTRATOR, False, ALL_PERMISSIONS),
        (0, True, ALL_PERMISSIONS),
    ],
    ids=["everyone", "role", "administrator", "owner"],
)
def test_permissions_add_up(guild: Guild, granted: int, *, owner: bool, permissions: int) -> None:
    member = guild.member("alice", roles=[guild.role("r", permissions=granted)], owner=owner)
    assert member.permissions == permissions


async def test_fault_46_a_role_taken_away_is_gone_from_the_next_act(
    redirected: StandIn, client: Client, guild: Guild, channel: Channel
) -> None:
    admins = guild.role("admins", permissions=MANAGE)
    alice = guild.member("alice", roles=[admins])
    rights = []
    changes: list[Callable[[], None]] = [lambda: None, lambda: alice.take(admins), lambda: alice.give(admins)]
    for change in changes:
        change()
        await redirected.slash(alice, channel, "ping")
        rights.append((await client.hear()).permissions.manage_guild)
    assert rights == [True, False, True]


async def test_fault_46_a_button_can_be_forged(
    redirected: StandIn, client: Client, guild: Guild, channel: Channel
) -> None:
    alice = guild.member("alice")
    message = redirected.say(alice, channel, "no buttons here")
    await redirected.forge_click(alice, message, "stop:survival")
    heard = await client.hear()
    assert heard.data == {"component_type": 2, "custom_id": "stop:survival"}
    with pytest.raises(LookupError):
        await redirected.click(alice, message, "stop:survival")


async def test_fault_47_a_direct_message(redirected: StandIn, client: Client) -> None:
    bob = redirected.world.user("bob")
    act = await redirected.slash(bob, redirected.world.conversation(bob), "ping")
    heard = await client.hear()
    assert (heard.guild_id, heard.user.name, heard.context.dm_channel) == (None, "bob", True)
    assert (await act.response()).content == "pong"


async def test_fault_47_a_foreign_guild_by_user_install(redirected: StandIn, client: Client) -> None:
    abroad = redirected.world.foreign_guild("Abroad")
    eve = abroad.member("eve")
    await redirected.slash(eve, abroad.channel("lobby"), "ping", user_install=True)
    heard = await client.hear()
    assert heard.guild_id == abroad.id
    assert heard.is_user_integration()
    assert not heard.is_guild_integration()
    assert abroad.id not in redirected.world.guilds


async def test_commands_synced_to_one_guild_are_known_only_there(
    redirected: StandIn, client: Client, guild: Guild
) -> None:
    client.tree.command(name="local", description="Here only", guild=discord.Object(guild.id))(ping_here)
    await client.tree.sync(guild=discord.Object(guild.id))
    other = redirected.guild("Elsewhere")
    act = await redirected.slash(guild.member("alice"), guild.channel("a"), "local")
    assert (await act.response()).content == "here"
    with pytest.raises(LookupError):
        await redirected.slash(other.member("bob"), other.channel("b"), "local")


async def ping_here(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("here")


async def test_a_reply_can_be_deleted(redirected: StandIn, client: Client, guild: Guild, channel: Channel) -> None:
    act = await redirected.slash(guild.member("alice"), channel, "ping")
    heard = await client.hear()
    await act.response()
    assert (await heard.original_response()).content == "pong"
    await heard.delete_original_response()
    assert (act.shown, redirected.messages(channel)) == (None, [])
