"""`/access`: who may do what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str

from cogs.access import NobodyMeant, Person, holds
from cogs.attempt import attempt_of
from cogs.confirm import Confirmations
from cogs.gate import Gate
from cogs.locale.catalogue import Words, catalogue
from cogs.pages import Page, Pages
from cogs.render.access import (
    GRANTED,
    GRANTED_BEFORE,
    LAST_ADMIN,
    NOT_GRANTED,
    REVOKED,
    changed,
    grants_embed,
    verdict,
)
from cogs.render.limits import CHOICE_NAME, CHOICES
from cogs.render.text import cut
from cogs.reply import answer
from cogs.server_cog import ServerCog, find
from monitor.errors import UnknownServer
from monitor.ports import Control
from storage.grants import Action, Grant, PrincipalKind

A_PAGE = 15
WHO_AT_MOST = 100
_WHO = re.compile(r"<@(&)?!?(\d{1,20})>|(role|user):(\d{1,20})", re.ASCII)

ACTIONS = [Choice(name=action.value, value=action.value) for action in Action]


@dataclass(frozen=True, slots=True)
class Principal:
    """A role or a person: somebody that grants are given to."""

    kind: PrincipalKind
    id: int

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.id}"


def principal_typed(text: str) -> Principal:
    """Read `role:1`, `user:2`, or a mention: also of what Discord does not know any more.

    Raises:
        NobodyMeant: it is none of these.
    """
    match = _WHO.fullmatch(text.strip())
    if match is None:
        raise NobodyMeant(text)
    role_sign, mentioned, kind, plain = match.groups()
    is_role = kind == PrincipalKind.ROLE.value or role_sign is not None
    return Principal(PrincipalKind.ROLE if is_role else PrincipalKind.USER, int(mentioned or plain))


def principal_of(who: discord.User | discord.Member | discord.Role) -> Principal:
    return Principal(PrincipalKind.ROLE if isinstance(who, discord.Role) else PrincipalKind.USER, who.id)


def person_of(who: discord.User | discord.Member | discord.Role, guild_id: int) -> Person:
    """Give the person, or anybody who has this one role and no other."""
    if isinstance(who, discord.Role):
        return Person(0, who.name, guild_id, frozenset({who.id, guild_id}))
    roles = frozenset(role.id for role in who.roles) if isinstance(who, discord.Member) else frozenset()
    return Person(who.id, who.display_name, guild_id, roles)


def leaves_nobody(grants: Sequence[Grant], without: Grant) -> bool:
    """Whether without this grant no grant of `admin` on all servers is left."""
    admins = [grant for grant in grants if grant.action is Action.ADMIN and grant.server_id is None]
    return admins == [without]


def counts_on(grant: Grant, server_id: str | None) -> bool:
    """Whether a grant has to do with that server; all of them have to do with all servers."""
    return server_id is None or grant.server_id in (None, server_id)


class AccessCog(ServerCog):
    """Gives rights and takes them back. Nobody can give what they do not have."""

    access = app_commands.Group(name="access", description=locale_str("Who may do what"), guild_only=True)

    def __init__(self, control: Control, gate: Gate, confirmations: Confirmations, pages: Pages) -> None:
        super().__init__(control, gate)
        self._confirmations = confirmations
        self._pages = pages

    @access.command(name="grant", description=locale_str("Let somebody, or a role, do something"))
    @app_commands.describe(
        who=locale_str("A person or a role"),
        action=locale_str("What they may do; admin includes all the others"),
        server=locale_str("On which server; on all of them, also those to come, if left out"),
    )
    @app_commands.choices(action=ACTIONS)
    @app_commands.autocomplete(server=ServerCog.may_administer)
    async def grant(
        self,
        interaction: discord.Interaction,
        who: discord.User | discord.Role,
        action: str,
        server: str | None = None,
    ) -> None:
        server_id = await self._administered(interaction, server)
        if server_id is not None and find(self.control.servers(), server_id) is None:
            raise UnknownServer(server_id)
        grant = self._grant(interaction, principal_of(who), action, server_id)
        added = await self.gate.access.grant(grant)
        await self._tell(interaction, GRANTED if added else GRANTED_BEFORE, grant)

    @access.command(name="revoke", description=locale_str("Take a right back"))
    @app_commands.describe(
        who=locale_str("A person or a role that has a grant; also one that is gone"),
        action=locale_str("What they may not do any more"),
        server=locale_str("On which server the grant is; on all of them if left out"),
    )
    @app_commands.choices(action=ACTIONS)
    @app_commands.autocomplete(server=ServerCog.may_administer)
    async def revoke(
        self,
        interaction: discord.Interaction,
        who: app_commands.Range[str, 1, WHO_AT_MOST],
        action: str,
        server: str | None = None,
    ) -> None:
        server_id = await self._administered(interaction, server)
        grant = self._grant(interaction, principal_typed(who), action, server_id)
        if leaves_nobody(await self.gate.access.grants(grant.guild_id), grant):
            words = catalogue(interaction.locale.value)
            await self._confirmations.ask(
                interaction,
                changed(LAST_ADMIN, grant, words),
                words.text("Take it back"),
                lambda pressed: self._revoke(pressed, grant),
                action=Action.ADMIN,
                server_id=server_id,
            )
        else:
            await self._revoke(interaction, grant)

    @access.command(name="list", description=locale_str("Every grant"))
    @app_commands.describe(server=locale_str("Only what counts on this server; everything if left out"))
    @app_commands.autocomplete(server=ServerCog.may_administer)
    async def list_(self, interaction: discord.Interaction, server: str | None = None) -> None:
        server_id = await self._administered(interaction, server)
        guild_id = _guild_id(interaction)
        roles = {guild_id} | {role.id for role in interaction.guild.roles} if interaction.guild else {guild_id}

        async def page(number: int, words: Words, _who: Person) -> Page:
            grants = [g for g in await self.gate.access.grants(guild_id) if counts_on(g, server_id)]
            shown = grants[number * A_PAGE : (number + 1) * A_PAGE]
            return Page(grants_embed(shown, roles, len(grants), words), more=(number + 1) * A_PAGE < len(grants))

        await self._pages.show(interaction, page, action=Action.ADMIN, server_id=server_id)

    @access.command(name="check", description=locale_str("Why somebody may do something, or may not"))
    @app_commands.describe(
        who=locale_str("A person, or a role"),
        action=locale_str("What they want to do"),
        server=locale_str("On which server; on all of them if left out"),
    )
    @app_commands.choices(action=ACTIONS)
    @app_commands.autocomplete(server=ServerCog.may_administer)
    async def check(
        self,
        interaction: discord.Interaction,
        who: discord.User | discord.Role,
        action: str,
        server: str | None = None,
    ) -> None:
        server_id = await self._administered(interaction, server)
        guild_id, words = _guild_id(interaction), catalogue(interaction.locale.value)
        somebody = person_of(who, guild_id)
        decision = await self.gate.access.decide(somebody, Action(action), server_id)
        # Of other servers, an admin of this one learns nothing.
        known = [grant for grant in await self.gate.access.grants(guild_id) if counts_on(grant, server_id)]
        held = [grant for grant in known if holds(somebody, grant)]
        text = verdict(who.mention, somebody, Action(action), server_id, decision=decision, held=held, words=words)
        await answer(interaction, content=text, ephemeral=True)

    @revoke.autocomplete("who")
    async def complete_who(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        """Offer whoever has a grant that this person may take back."""
        attempt = attempt_of(interaction)
        if attempt.who.guild_id is None:
            return []
        access = self.gate.access
        offered: dict[str, str] = {}
        for grant in await access.grants(attempt.who.guild_id):
            if (await access.decide(attempt.who, Action.ADMIN, grant.server_id)).denial is None:
                principal = Principal(grant.principal_kind, grant.principal_id)
                offered[str(principal)] = _name(interaction, principal)
        typed = current.casefold()
        fitting = [(value, name) for value, name in offered.items() if typed in name.casefold() or typed in value]
        return [Choice(name=cut(name, CHOICE_NAME), value=value) for value, name in fitting[:CHOICES]]

    async def _administered(self, interaction: discord.Interaction, typed: str | None) -> str | None:
        """Let an admin of the server, or else of all, in, and give the server's id. It may be one that is gone."""
        found = None if typed is None else find(self.control.servers(), typed)
        server_id = typed if found is None else found.id
        await self.gate.enter(interaction, Action.ADMIN, server_id, private=True)
        return server_id

    def _grant(self, interaction: discord.Interaction, who: Principal, action: str, server_id: str | None) -> Grant:
        return Grant(_guild_id(interaction), who.kind, who.id, Action(action), server_id)

    async def _revoke(self, interaction: discord.Interaction, grant: Grant) -> None:
        removed = await self.gate.access.revoke(grant)
        await self._tell(interaction, REVOKED if removed else NOT_GRANTED, grant)

    async def _tell(self, interaction: discord.Interaction, text: str, grant: Grant) -> None:
        content = changed(text, grant, catalogue(interaction.locale.value))
        await answer(interaction, content=content, ephemeral=True)


def _guild_id(interaction: discord.Interaction) -> int:
    """Give the guild of somebody who was let in: there is one."""
    guild_id = attempt_of(interaction).who.guild_id
    if guild_id is None:
        raise AssertionError
    return guild_id


def _name(interaction: discord.Interaction, principal: Principal) -> str:
    """Name a principal as far as it is known; one that is gone by its number."""
    guild = interaction.guild
    known: discord.Role | discord.Member | discord.User | None
    if principal.kind is PrincipalKind.ROLE:
        known = guild.get_role(principal.id) if guild else None
    else:
        known = (guild.get_member(principal.id) if guild else None) or interaction.client.get_user(principal.id)
    return str(principal) if known is None else f"{known.name} ({principal})"
