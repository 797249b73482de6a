"""The stand-in's state: the application, its guilds, conversations and webhooks, and every message in them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tests.standin.message import Attachment, Message, breaches, filled, now, of
from tests.standin.places import EVERYONE_PERMISSIONS, Announce, Channel, Guild, Role, Snowflakes, User
from tests.standin.record import Json, Upload

NONCE_WINDOW_S = 180.0
"""How long a nonce is remembered; Discord says "the past few minutes"."""


class ApiError(Exception):
    """An error as Discord answers it: an HTTP status, its own code, a text."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.body: Json = {"message": message, "code": code} | ({"errors": errors} if errors else {})


@dataclass(frozen=True, slots=True)
class Webhook:
    """An incoming webhook of a channel."""

    id: int
    token: str
    channel: Channel

    @property
    def url(self) -> str:
        """As Discord hands it out; discord.py reads id and token from it and asks its own base."""
        return f"https://discord.com/api/webhooks/{self.id}/{self.token}"

    def payload(self) -> Json:
        guild = self.channel.guild
        return {
            "id": str(self.id),
            "type": 1,
            "name": "alerts",
            "avatar": None,
            "token": self.token,
            "channel_id": str(self.channel.id),
            "guild_id": str(guild.id) if guild else None,
            "application_id": None,
        }


class World:
    """Everything Discord knows of, in memory."""

    def __init__(self, announce: Announce, clock: Callable[[], float]) -> None:
        self.snowflake = Snowflakes()
        self.announce = announce
        self.clock = clock
        self.origin = ""
        """Where attachments are served from; known once the server listens."""
        self.application_id = self.snowflake()
        self.bot = User(self.application_id, "gamekeeper", bot=True)
        self.owner = User(self.snowflake(), "application-owner")
        self.guilds: dict[int, Guild] = {}
        self.conversations: dict[int, Channel] = {}
        """Direct conversations by the id of the other side."""
        self.users: dict[int, User] = {self.bot.id: self.bot, self.owner.id: self.owner}
        self.webhooks: dict[int, Webhook] = {}
        self.attachments: dict[int, Attachment] = {}
        self._nonces: dict[str, tuple[float, Message]] = {}

    def guild(self, name: str, *, locale: str = "en-US") -> Guild:
        """Make a guild with the bot in it."""
        snowflake = self.snowflake()
        everyone = Role(snowflake, "@everyone", EVERYONE_PERMISSIONS, 0)
        guild = Guild(snowflake, name, locale, self.snowflake, self.announce, everyone)
        guild.member(self.bot)
        self.guilds[guild.id] = guild
        # Only a guild that was there before, and could not be reached, is told to be available again.
        joined = guild.create_payload(guild.members.values())
        joined.pop("unavailable", None)
        self.announce("GUILD_CREATE", joined)
        return guild

    def foreign_guild(self, name: str) -> Guild:
        """Make a guild without the bot: commands come from there only by somebody's own installation."""
        snowflake = self.snowflake()
        everyone = Role(snowflake, "@everyone", EVERYONE_PERMISSIONS, 0)
        return Guild(snowflake, name, "en-US", self.snowflake, lambda _event, _data: None, everyone)

    def leave(self, guild: Guild) -> None:
        """The bot is no longer in this guild."""
        del self.guilds[guild.id]
        self.announce("GUILD_DELETE", {"id": str(guild.id), "unavailable": False})

    def user(self, name: str) -> User:
        """Make somebody who is in no guild yet."""
        user = User(self.snowflake(), name)
        self.users[user.id] = user
        return user

    def find_user(self, user_id: int) -> User:
        for guild in self.guilds.values():
            if user_id in guild.members:
                return guild.members[user_id].user
        if user_id not in self.users:
            raise ApiError(404, 10013, "Unknown User")
        return self.users[user_id]

    def conversation(self, user: User) -> Channel:
        """The direct conversation with somebody, opened if need be."""
        if user.id not in self.conversations:
            self.conversations[user.id] = Channel(self.snowflake(), user.name, recipient=user)
        return self.conversations[user.id]

    def webhook(self, channel: Channel) -> Webhook:
        """Make an incoming webhook for a channel."""
        webhook = Webhook(self.snowflake(), secrets.token_urlsafe(51), channel)
        self.webhooks[webhook.id] = webhook
        return webhook

    def channels(self) -> Iterator[Channel]:
        for guild in self.guilds.values():
            yield from guild.channels.values()
        yield from self.conversations.values()

    def channel(self, channel_id: int) -> Channel:
        for channel in self.channels():
            if channel.id == channel_id:
                return channel
        raise ApiError(404, 10003, "Unknown Channel")

    def message(self, channel: Channel, message_id: int) -> Message:
        if message_id not in channel.messages:
            raise ApiError(404, 10008, "Unknown Message")
        return channel.messages[message_id]

    def post(
        self, channel: Channel, body: Json, uploads: tuple[Upload, ...], *, like: Message | None = None
    ) -> Message:
        """Post a message, or return the earlier one with the same enforced nonce, whatever channel that stands in.

        `like` is a blank to start from, with the author in it; without it the bot is the author.
        """
        blank = like or Message(id=0, channel_id=channel.id, guild_id=None, author=self.bot.payload())
        earlier = self._earlier(body)
        if earlier is not None:
            return earlier
        guild_id = channel.guild.id if channel.guild else None
        message = replace(blank, id=self.snowflake(), guild_id=guild_id, created_at=now())
        reference = body.get("message_reference")
        message = replace(message, nonce=body.get("nonce"), reference=reference)
        message = self._with(message, body, uploads)
        self._keep(channel, message, "MESSAGE_CREATE")
        if message.nonce is not None:
            self._nonces[str(message.nonce)] = (self.clock(), message)
        return message

    def edit(self, channel: Channel, message: Message, body: Json, uploads: tuple[Upload, ...]) -> Message:
        edited = replace(self._with(message, body, uploads), edited_at=now())
        self._keep(channel, edited, "MESSAGE_UPDATE")
        return edited

    def delete(self, channel: Channel, message: Message) -> None:
        channel.messages.pop(message.id, None)
        self.announce("MESSAGE_DELETE", {"id": str(message.id), **_place(channel)})

    def _earlier(self, body: Json) -> Message | None:
        if not body.get("enforce_nonce"):
            return None
        at, message = self._nonces.get(str(body.get("nonce")), (float("-inf"), None))
        return message if self.clock() - at < NONCE_WINDOW_S else None

    def _with(self, message: Message, body: Json, uploads: tuple[Upload, ...]) -> Message:
        if broken := breaches(body):
            raise ApiError(400, 50035, "Invalid Form Body", {"_errors": broken})
        first_id = self.snowflake()
        for _ in uploads:
            self.snowflake()
        new = of(uploads, f"{self.origin}/attachments/{message.channel_id}", first_id)
        self.attachments.update((attachment.id, attachment) for attachment in new)
        result = filled(message, body, new)
        if not (result.content or result.embeds or result.attachments or result.components or result.loading):
            raise ApiError(400, 50006, "Cannot send an empty message")
        return result

    def _keep(self, channel: Channel, message: Message, event: str) -> None:
        if message.ephemeral:
            return
        channel.messages[message.id] = message
        self.announce(event, {**message.payload(nonce=True), **_place(channel)})


def _place(channel: Channel) -> Json:
    place = {"channel_id": str(channel.id)}
    return place | ({"guild_id": str(channel.guild.id)} if channel.guild else {})
