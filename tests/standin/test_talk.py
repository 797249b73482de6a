"""An unmodified discord.py talks with the stand-in: connects, syncs, answers, posts, edits."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass

import discord
import pytest
from discord import app_commands

from tests.standin.client import running
from tests.standin.places import Channel, Guild, Member
from tests.standin.server import StandIn

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
EPHEMERAL = 64


class Modal(discord.ui.Modal, title="Add a server"):
    name: discord.ui.TextInput[Modal] = discord.ui.TextInput(label="Name", custom_id="name")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"added {self.name.value}")


class Buttons(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Stop", custom_id="stop:survival")
    async def stop_server(self, interaction: discord.Interaction, _: discord.ui.Button[Buttons]) -> None:
        await interaction.response.edit_message(content="stopping", view=None)

    @discord.ui.button(label="Logs", custom_id="logs:survival")
    async def logs(self, interaction: discord.Interaction, _: discord.ui.Button[Buttons]) -> None:
        await interaction.response.defer()
        await interaction.followup.send("a log", ephemeral=True)

    @discord.ui.select(custom_id="range", options=[discord.SelectOption(label=name) for name in ("1h", "6h")])
    async def pick(self, interaction: discord.Interaction, select: discord.ui.Select[Buttons]) -> None:
        await interaction.response.send_message(select.values[0])


class Bot(discord.Client):
    """A plain client with one command of each kind."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.default(), guild_ready_timeout=0.05)
        self.tree = app_commands.CommandTree(self)
        self.tree.command(name="status", description="How it is")(status)
        self.tree.command(name="grant", description="Let somebody")(grant)
        self.tree.command(name="put", description="A file")(put)
        self.tree.command(name="panel", description="Buttons")(panel)
        server = app_commands.Group(name="server", description="Servers")
        server.command(name="add", description="One more")(add)
        self.tree.add_command(server)

    async def setup_hook(self) -> None:
        await self.tree.sync()


async def complete(_: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    names = ("survival", "creative", "summer")
    return [app_commands.Choice(name=n.title(), value=n) for n in names if n.startswith(current)]


@app_commands.autocomplete(server=complete)
async def status(interaction: discord.Interaction, server: str, lines: int = 10) -> None:
    await interaction.response.defer(thinking=True)
    await interaction.edit_original_response(content=f"{server}: starting")
    chart = discord.File(io.BytesIO(PNG), "chart.png")
    embed = discord.Embed(title=f"{server}: running").set_image(url="attachment://chart.png")
    await interaction.edit_original_response(content=f"{lines} lines", embed=embed, attachments=[chart])
    await interaction.followup.send("done", ephemeral=True)


async def grant(interaction: discord.Interaction, who: discord.Member, role: discord.Role) -> None:
    assert isinstance(interaction.user, discord.Member)
    may = interaction.permissions.administrator
    text = f"{who.display_name} {role.name} {interaction.locale} {interaction.guild_locale} {may}"
    await interaction.response.send_message(text, ephemeral=True)


async def put(interaction: discord.Interaction, file: discord.Attachment) -> None:
    await interaction.response.send_message((await file.read()).decode())


async def panel(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("survival", view=Buttons())


async def add(interaction: discord.Interaction) -> None:
    await interaction.response.send_modal(Modal())


@dataclass
class Scene:
    standin: StandIn
    bot: Bot
    guild: Guild
    channel: Channel
    alice: Member

    @property
    def place(self) -> discord.TextChannel:
        channel = self.bot.get_channel(self.channel.id)
        assert isinstance(channel, discord.TextChannel)
        return channel


@pytest.fixture
async def scene(redirected: StandIn) -> AsyncIterator[Scene]:
    guild = redirected.guild("Games", locale="ko")
    admins = guild.role("admins", permissions=discord.Permissions(administrator=True).value)
    channel = guild.channel("alerts")
    alice = guild.member("alice", roles=[admins], locale="ko")
    async with running(Bot(), redirected.token) as bot:
        yield Scene(redirected, bot, guild, channel, alice)


async def test_a_client_connects_and_sees_the_guild(scene: Scene) -> None:
    (guild,) = scene.bot.guilds
    assert (guild.name, [c.name for c in guild.text_channels]) == ("Games", ["alerts"])
    assert [role.name for role in guild.roles] == ["@everyone", "admins"]
    assert guild.me.id == scene.standin.world.application_id


async def test_a_sync_is_one_request_and_its_commands_are_kept(scene: Scene) -> None:
    assert len(scene.standin.calls("PUT", "/applications/*/commands")) == 1
    assert [command["name"] for command in scene.standin.commands.of(None)] == [
        "status",
        "grant",
        "put",
        "panel",
        "server",
    ]


async def test_a_deferred_reply_is_acknowledged_in_time_and_edited(scene: Scene) -> None:
    act = await scene.standin.slash(scene.alice, scene.channel, "status", {"server": "survival", "lines": 3})
    assert (await act.acknowledged())["type"] == 5
    assert act.answered_after_s is not None
    assert act.answered_after_s < 3
    assert (await act.response()).content == "survival: starting"
    final = await act.edited(2)
    assert (final.content, final.file("chart.png").data) == ("3 lines", PNG)
    assert final.embeds[0]["image"]["url"] == final.file("chart.png").url
    assert (await act.followup()).ephemeral
    assert [m.content for m in scene.standin.messages(scene.channel)] == ["3 lines"]


async def test_options_carry_members_roles_locales_and_permissions(scene: Scene) -> None:
    bob = scene.guild.member("bob")
    friends = scene.guild.role("friends")
    act = await scene.standin.slash(scene.alice, scene.channel, "grant", {"who": bob, "role": friends})
    reply = await act.response()
    assert (reply.content, reply.flags & EPHEMERAL) == ("bob friends ko ko True", EPHEMERAL)
    assert scene.standin.messages(scene.channel) == []


async def test_an_uploaded_file_can_be_read(scene: Scene) -> None:
    upload = scene.standin.upload("servers.toml", b"[[servers]]")
    act = await scene.standin.slash(scene.alice, scene.channel, "put", {"file": upload})
    assert (await act.response()).content == "[[servers]]"


async def test_autocomplete_returns_the_choices(scene: Scene) -> None:
    choices = await scene.standin.autocomplete(scene.alice, scene.channel, "status", {"server": "su"})
    assert [choice["value"] for choice in choices] == ["survival", "summer"]


async def test_a_button_updates_its_message(scene: Scene) -> None:
    panel = await (await scene.standin.slash(scene.alice, scene.channel, "panel")).response()
    click = await scene.standin.click(scene.alice, panel, "Stop")
    updated = await click.response()
    assert (updated.id, updated.content, updated.controls()) == (panel.id, "stopping", [])
    assert scene.standin.messages(scene.channel) == [updated]


async def test_a_button_may_defer_and_follow_up(scene: Scene) -> None:
    panel = await (await scene.standin.slash(scene.alice, scene.channel, "panel")).response()
    click = await scene.standin.click(scene.alice, panel, "logs:survival")
    assert (await click.followup()).content == "a log"
    assert scene.standin.messages(scene.channel) == [panel]


async def test_a_select_sends_its_values(scene: Scene) -> None:
    panel = await (await scene.standin.slash(scene.alice, scene.channel, "panel")).response()
    act = await scene.standin.choose(scene.alice, panel, "range", ["6h"])
    assert (await act.response()).content == "6h"


async def test_a_modal_is_filled_in_and_sent(scene: Scene) -> None:
    act = await scene.standin.slash(scene.alice, scene.channel, "server add")
    sent = await scene.standin.submit(act, {"name": "Survival"})
    assert (await sent.response()).content == "added Survival"


async def test_a_message_with_embed_and_file_is_posted_edited_and_found_again(scene: Scene) -> None:
    posted = await scene.place.send(embed=discord.Embed(title="crash"), file=discord.File(io.BytesIO(PNG), "a.png"))
    assert await posted.attachments[0].read() == PNG
    await posted.edit(content="up again", attachments=[discord.File(io.BytesIO(PNG * 2), "b.png")])
    (stored,) = scene.standin.messages(scene.channel)
    assert (stored.content, stored.embeds[0]["title"]) == ("up again", "crash")
    assert [(a.filename, len(a.data)) for a in stored.attachments] == [("b.png", 2 * len(PNG))]
    (request,) = scene.standin.calls("POST", "/channels/*/messages")
    assert [(f.filename, f.data) for f in request.files] == [("a.png", PNG)]
    found = [message async for message in scene.place.history(limit=5)]
    assert [message.content for message in found] == ["up again"]


async def test_an_attachment_that_an_edit_names_is_kept(scene: Scene) -> None:
    posted = await scene.place.send("two", files=[discord.File(io.BytesIO(PNG), n) for n in ("a.png", "b.png")])
    edited = await posted.edit(attachments=[posted.attachments[1], discord.File(io.BytesIO(b"c"), "c.txt")])
    assert [attachment.filename for attachment in edited.attachments] == ["b.png", "c.txt"]


async def test_history_pages_backwards(scene: Scene) -> None:
    for number in range(5):
        await scene.place.send(str(number))
    middle = scene.standin.messages(scene.channel)[3]
    found = [m.content async for m in scene.place.history(limit=2, before=discord.Object(middle.id))]
    assert found == ["2", "1"]


async def test_the_same_nonce_returns_the_earlier_message(scene: Scene) -> None:
    first = await scene.place.send("once", nonce="event-1")
    second = await scene.place.send("once", nonce="event-1")
    other = await scene.place.send("twice", nonce="event-2")
    assert first.id == second.id != other.id
    assert [m.content for m in scene.standin.messages(scene.channel)] == ["once", "twice"]


async def test_a_direct_message_reaches_the_user(scene: Scene) -> None:
    user = await scene.bot.fetch_user(scene.alice.id)
    await user.send("psst")
    conversation = scene.standin.world.conversation(scene.alice.user)
    assert [m.content for m in scene.standin.messages(conversation)] == ["psst"]


async def test_an_incoming_webhook_posts_by_its_url(scene: Scene) -> None:
    webhook = scene.standin.webhook(scene.channel)
    hook = discord.Webhook.from_url(webhook.url, client=scene.bot)
    await hook.send("from outside", wait=True)
    (posted,) = scene.standin.messages(scene.channel)
    assert (posted.content, posted.webhook_id) == ("from outside", webhook.id)


async def test_who_would_be_pinged_is_known(scene: Scene) -> None:
    text = "@everyone <@1> <@&2>"
    await scene.place.send(text)
    await scene.place.send(text, allowed_mentions=discord.AllowedMentions.none())
    await scene.place.send(text, allowed_mentions=discord.AllowedMentions(everyone=False, users=True, roles=False))
    loud, mute, some = scene.standin.messages(scene.channel)
    assert (loud.pings, mute.pings, some.pings) == (("@everyone", "<@1>", "<@&2>"), (), ("<@1>",))


async def test_the_bot_can_leave_a_guild(scene: Scene) -> None:
    (guild,) = scene.bot.guilds
    await guild.leave()
    assert scene.standin.world.guilds == {}


async def test_what_people_say_is_told_to_the_bot(scene: Scene) -> None:
    told = scene.bot.loop.create_task(scene.bot.wait_for("message", timeout=5))
    scene.bot.loop.call_soon(scene.standin.say, scene.alice, scene.channel, "hello")
    message = await told
    assert (message.author.name, message.channel.id) == ("alice", scene.channel.id)
