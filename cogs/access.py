"""Who may do what. It fails closed: what nobody granted is allowed to nobody. `cogs/gate.py` asks it each time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import discord

from monitor.errors import GamekeeperError
from monitor.model import Actor, ActorKind, Server
from storage.grants import Action, Grant, Grants, PrincipalKind, allows

OWNER = "owner"
"""In the place of the grant that allowed something: no grant was needed."""


class Denial(StrEnum):
    """Why somebody was turned away."""

    NOT_IN_GUILD = "not_in_guild"
    """A direct message, or the app used as somebody's own and not as the guild's."""
    FOREIGN_GUILD = "foreign_guild"
    NO_GRANT = "no_grant"
    NOT_OWNER = "not_owner"
    """It reaches the host itself, which no grant can allow."""
    NOT_YOURS = "not_yours"
    """The button was made for somebody else."""
    FORGED = "forged"
    """Nothing of ours offers that."""
    EXPIRED = "expired"
    """The button or form is from another time."""


class AccessDenied(GamekeeperError):
    def __init__(self, denial: Denial, action: Action | None = None, server_id: str | None = None) -> None:
        super().__init__(denial, action, server_id)
        self.denial = denial
        self.action = action
        """What a grant would have to allow; `None` where none can."""
        self.server_id = server_id


class NobodyMeant(GamekeeperError):
    """What was typed names no role and no person."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who uses Discord, as the interaction at hand shows them."""

    user_id: int
    name: str
    guild_id: int | None
    """`None` where the app was not used as an app of a guild."""
    role_ids: frozenset[int]

    def same_as(self, other: Person) -> bool:
        """Whether that is the same person in the same guild, whatever their roles: rights are a guild's own."""
        return (self.user_id, self.guild_id) == (other.user_id, other.guild_id)

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.DISCORD, str(self.user_id), self.name)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether somebody may do something, and what that rests on."""

    denial: Denial | None = None
    """`None`: they may."""
    grant: Grant | None = None
    """The grant that allows it; `None` where none was needed, or none does."""

    @property
    def allowed_by(self) -> str:
        """The grant in one stable line, for the audit."""
        return OWNER if self.grant is None else described(self.grant)


@dataclass(frozen=True, slots=True)
class House:
    """What the settings say of who may come in at all."""

    owner_ids: frozenset[int]
    guild_ids: frozenset[int]
    """Empty: any guild."""

    def decide(self, who: Person, action: Action | None, server_id: str | None, grants: Iterable[Grant]) -> Decision:
        """Judge one wish, purely. `None` for the action: what only an owner may; for the server: all of them.

        Args:
            who: who wants it.
            action: what they want to do.
            server_id: where.
            grants: all grants of their guild; others may be among them.
        """
        if who.guild_id is None:
            return Decision(Denial.NOT_IN_GUILD)
        if self.guild_ids and who.guild_id not in self.guild_ids:
            return Decision(Denial.FOREIGN_GUILD)
        if who.user_id in self.owner_ids:
            return Decision()
        if action is None:
            return Decision(Denial.NOT_OWNER)
        found = next((g for g in grants if holds(who, g) and allows([g], action, server_id)), None)
        return Decision(Denial.NO_GRANT) if found is None else Decision(grant=found)


def holds(who: Person, grant: Grant) -> bool:
    """Whether they have this grant, by themselves or by a role, in the guild where they are."""
    if grant.guild_id != who.guild_id:
        return False
    if grant.principal_kind is PrincipalKind.ROLE:
        return grant.principal_id in who.role_ids
    return grant.principal_id == who.user_id


def described(grant: Grant) -> str:
    """Such as `role:123 control on survival`, `user:5 admin on *`."""
    return f"{grant.principal_kind.value}:{grant.principal_id} {grant.action.value} on {grant.server_id or '*'}"


def person(interaction: discord.Interaction) -> Person:
    """Give who is behind an interaction, with the roles that Discord says they have at this moment."""
    user = interaction.user
    # Of an app that somebody uses as their own, others may press the buttons: it is theirs for none of them.
    guild_id = interaction.guild_id if interaction.is_guild_integration() else None
    roles = frozenset(role.id for role in user.roles) if isinstance(user, discord.Member) else frozenset()
    return Person(user.id, user.display_name, guild_id, roles)


class Access:
    """Knows the owners, the guilds and the grants."""

    def __init__(self, grants: Grants, *, owner_ids: Iterable[int], guild_ids: Iterable[int]) -> None:
        self._grants = grants
        self._house = House(frozenset(owner_ids), frozenset(guild_ids))
        self._held: dict[int, tuple[Grant, ...]] = {}
        self._changes = 0

    async def grant(self, grant: Grant) -> bool:
        """Add a grant; it counts from the next interaction on. `False`: it was given before.

        Raises:
            UnknownServer: no server has that id.
        """
        try:
            return await self._grants.add(grant)
        finally:
            self.read_again()

    async def revoke(self, grant: Grant) -> bool:
        """Take a grant back; from the next interaction on it does not count. `False`: it was never given.

        Raises:
            UnknownServer: no server has that id.
        """
        try:
            return await self._grants.remove(grant)
        finally:
            self.read_again()

    def read_again(self) -> None:
        """Forget what was read: the grants have changed, or a server has gone with those on it."""
        self._changes += 1
        self._held.clear()

    async def grants(self, guild_id: int) -> tuple[Grant, ...]:
        """Give every grant of a guild, the oldest first. They are read once after each change."""
        while guild_id not in self._held:
            changes = self._changes
            found = await self._grants.all(guild_id)
            # What changed meanwhile may be missing in it.
            if changes == self._changes:
                self._held[guild_id] = found
        return self._held[guild_id]

    async def decide(self, who: Person, action: Action | None, server_id: str | None) -> Decision:
        """Say whether they may, and why. As in `House.decide`."""
        # Outside its guilds, and for an owner, nothing needs to be read.
        decision = self._house.decide(who, action, server_id, ())
        if decision.denial is not Denial.NO_GRANT or who.guild_id is None:
            return decision
        return self._house.decide(who, action, server_id, await self.grants(who.guild_id))

    async def authorize(self, who: Person, action: Action | None, server_id: str | None) -> Decision:
        """Let `who` pass, or not. No action: only an owner passes. No server: it is about all of them.

        Raises:
            AccessDenied: they may not; it says why.
        """
        decision = await self.decide(who, action, server_id)
        if decision.denial is not None:
            raise AccessDenied(decision.denial, action, server_id)
        return decision

    async def visible(self, who: Person, action: Action, servers: Iterable[Server]) -> Sequence[Server]:
        """Give the servers that `who` may do this to."""
        return [server for server in servers if (await self.decide(who, action, server.id)).denial is None]
