"""New servers on their way: shown before they are kept, and tried out right after."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import ClassVar

import discord

from cogs.access import Denial, Person
from cogs.attempt import attempt_of
from cogs.components import Address, Verb, button, row
from cogs.errors import explain
from cogs.gate import Gate
from cogs.locale.catalogue import Words, catalogue
from cogs.render.descriptions import preview
from cogs.render.outcome import outcome
from cogs.render.text import escape
from cogs.reply import answer, turn
from monitor.changes import changes
from monitor.errors import GameFileError, LaunchRefused
from monitor.games.own_files import OwnSettings
from monitor.model import Server
from monitor.ports import Clock, Control
from monitor.roster import Roster
from monitor.spec import ServerSpec

OPEN_S = 900.0
SAVE, TEST, CANCEL = "save", "test", "cancel"
KEEP, STOP, REMOVE = "keep", "stop", "remove"


@dataclass(frozen=True, slots=True)
class _Open:
    who: Person
    spec: ServerSpec
    until_s: float


class Drafts(Verb):
    """What was typed and is not kept yet. A restart of the bot forgets it."""

    name: ClassVar[str] = "draft"

    def __init__(self, gate: Gate, control: Control, roster: Roster, clock: Clock) -> None:
        self._gate = gate
        self._control = control
        self._roster = roster
        self._clock = clock
        self._open: dict[str, _Open] = {}

    async def offer(
        self, interaction: discord.Interaction, spec: ServerSpec, own: OwnSettings | GameFileError | None
    ) -> None:
        """Show it, with the buttons that keep it, try it out or drop it."""
        now_s = self._clock.monotonic()
        self._open = {key: draft for key, draft in self._open.items() if draft.until_s > now_s}
        key = secrets.token_urlsafe(9)
        self._open[key] = _Open(attempt_of(interaction).who, spec, now_s + OPEN_S)
        words = catalogue(interaction.locale.value)
        view = row(
            button(Address(self.name, (key, SAVE)), words.text("Keep it"), discord.ButtonStyle.success),
            button(Address(self.name, (key, TEST)), words.text("Keep it and test a start")),
            button(Address(self.name, (key, CANCEL)), words.text("Drop it")),
        )
        await answer(interaction, embed=preview(spec, own, words), view=view, ephemeral=True)

    async def press(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> None:
        if len(parts) != 2 or parts[1] not in (SAVE, TEST, CANCEL):  # noqa: PLR2004 - which one, and what about it
            raise await self._gate.refuse(interaction, Denial.FORGED)
        key, what = parts
        draft = self._open.get(key)
        if draft is None or draft.until_s <= self._clock.monotonic():
            raise await self._gate.refuse(interaction, Denial.EXPIRED)
        if not draft.who.same_as(attempt_of(interaction).who):
            raise await self._gate.refuse(interaction, Denial.NOT_YOURS)
        await self._gate.enter(interaction, None, draft.spec.id, private=True)
        # Two presses may both have come this far.
        if self._open.pop(key, None) is None:
            raise await self._gate.refuse(interaction, Denial.EXPIRED)
        words = catalogue(interaction.locale.value)
        if what == CANCEL:
            await turn(interaction, content=words.text("Nothing was kept."))
            return
        await turn(interaction, content=words.text("One moment …"))
        server = await self._roster.add(draft.spec)
        await (self._try(interaction, server) if what == TEST else answer(interaction, content=_kept(server, words)))
        await self._gate.finish(interaction, detail="\n".join(changes(None, draft.spec)))

    async def _try(self, interaction: discord.Interaction, server: Server) -> None:
        """Start it, wait until players can join or it has failed, and leave it to them what becomes of it."""
        words = catalogue(interaction.locale.value)
        try:
            server = await self._control.start(server.id, attempt_of(interaction).who.actor)
        except LaunchRefused as refused:
            told = f"⚠️ {explain(refused, words)}"
        else:
            told = outcome(server, words)
        up = server.process is not None
        text = f"{_kept(server, words, start=False)}\n{told}"
        await answer(interaction, content=text, view=_what_next(server.id, words, up=up), ephemeral=True)


class Trial(Verb):
    """What becomes of a server that was tried out."""

    name: ClassVar[str] = "trial"

    def __init__(self, gate: Gate, control: Control, roster: Roster) -> None:
        self._gate = gate
        self._control = control
        self._roster = roster

    async def press(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> None:
        if len(parts) != 2 or parts[1] not in (KEEP, STOP, REMOVE):  # noqa: PLR2004 - which server, and what about it
            raise await self._gate.refuse(interaction, Denial.FORGED)
        server_id, what = parts
        who = await self._gate.enter(interaction, None, server_id, private=True)
        words = catalogue(interaction.locale.value)
        server = self._control.server(server_id)
        name = escape(server.spec.name)
        await turn(interaction, content=words.text("One moment …"))
        if what == STOP:
            told = outcome(await self._control.stop(server_id, who.actor), words)
        elif what == REMOVE:
            await self._roster.remove(server_id, who.actor)
            await self._gate.finish(interaction, detail="\n".join(changes(server.described, None)))
            told = words.text("🗑️ **{name}** is removed; its history stays.", name=name)
        else:
            told = words.text("**{name}** stays as it is. See `/status`.", name=name)
        await answer(interaction, content=told, ephemeral=True)


def _kept(server: Server, words: Words, *, start: bool = True) -> str:
    name = escape(server.spec.name)
    if not start:
        return words.text("✅ **{name}** is kept, as `{id}`.", name=name, id=server.id)
    return words.text(
        "✅ **{name}** is kept, as `{id}`. Start it by `/start`; change it by `/server edit`.",
        name=name,
        id=server.id,
    )


def _what_next(server_id: str, words: Words, *, up: bool) -> discord.ui.View:
    last = (
        button(Address(Trial.name, (server_id, STOP)), words.text("Stop it again"))
        if up
        else button(Address(Trial.name, (server_id, REMOVE)), words.text("Remove it again"))
    )
    leave = words.text("Leave it running") if up else words.text("Leave it as it is")
    return row(button(Address(Trial.name, (server_id, KEEP)), leave, discord.ButtonStyle.success), last)
