"""The people and places of the stand-in: users, guilds, roles, channels, members.

Payloads as in https://discord.com/developers/docs/resources. What changes while a bot is connected is announced to it
through the gateway, as Discord does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.standin.message import Message
from tests.standin.record import Json

EPOCH_MS = 1_420_070_400_000
"""Where snowflakes begin to count."""
ADMINISTRATOR = 1 << 3
ALL_PERMISSIONS = (1 << 53) - 1
EVERYONE_PERMISSIONS = 0x0000_0000_8004_CC40
"""View, send, embed, attach, read history and use application commands, among others."""
TEXT, DM = 0, 1

Announce = Callable[[str, Json], None]


class Snowflakes:
    """Ids that grow with time, as Discord's do."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> int:
        self._last = max(self._last + 1, (time.time_ns() // 1_000_000 - EPOCH_MS) << 22)
        return self._last


@dataclass(slots=True, eq=False)
class User:
    """An account."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"
    """The language of this user's client."""

    def payload(self) -> Json:
        return {
            "id": str(self.id),
            "username": self.name,
            "global_name": None,
            "discriminator": "0",
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
        }


@dataclass(slots=True, eq=False)
class Role:
    """A role of one guild."""

    id: int
    name: str
    permissions: int
    position: int

    def payload(self) -> Json:
        return {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(self.permissions),
            "position": self.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }


@dataclass(slots=True, eq=False)
class Channel:
    """A text channel of a guild, or a direct conversation with one user."""

    id: int
    name: str
    guild: Guild | None = None
    recipient: User | None = None
    messages: dict[int, Message] = field(default_factory=dict)
    """By id, oldest first: the ones everyone can see."""

    def payload(self) -> Json:
        if self.recipient is not None:
            return {"id": str(self.id), "type": DM, "recipients": [self.recipient.payload()], "last_message_id": None}
        return {
            "id": str(self.id),
            "type": TEXT,
            "guild_id": str(self.guild.id) if self.guild else None,
            "name": self.name,
            "position": 0,
            "permission_overwrites": [],
            "nsfw": False,
            "topic": None,
            "parent_id": None,
            "rate_limit_per_user": 0,
            "last_message_id": None,
            "flags": 0,
        }


@dataclass(slots=True, eq=False)
class Member:
    """A user in a guild."""

    user: User
    guild: Guild
    roles: list[Role]

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def permissions(self) -> int:
        """What this member may do in the guild's channels, as a bit set."""
        if self.guild.owner is self:
            return ALL_PERMISSIONS
        granted = self.guild.everyone.permissions
        for role in self.roles:
            granted |= role.permissions
        return ALL_PERMISSIONS if granted & ADMINISTRATOR else granted

    def payload(self) -> Json:
        return {
            "user": self.user.payload(),
            "roles": [str(role.id) for role in self.roles],
            "nick": None,
            "avatar": None,
            "joined_at": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
            "premium_since": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "communication_disabled_until": None,
            "flags": 0,
        }

    def give(self, role: Role) -> None:
        self.roles.append(role)
        self._changed()

    def take(self, role: Role) -> None:
        self.roles.remove(role)
        self._changed()

    def _changed(self) -> None:
        self.guild.announce("GUILD_MEMBER_UPDATE", {**self.payload(), "guild_id": str(self.guild.id)})


@dataclass(slots=True, eq=False)
class Guild:
    """A guild the bot is in, and how to fill it."""

    id: int
    name: str
    locale: str
    snowflake: Snowflakes
    announce: Announce
    everyone: Role
    owner: Member | None = None
    roles: list[Role] = field(default_factory=list)
    channels: dict[int, Channel] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)

    def role(self, name: str, *, permissions: int = 0) -> Role:
        """Make a role; permissions as a bit set."""
        role = Role(self.snowflake(), name, permissions, len(self.roles) + 1)
        self.roles.append(role)
        self.announce("GUILD_ROLE_CREATE", {"guild_id": str(self.id), "role": role.payload()})
        return role

    def channel(self, name: str) -> Channel:
        """Make a text channel."""
        channel = Channel(self.snowflake(), name, guild=self)
        self.channels[channel.id] = channel
        self.announce("CHANNEL_CREATE", channel.payload())
        return channel

    def delete_channel(self, channel: Channel) -> None:
        """Take a channel away, with all that was said in it."""
        del self.channels[channel.id]
        self.announce("CHANNEL_DELETE", channel.payload())

    def member(
        self, who: str | User, *, roles: Iterable[Role] = (), owner: bool = False, locale: str = "en-US"
    ) -> Member:
        """Let somebody in: a known user, or somebody new by this name."""
        user = who if isinstance(who, User) else User(self.snowflake(), who, locale=locale)
        member = Member(user, self, list(roles))
        self.members[user.id] = member
        if owner:
            self.owner = member
        self.announce("GUILD_MEMBER_ADD", {**member.payload(), "guild_id": str(self.id)})
        return member

    def payload(self) -> Json:
        """The guild without its people and places, as REST tells it."""
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.owner.id if self.owner else 0),
            "preferred_locale": self.locale,
            "roles": [role.payload() for role in (self.everyone, *self.roles)],
            "emojis": [],
            "stickers": [],
            "features": [],
            "icon": None,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": 0,
            "system_channel_flags": 0,
            "afk_timeout": 300,
        }

    def create_payload(self, seen: Iterable[Member]) -> Json:
        """The whole guild, as GUILD_CREATE tells it to a bot that may see these members."""
        return {
            **self.payload(),
            "joined_at": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "members": [member.payload() for member in seen],
            "channels": [channel.payload() for channel in self.channels.values()],
            "threads": [],
            "presences": [],
            "voice_states": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }
