"""What every cog about servers shares: finding the server that somebody means, and the gate before it."""

from __future__ import annotations

from collections.abc import Iterable

import discord
from discord import app_commands
from discord.ext import commands

from cogs.access import Access, person
from cogs.render.limits import CHOICE_NAME, CHOICES
from cogs.render.text import cut
from monitor.errors import UnknownServer
from monitor.model import Server
from monitor.ports import Control
from storage.grants import Action

REMEMBERED = 1000
"""How many interactions are known again: those of a few minutes, whoever is typing."""


class Once:
    """Tells what comes for the first time from what was there before, as far back as it remembers."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._seen: dict[int, None] = {}

    def first(self, key: int) -> bool:
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > self._remembered:
            del self._seen[next(iter(self._seen))]
        return True


class ServerCog(commands.Cog):
    """A cog whose commands name a server."""

    def __init__(self, control: Control, access: Access) -> None:
        self.control = control
        self.access = access
        self._once = Once()

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Let each interaction through once: Discord delivers one again after it lost sight of us."""
        return self._once.first(interaction.id)

    async def meant(self, interaction: discord.Interaction, action: Action, typed: str) -> Server:
        """Give the server that was typed, by id or by name, once it is clear that they may do this to it.

        Raises:
            AccessDenied: they may not; nor do they learn whether it exists.
            UnknownServer: there is none.
        """
        server = find(self.control.servers(), typed)
        await self.access.authorize(person(interaction), action, server.id if server is not None else typed)
        if server is None:
            raise UnknownServer(typed)
        return server

    async def may_view(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await self._choices(interaction, Action.VIEW, current)

    async def may_control(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await self._choices(interaction, Action.CONTROL, current)

    async def may_console(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await self._choices(interaction, Action.CONSOLE, current)

    async def _choices(
        self, interaction: discord.Interaction, action: Action, current: str
    ) -> list[app_commands.Choice[str]]:
        """Offer only servers that this person may do this to."""
        servers = await self.access.visible(person(interaction), action, self.control.servers())
        typed = current.casefold()
        fitting = [s for s in servers if typed in s.id or typed in s.spec.name.casefold()]
        return [app_commands.Choice(name=cut(choice_name(s), CHOICE_NAME), value=s.id) for s in fitting[:CHOICES]]


def choice_name(server: Server) -> str:
    return server.id if server.spec.name in ("", server.id) else f"{server.spec.name} ({server.id})"


def find(servers: Iterable[Server], typed: str) -> Server | None:
    """Look a server up by its id, else by its name; a name that two of them share finds none."""
    wanted = typed.strip().casefold()
    known = list(servers)
    by_id = [server for server in known if server.id == wanted]
    by_name = [server for server in known if server.spec.name.casefold() == wanted]
    found = by_id or by_name
    return found[0] if len(found) == 1 else None
