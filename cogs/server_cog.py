"""What every cog about servers shares: finding the server that somebody means, and the gate before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import discord
from discord import app_commands
from discord.ext import commands

from cogs.attempt import attempt_of
from cogs.gate import Gate
from cogs.render.limits import CHOICE_NAME, CHOICES
from cogs.render.text import cut
from monitor.errors import UnknownServer
from monitor.model import Server
from monitor.ports import Control
from storage.grants import Action


class ServerCog(commands.Cog):
    """A cog whose commands name a server."""

    def __init__(self, control: Control, gate: Gate) -> None:
        self.control = control
        self.gate = gate

    async def meant(
        self, interaction: discord.Interaction, action: Action, typed: str, *, private: bool = False
    ) -> Server:
        """Give the server that was typed, by id or by name, once it is clear that they may do this to it.

        Raises:
            AccessDenied: they may not; nor do they learn whether it exists.
            RateLimited: too much happens to it.
            UnknownServer: there is none.
        """
        server = find(self.control.servers(), typed)
        await self.gate.enter(interaction, action, server.id if server is not None else typed, private=private)
        if server is None:
            raise UnknownServer(typed)
        return server

    async def meant_or_all(
        self, interaction: discord.Interaction, action: Action, typed: str | None
    ) -> Sequence[Server]:
        """Give the one server that was typed, or else every server that they may do this to.

        Raises:
            AccessDenied: there is none, or not that one.
            UnknownServer: there is none of that name.
        """
        if typed is not None:
            return [await self.meant(interaction, action, typed)]
        return await self.gate.enter_where_allowed(interaction, action, self.control.servers())

    async def may_view(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await self._choices(interaction, Action.VIEW, current)

    async def may_control(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await self._choices(interaction, Action.CONTROL, current)

    async def may_console(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await self._choices(interaction, Action.CONSOLE, current)

    async def may_manage(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await self._choices(interaction, Action.MANAGE, current)

    async def may_administer(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await self._choices(interaction, Action.ADMIN, current)

    async def _choices(
        self, interaction: discord.Interaction, action: Action, current: str
    ) -> list[app_commands.Choice[str]]:
        """Offer only servers that this person may do this to."""
        servers = await self.gate.visible(interaction, action, self.control.servers())
        typed = current.casefold()
        fitting = [s for s in servers if typed in s.id or typed in s.spec.name.casefold()]
        shown = attempt_of(interaction).redaction.text
        names = {server.id: cut(shown(choice_name(server)), CHOICE_NAME) for server in fitting[:CHOICES]}
        return [app_commands.Choice(name=name, value=server_id) for server_id, name in names.items()]


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
