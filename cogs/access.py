"""The one gate: who may do what. It fails closed, and stands before every command and every autocomplete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import discord

from monitor.errors import GamekeeperError
from monitor.model import Actor, ActorKind, Server
from storage.grants import Action, Grant, Grants, PrincipalKind, allows


class Denial(StrEnum):
    """Why somebody was turned away."""

    NOT_IN_GUILD = "not_in_guild"
    """A direct message, or the app used as somebody's own and not as the guild's."""
    FOREIGN_GUILD = "foreign_guild"
    NO_GRANT = "no_grant"


class AccessDenied(GamekeeperError):
    def __init__(self, denial: Denial, action: Action, server_id: str | None) -> None:
        super().__init__(denial, action, server_id)
        self.denial = denial
        self.action = action
        self.server_id = server_id


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who uses Discord, as the interaction at hand shows them."""

    user_id: int
    name: str
    guild_id: int | None
    """`None` where the app was not used as an app of a guild."""
    role_ids: frozenset[int]

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.DISCORD, str(self.user_id), self.name)


def person(interaction: discord.Interaction) -> Person:
    """Give who is behind an interaction, with the roles that Discord says they have at this moment."""
    user = interaction.user
    own_app = interaction.is_user_integration() and not interaction.is_guild_integration()
    in_guild = interaction.guild_id is not None and not own_app
    roles = frozenset(role.id for role in user.roles) if isinstance(user, discord.Member) else frozenset()
    return Person(user.id, user.display_name, interaction.guild_id if in_guild else None, roles)


class Access:
    """Knows the owners, the guilds and the grants."""

    def __init__(self, grants: Grants, *, owner_ids: Iterable[int], guild_ids: Iterable[int]) -> None:
        self._grants = grants
        self._owner_ids = frozenset(owner_ids)
        self._guild_ids = frozenset(guild_ids)
        self._held: dict[int, tuple[Grant, ...]] = {}

    async def grant(self, grant: Grant) -> bool:
        """Add a grant; it counts from the next interaction on."""
        added = await self._grants.add(grant)
        # Only now: whoever read the grants meanwhile may have seen them without it.
        self._held.pop(grant.guild_id, None)
        return added

    async def authorize(self, who: Person, action: Action, server_id: str | None) -> None:
        """Let `who` pass, or not. The server is `None` for what concerns them all.

        Raises:
            AccessDenied: they may not; it says why.
        """
        if who.guild_id is None:
            raise AccessDenied(Denial.NOT_IN_GUILD, action, server_id)
        if self._guild_ids and who.guild_id not in self._guild_ids:
            raise AccessDenied(Denial.FOREIGN_GUILD, action, server_id)
        if who.user_id in self._owner_ids:
            return
        if not allows(await self._grants_of(who, who.guild_id), action, server_id):
            raise AccessDenied(Denial.NO_GRANT, action, server_id)

    async def visible(self, who: Person, action: Action, servers: Iterable[Server]) -> Sequence[Server]:
        """Give the servers that `who` may do this to."""
        return [server for server in servers if await self._may(who, action, server.id)]

    async def _may(self, who: Person, action: Action, server_id: str) -> bool:
        try:
            await self.authorize(who, action, server_id)
        except AccessDenied:
            return False
        return True

    async def _grants_of(self, who: Person, guild_id: int) -> list[Grant]:
        """Give the grants that `who` holds. A guild's grants are read once: only this class changes them."""
        if guild_id not in self._held:
            self._held[guild_id] = await self._grants.all(guild_id)
        return [grant for grant in self._held[guild_id] if _holds(who, grant)]


def _holds(who: Person, grant: Grant) -> bool:
    if grant.principal_kind is PrincipalKind.ROLE:
        return grant.principal_id in who.role_ids
    return grant.principal_id == who.user_id
