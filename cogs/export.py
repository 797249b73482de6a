"""`/export`: a server's measurements as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str

from cogs.gate import Gate
from cogs.locale.catalogue import Words, catalogue
from cogs.render.export import exported, nothing_measured, on_its_way, too_large
from cogs.reply import answer, defer, progress
from cogs.server_cog import ServerCog
from monitor.errors import UnknownServer
from monitor.model import Server
from monitor.ports import Clock, Control
from storage.export import ExportRefused, wanted
from storage.export_file import Format, Written
from storage.exports import Exports, Made
from storage.grants import Action

SHOWN_EVERY_S = 3.0
AT_ONCE = 2
"""More of them wait: each reads a good part of the database, and the games come first."""
TYPED_AT_MOST = 100
TOO_LARGE = 40005
"""Request entity too large, https://discord.com/developers/docs/topics/opcodes-and-status-codes."""

Typed = app_commands.Range[str, 1, TYPED_AT_MOST]


class _Shown:
    """Shows from time to time how far the work is. The work itself never waits for that."""

    def __init__(self, interaction: discord.Interaction, server: Server, clock: Clock, words: Words) -> None:
        self._interaction = interaction
        self._server = server
        self._clock = clock
        self._words = words
        self._latest = Written()
        self._over = asyncio.Event()

    def __call__(self, written: Written) -> None:
        self._latest = written

    async def during(self, work: Awaitable[Made]) -> Made:
        """Await what tells how far it is; once this returns, nothing of that is shown any more."""
        showing = asyncio.create_task(self._show())
        try:
            return await work
        finally:
            self._over.set()
            await showing

    async def _show(self) -> None:
        while not self._over.is_set():
            with suppress(TimeoutError):
                await self._clock.wait_for(self._over.wait(), SHOWN_EVERY_S)
                return
            await progress(self._interaction, on_its_way(self._server, self._latest, self._words))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What somebody wants, and how they typed it."""

    server: Server
    span: str
    form: Format
    fields: str

    @property
    def name(self) -> str:
        return f"{self.server.id}-{self.span}"

    @property
    def command(self) -> str:
        """The command line that does the same."""
        options = f"--range {self.span} --format {self.form.value}"
        if self.fields:
            options += f" --fields {self.fields}"
        return f"gamekeeper export {self.server.id} {options} --output {self.name}.{self.form.value}"


class ExportCog(ServerCog):
    """Hands out what was measured."""

    def __init__(self, control: Control, gate: Gate, exports: Exports, clock: Clock) -> None:
        super().__init__(control, gate)
        self._exports = exports
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def cog_load(self) -> None:
        await self._exports.sweep()

    @app_commands.command(name="export", description=locale_str("A server's measurements as a file"))
    @app_commands.rename(form="format")
    @app_commands.describe(
        server=locale_str("Which server's"),
        range=locale_str("How far back, 168h at most, such as 90m or 7d; 24h if left out"),
        form=locale_str("What kind of file; jsonl if left out"),
        fields=locale_str("What to write, such as cpu,memory,players; everything if left out"),
    )
    @app_commands.choices(form=[Choice(name=form.value, value=form.value) for form in Format])
    @app_commands.autocomplete(server=ServerCog.may_view)
    @app_commands.guild_only()
    async def export(
        self,
        interaction: discord.Interaction,
        server: str,
        range: Typed = "24h",  # noqa: A002 - the option's name
        form: str = Format.JSONL.value,
        fields: Typed = "",
    ) -> None:
        words = catalogue(interaction.locale.value)
        try:
            meant = await self.meant(interaction, Action.VIEW, server)
            export = wanted((meant.id,), range, fields, self._clock.now_ms() // 1000)
        except (ExportRefused, UnknownServer):
            # A slip of the finger does not make them wait a minute.
            self.gate.limits.give_back(interaction.user.id, "export")
            raise
        chosen = ",".join(metric.key for metric in export.metrics) if fields else ""
        asked = _Asked(meant, "".join(range.split()).lower(), Format(form), chosen)
        await defer(interaction)
        limit_bytes = _limit(interaction)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._turns)
            shown = _Shown(interaction, meant, self._clock, words)
            making = self._exports.file(export, asked.form, asked.name, limit_bytes, shown)
            made = await shown.during(stack.enter_async_context(making))
            await _hand_over(interaction, asked, made, limit_bytes, words)


async def _hand_over(
    interaction: discord.Interaction, asked: _Asked, made: Made, limit_bytes: int, words: Words
) -> None:
    if made.written.rows == 0:
        await answer(interaction, content=nothing_measured(asked.server, asked.span, words))
    elif made.size_bytes > limit_bytes:
        await answer(interaction, content=too_large(made.size_bytes, asked.command, words))
    else:
        await _attach(interaction, asked, made, words)


async def _attach(interaction: discord.Interaction, asked: _Asked, made: Made, words: Words) -> None:
    file = _opened(made)
    try:
        await answer(interaction, content=exported(asked.server, made, asked.span, words), files=[file])
    except discord.HTTPException as failure:
        if failure.code != TOO_LARGE:
            raise
        await answer(interaction, content=too_large(made.size_bytes, asked.command, words))
    finally:
        file.close()  # gives the file's own way to close back
        file.fp.close()


def _opened(made: Made) -> discord.File:
    """Give the file to be read as it is sent. Opened here: what discord.py opens itself, it closes before a retry."""
    return discord.File(made.path.open("rb"), made.path.name)


def _limit(interaction: discord.Interaction) -> int:
    """How many bytes the answer's file may have, also where the answer has to go to the channel."""
    guild = interaction.guild
    return min(interaction.filesize_limit, guild.filesize_limit) if guild is not None else interaction.filesize_limit
