"""What stands under the bot's name: how many players are on, and how many servers are up."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import discord
import structlog

from cogs.locale.catalogue import Words
from cogs.render.totals import totals
from cogs.reply import NOT_SENT
from monitor.ports import Clock, Control

EVERY_S = 20.0
"""Discord takes five changes in that time."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Presence:
    """The task that keeps it current."""

    client: discord.Client
    control: Control
    words: Words
    clock: Clock
    online: asyncio.Event
    """Set once the client may be used."""
    _shown: str | None = None
    """`None`: nobody knows what Discord shows."""
    _login: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Change it when it has changed, until cancelled."""
        await self.online.wait()
        while True:
            self._login.clear()
            await self._show()
            with suppress(TimeoutError):
                await self.clock.wait_for(self._login.wait(), EVERY_S)

    async def on_login(self) -> None:
        """A new session begins without it, and counts its changes anew."""
        self._shown = None
        self._login.set()

    async def _show(self) -> None:
        servers = self.control.servers()
        text = totals(servers, self.words) if servers else ""
        if text == self._shown:
            return
        activity = discord.CustomActivity(text) if text else None
        try:
            await self.client.change_presence(activity=activity)
        except NOT_SENT as failure:
            log.info("presence_not_shown", failure=repr(failure))
        else:
            self._shown = text
