"""Starts, stops and restarts a server for somebody, by a command or a button alike; the answer follows the steps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import discord

from cogs.attempt import attempt_of
from cogs.locale.catalogue import Words, catalogue
from cogs.render.outcome import climbed, outcome
from cogs.reply import progress
from monitor.model import Rung, Server
from monitor.ports import Control


@dataclass(frozen=True, slots=True)
class Done:
    """How it ended."""

    server: Server
    """As it is now."""
    text: str
    """For whoever asked."""


class _Steps:
    """Shows each step of a stop in the answer as it begins. The stop itself never waits for that."""

    def __init__(self, interaction: discord.Interaction, server: Server, words: Words) -> None:
        self._interaction = interaction
        self._server = server
        self._words = words
        self._news: asyncio.Queue[Rung | None] = asyncio.Queue()
        self.reached: list[Rung] = []

    def __call__(self, rung: Rung) -> None:
        self._news.put_nowait(rung)

    async def during(self, work: Awaitable[Server]) -> Server:
        """Await what takes the steps, and return once the last one is shown."""
        showing = asyncio.create_task(self._show())
        try:
            return await work
        finally:
            self._news.put_nowait(None)
            await showing

    async def _show(self) -> None:
        while (rung := await self._news.get()) is not None:
            self.reached.append(rung)
            if self._news.empty():
                await progress(self._interaction, climbed(self._server, self.reached, self._words))


@dataclass(frozen=True, slots=True)
class Orders:
    """Carries them out. The interaction has entered, and was deferred; each call may be refused as by `Control`."""

    control: Control

    async def start(self, interaction: discord.Interaction, server: Server) -> Done:
        after = await self.control.start(server.id, attempt_of(interaction).who.actor)
        return _done(interaction, after)

    async def stop(
        self, interaction: discord.Interaction, server: Server, *, reason: str = "", force: bool = False
    ) -> Done:
        steps, by = _steps(interaction, server), attempt_of(interaction).who.actor
        stop = self.control.stop(server.id, by, reason=reason, force=force, on_rung=steps)
        return _done(interaction, await steps.during(stop), steps.reached)

    async def restart(self, interaction: discord.Interaction, server: Server, *, reason: str = "") -> Done:
        steps, by = _steps(interaction, server), attempt_of(interaction).who.actor
        restart = self.control.restart(server.id, by, reason=reason, on_rung=steps)
        return _done(interaction, await steps.during(restart), steps.reached)


def _steps(interaction: discord.Interaction, server: Server) -> _Steps:
    return _Steps(interaction, server, catalogue(interaction.locale.value))


def _done(interaction: discord.Interaction, after: Server, reached: Sequence[Rung] | None = None) -> Done:
    return Done(after, outcome(after, catalogue(interaction.locale.value), reached))
