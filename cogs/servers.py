"""`/server`: which servers there are, and how each is started, reached and kept up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import discord
from discord import app_commands
from discord.app_commands import locale_str

from cogs.access import Person, person
from cogs.confirm import Confirmations
from cogs.drafts import Drafts
from cogs.gate import Gate
from cogs.locale.catalogue import Words, catalogue, mark
from cogs.pages import Page, Pages
from cogs.render.descriptions import PER_PAGE, import_preview, listing, saved, sheet
from cogs.render.text import escape
from cogs.reply import NOT_SENT, answer, ask, defer
from cogs.server_cog import ServerCog, find
from cogs.server_forms import AddForm, BasicsForm, Change, ConnectionForm, ProgramForm, fits
from monitor import arguments, lifecycle
from monitor.changes import changes
from monitor.drafting import Draft, spec_of_draft
from monitor.editing import Basics, Program, with_basics, with_connection, with_program
from monitor.errors import GameFileError, Problem, ServerFileError, UnknownServer
from monitor.games.own_files import OwnSettings, find_own
from monitor.lifecycle import Request
from monitor.model import Server
from monitor.paths import homeless, place_problems
from monitor.ports import Control
from monitor.roster import Roster
from monitor.serverfile import MAX_BYTES, read_servers
from monitor.spec import ServerSpec
from storage.grants import Action

BASICS, PROGRAM, CONNECTION = "basics", "program", "connection"
REMOVE = mark("Remove **{name}**? Nobody looks after it then. Its history and its files stay.")
LET_GO = mark("Remove **{name}** while it is up? It runs on, and nobody looks after it. Its history and files stay.")


class ServersCog(ServerCog):
    """Adds, changes and removes servers."""

    server = app_commands.Group(
        name="server",
        description=locale_str("The servers that are looked after"),
        guild_only=True,
    )

    def __init__(
        self,
        control: Control,
        gate: Gate,
        roster: Roster,
        *,
        drafts: Drafts,
        confirmations: Confirmations,
        pages: Pages,
    ) -> None:
        super().__init__(control, gate)
        self.roster = roster
        self.drafts = drafts
        self.confirmations = confirmations
        self.pages = pages

    # Adding

    @server.command(name="add", description=locale_str("Describe a new server in a form"))
    async def add(self, interaction: discord.Interaction) -> None:
        await self.gate.enter(interaction, None, None, private=True)
        await self.show_add_form(interaction)

    async def show_add_form(self, interaction: discord.Interaction) -> None:
        """Show the form of a new server, to somebody who has entered."""
        words = catalogue(interaction.locale.value)
        await ask(interaction, AddForm(self.gate, sorted(self.roster.adapters), words, self._draft))

    async def _draft(self, interaction: discord.Interaction, form: AddForm, game: str) -> None:
        await defer(interaction, ephemeral=True)
        words = arguments.split(form.arguments.value)
        draft = Draft(form.called.value, form.program.value, words, form.folder.value, game)
        taken = {server.id for server in self.control.servers()}
        make = partial(spec_of_draft, taken=taken, adapters=self.roster.adapters, roots=self.roster.roots)
        spec = await asyncio.to_thread(make, draft)
        await self.drafts.offer(interaction, spec, await _own(spec))

    # Changing

    @server.command(name="edit", description=locale_str("Change how a server is called, started or reached"))
    @app_commands.describe(
        server=locale_str("Which server to change"),
        part=locale_str("What to change; the name and restarts if left out"),
    )
    @app_commands.choices(
        part=[
            app_commands.Choice(name=locale_str("name, autostart, restarts"), value=BASICS),
            app_commands.Choice(name=locale_str("program, arguments, folder (owners)"), value=PROGRAM),
            app_commands.Choice(name=locale_str("ports, password, stop command (owners)"), value=CONNECTION),
        ]
    )
    @app_commands.autocomplete(server=ServerCog.may_manage)
    async def edit(self, interaction: discord.Interaction, server: str, part: str = BASICS) -> None:
        words = catalogue(interaction.locale.value)
        if part == BASICS:
            meant = await self.meant(interaction, Action.MANAGE, server, private=True)
            await ask(interaction, BasicsForm(self.gate, meant.described, words, self._change))
            return
        spec = (await self._owned(interaction, server)).described
        if part == CONNECTION:
            await ask(interaction, ConnectionForm(self.gate, spec, words, self._change))
        elif fits(spec):
            await ask(interaction, ProgramForm(self.gate, spec, words, self._change))
        else:
            too_long = words.text(
                "Its command is too long for a form. Change it in a file, and take that by `/server import`."
            )
            await answer(interaction, content=f"⚠️ {too_long}", ephemeral=True)

    async def _owned(self, interaction: discord.Interaction, typed: str) -> Server:
        """Give the server that an owner means.

        Raises:
            AccessDenied: it is no owner.
            UnknownServer: there is none.
        """
        server = find(self.control.servers(), typed)
        await self.gate.enter(interaction, None, server.id if server is not None else typed, private=True)
        if server is None:
            raise UnknownServer(typed)
        return server

    async def _change(self, interaction: discord.Interaction, server_id: str, typed: Change) -> None:
        await defer(interaction, ephemeral=True)
        before, server = await self.roster.change(server_id, partial(_edited, typed, self.roster.roots))
        lines = changes(before, server.described)
        await answer(interaction, content=saved(server, lines, catalogue(interaction.locale.value)), ephemeral=True)
        await self.gate.finish(interaction, detail="\n".join(lines))

    # Removing

    @server.command(name="remove", description=locale_str("Look after a server no more; its history stays"))
    @app_commands.describe(
        server=locale_str("Which server to remove"),
        leave_running=locale_str("Also while it is up: it then runs on, and nobody looks after it"),
    )
    @app_commands.autocomplete(server=ServerCog.may_manage)
    async def remove(
        self,
        interaction: discord.Interaction,
        server: str,
        leave_running: bool = False,  # noqa: FBT001, FBT002 - the signature is the command's
    ) -> None:
        words = catalogue(interaction.locale.value)
        meant = await self.meant(interaction, Action.MANAGE, server, private=True)
        await defer(interaction, ephemeral=True)
        if not leave_running:
            lifecycle.require(meant, Request.REMOVE)
        name = escape(meant.spec.name)
        question = words.text(REMOVE if meant.process is None else LET_GO, name=name)
        act = partial(self._remove, meant.id, leave_running=leave_running)
        yes = words.text("Remove it")
        await self.confirmations.ask(interaction, question, yes, act, action=Action.MANAGE, server_id=meant.id)

    async def _remove(self, server_id: str, interaction: discord.Interaction, *, leave_running: bool) -> None:
        words = catalogue(interaction.locale.value)
        gone = self.control.server(server_id)
        await self.roster.remove(server_id, person(interaction).actor, leave_running=leave_running)
        name = escape(gone.spec.name)
        told = words.text("🗑️ **{name}** is removed; its history stays.", name=name)
        if gone.process is not None:
            told += "\n" + words.text("Its process {pid} runs on, and nobody looks after it.", pid=gone.process.pid)
        await answer(interaction, content=told, ephemeral=True)
        await self.gate.finish(interaction, detail="\n".join(changes(gone.described, None)))

    # Looking

    @server.command(name="show", description=locale_str("How a server is described, without its passwords"))
    @app_commands.describe(server=locale_str("Which server to show"))
    @app_commands.autocomplete(server=ServerCog.may_manage)
    async def show(self, interaction: discord.Interaction, server: str) -> None:
        meant = await self.meant(interaction, Action.MANAGE, server, private=True)
        await defer(interaction, ephemeral=True)
        own = await _own(meant.described)
        await answer(interaction, embed=sheet(meant, own, catalogue(interaction.locale.value)), ephemeral=True)

    @server.command(name="list", description=locale_str("All servers that you may change"))
    async def every(self, interaction: discord.Interaction) -> None:
        visible = await self.gate.enter_where_allowed(interaction, Action.MANAGE, self.control.servers())
        await defer(interaction, ephemeral=True)

        async def page(number: int, words: Words, who: Person) -> Page:
            servers = await self.gate.access.visible(who, Action.MANAGE, self.control.servers())
            return Page(listing(servers, number, words), more=len(servers) > (number + 1) * PER_PAGE)

        server_id = visible[0].id if visible else None
        await self.pages.show(interaction, page, action=Action.MANAGE, server_id=server_id)

    # Taking in a file

    @server.command(name="import", description=locale_str("Take all servers of a file, or none if any is wrong"))
    @app_commands.describe(
        file=locale_str("TOML or JSON, as servers.example.toml explains; an old monitor's list too")
    )
    async def take(self, interaction: discord.Interaction, file: discord.Attachment) -> None:
        words = catalogue(interaction.locale.value)
        await self.gate.enter(interaction, None, None, private=True)
        await defer(interaction, ephemeral=True)
        data, source = await _downloaded(file), file.filename
        base = self.roster.roots[0] if self.roster.roots else Path.cwd()
        read = partial(read_servers, source=source, base=base, adapters=self.roster.adapters)
        said = await asyncio.to_thread(read, data)
        problems = await asyncio.to_thread(place_problems, said.servers, self.roster.roots)
        if problems:
            raise ServerFileError(source, problems)
        missing = await asyncio.to_thread(homeless, said.servers)
        question = import_preview(self._pairs(said.servers), said.left_out, missing, words)
        yes = words.text("Take it in")
        await self.confirmations.ask(interaction, question, yes, partial(self._take, said.servers), action=None)

    async def _take(self, specs: Sequence[ServerSpec], interaction: discord.Interaction) -> None:
        words = catalogue(interaction.locale.value)
        pairs = self._pairs(specs)
        after = await self.roster.save(specs)
        told = words.plural(
            "✅ {n} server is taken in. See `/server list`.",
            "✅ {n} servers are taken in. See `/server list`.",
            len(after),
        )
        if any(server.next_spec is not None for server in after):
            told += "\n" + words.text("For those that are up it counts from their next start on.")
        await answer(interaction, content=told, ephemeral=True)
        lines = [f"{spec.id}: {line}" for before, spec in pairs for line in changes(before, spec)]
        await self.gate.finish(interaction, detail="\n".join(lines))

    def _pairs(self, specs: Sequence[ServerSpec]) -> Sequence[tuple[ServerSpec | None, ServerSpec]]:
        known = {server.id: server.described for server in self.control.servers()}
        return [(known.get(spec.id), spec) for spec in specs]


def _edited(typed: Change, roots: Sequence[Path], spec: ServerSpec) -> ServerSpec:
    if isinstance(typed, Basics):
        return with_basics(spec, typed)
    return with_program(spec, typed, roots) if isinstance(typed, Program) else with_connection(spec, typed)


async def _own(spec: ServerSpec) -> OwnSettings | GameFileError | None:
    """Give what the game's own files say, or what is wrong with them."""
    try:
        return await asyncio.to_thread(find_own, spec)
    except GameFileError as wrong:
        return wrong


async def _downloaded(file: discord.Attachment) -> bytes:
    if file.size > MAX_BYTES:
        raise ServerFileError(file.filename, (_whole(f"the file is larger than {MAX_BYTES // 1024} KiB"),))
    try:
        return await file.read()
    except NOT_SENT as failure:
        raise ServerFileError(file.filename, (_whole("Discord did not hand it over; send it again"),)) from failure


def _whole(message: str) -> Problem:
    return Problem(None, "", message)
