"""One panel, kept current: it is edited when what it shows has changed, and never more often than it may be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import discord
import structlog

from cogs.destinations import judged
from cogs.discretion import discreet_embed
from cogs.locale.catalogue import Words
from cogs.offers import panel_controls
from cogs.panel_pace import TRY_ANEW_S, Fate, due_in_s, fate
from cogs.render.panel import Face, face, off_embed, panel_embed
from cogs.setbacks import NotDelivered, Setback, gone_delay_s, retry_delay_s
from cogs.traffic import Traffic
from monitor.model import Server
from monitor.ports import Clock, Control
from monitor.redaction import Redaction
from storage.panels import Panel, Panels

LOOK_EVERY_S = 2.0
PAUSE_S = 60.0
"""While Discord takes nothing at all, and after what nobody foresaw."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What all panels share."""

    store: Panels
    client: discord.Client
    control: Control
    words: Words
    """Of the language that unprompted posts are in."""
    redaction: Redaction
    clock: Clock
    online: asyncio.Event
    """Set once the client may be used."""
    traffic: Traffic


@dataclass(slots=True, eq=False)
class Kept:
    """One panel, and the task that keeps it current."""

    panel: Panel
    around: Around
    trouble: str = ""
    """Why it is not current, for people who look after the bot."""
    unpinned: bool = False
    _seen: Sequence[Server] | None = None
    """The servers at the last look, where nothing was left to do."""
    _shown: Face | None = None
    _edited_s: float = float("-inf")
    _old_id: int | None = None
    """The message whose place another takes."""
    _failures: int = 0

    async def run(self) -> None:
        """Keep it current until it is no more."""
        while not self.unpinned:
            await self.around.online.wait()
            await self.around.clock.sleep(await self._look())

    async def post(self) -> None:
        """Send the message.

        Raises:
            NotDelivered: it was not sent.
            StorageError: it was, and that could not be written down.
        """
        servers, around = self._servers(), self.around
        now = face(servers, around.words)
        place = around.client.get_partial_messageable(self.panel.channel_id)
        view = panel_controls(servers, around.words, around.redaction) or discord.utils.MISSING
        # Sent again after a lost answer it is the same message; after the loss of an older message it is another.
        nonce = f"p{self.panel.id}-{self._old_id or 0}"
        async with judged():
            message = await place.send(embed=self._embed(now), view=view, nonce=nonce, silent=True)
        self._took(now)
        self.panel = replace(self.panel, message_id=message.id)
        await around.store.posted(self.panel.id, message.id)

    async def remove(self) -> None:
        """Keep it no more, and take its message away."""
        self.unpinned = True
        await self.around.store.remove(self.panel.id)
        if self.panel.message_id is not None:
            await self._delete(self.panel.message_id)

    async def say_off(self) -> None:
        """Say in its message that nobody keeps it current."""
        if self._shown is None or self.panel.message_id is None:
            return
        around = self.around
        embed = off_embed(self._shown, around.words, around.clock.now_ms())
        try:
            async with judged():
                await self._message(self.panel.message_id).edit(
                    embed=discreet_embed(embed, around.redaction), view=None
                )
        except NotDelivered as failure:
            log.info("panel_not_ended", panel=self.panel.id, failure=failure.why)

    async def _look(self) -> float:
        """Do what is to be done, and give how long to wait then."""
        around = self.around
        if around.traffic.refused or (held_s := around.traffic.wait_s()) > 0:
            return PAUSE_S if around.traffic.refused else held_s
        servers = self._servers()
        if servers == self._seen:
            return LOOK_EVERY_S
        now = face(servers, around.words)
        due_s = due_in_s(self._shown, now, around.clock.monotonic() - self._edited_s)
        if due_s is None:
            self._seen = servers
            return LOOK_EVERY_S
        if due_s > 0 and self._old_id is None:
            return min(due_s, LOOK_EVERY_S)
        return await self._show(servers, now)

    async def _show(self, servers: Sequence[Server], now: Face) -> float:
        try:
            if self.panel.message_id is None:
                await self.post()
            else:
                await self._edit(self.panel.message_id, servers, now)
        except NotDelivered as failure:
            return await self._set_back(failure)
        if self._failures:
            log.info("panel_current_again", panel=self.panel.id)
        self._failures, self.trouble = 0, ""
        if self._old_id is not None:
            old_id, self._old_id = self._old_id, None
            await self._delete(old_id)
        return LOOK_EVERY_S

    async def _edit(self, message_id: int, servers: Sequence[Server], now: Face) -> None:
        view = panel_controls(servers, self.around.words, self.around.redaction)
        async with judged():
            await self._message(message_id).edit(embed=self._embed(now), view=view)
        self._took(now)

    async def _set_back(self, failure: NotDelivered) -> float:
        """Take in that it could not be shown, and give how long to wait."""
        if not self._failures:
            log.warning("panel_not_shown", panel=self.panel.id, channel=self.panel.channel_id, failure=failure.why)
        self._failures += 1
        self.around.traffic.failed(failure.invalid, refused=failure.setback is Setback.REFUSED)
        self.trouble = failure.why
        match fate(failure.__cause__, self._age_s()):
            case Fate.GONE:
                log.warning("panel_unpinned", panel=self.panel.id, channel=self.panel.channel_id, why="deleted")
                self.unpinned = True
                await self.around.store.remove(self.panel.id)
                return 0.0
            case Fate.ANEW:
                self._old_id = self.panel.message_id
                self.panel = replace(self.panel, message_id=None)
                return min(failure.retry_after_s, TRY_ANEW_S)
            case Fate.BARRED:
                return gone_delay_s(self._failures)
            case Fate.AGAIN:
                return max(failure.retry_after_s, retry_delay_s(self._failures, 0.0))

    async def _delete(self, message_id: int) -> None:
        try:
            async with judged():
                await self._message(message_id).delete()
        except NotDelivered as failure:
            log.info("panel_not_deleted", panel=self.panel.id, failure=failure.why)

    def _servers(self) -> Sequence[Server]:
        """Those that it shows, as they stand."""
        servers, named = self.around.control.servers(), self.panel.server_ids
        return [server for server in servers if not named or server.id in named]

    def _embed(self, now: Face) -> discord.Embed:
        embed = panel_embed(now, self.around.words, self.around.clock.now_ms())
        return discreet_embed(embed, self.around.redaction)

    def _message(self, message_id: int) -> discord.PartialMessage:
        place = self.around.client.get_partial_messageable(self.panel.channel_id)
        return place.get_partial_message(message_id)

    def _took(self, now: Face) -> None:
        self._shown, self._edited_s = now, self.around.clock.monotonic()

    def _age_s(self) -> float:
        if self.panel.message_id is None:
            return 0.0
        made_ms = discord.utils.snowflake_time(self.panel.message_id).timestamp() * 1000
        return (self.around.clock.now_ms() - made_ms) / 1000
