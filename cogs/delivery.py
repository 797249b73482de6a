"""From the outbox to Discord: in order, again and again until it is there, and never twice.

An alert is a row that was written together with its event. Its message carries a nonce made from the event's id, and
Discord is asked to enforce it: sent again after a lost answer, it gives the message that is already there.
"""

from __future__ import annotations

import asyncio
import io
from contextlib import suppress
from dataclasses import dataclass, field

import discord
import structlog

from cogs.locale.catalogue import Words
from cogs.pictures import Pictures
from cogs.render.alerts import alert_embed
from cogs.render.painter import ChartFailed
from cogs.reply import NOT_SENT
from monitor.errors import StorageError, UnknownServer
from monitor.events import Event
from monitor.metrics import BY_KEY
from monitor.ports import Clock, Control
from storage.outbox import Outbox, OutboxItem

CHART_SPAN_S = 30 * 60
CHART_METRICS = tuple(BY_KEY[key] for key in ("cpu", "memory", "players"))
CHART_NAME = "chart.png"
BACKOFF_S = 1.0
BACKOFF_MAX_S = 300.0
LOOK_EVERY_S = 60.0
"""How often the outbox is looked at without being told of anything new."""

log = structlog.get_logger(__name__)


def retry_delay_s(attempts: int) -> float:
    """Give the pause after that many failed attempts: twice as long each time, five minutes at most."""
    return min(BACKOFF_S * float(2 ** min(attempts, 20)), BACKOFF_MAX_S)


@dataclass(frozen=True, slots=True)
class Posted:
    """An alert that is out, as it was sent."""

    message: discord.Message
    embed: discord.Embed
    item: OutboxItem


@dataclass(slots=True)
class Delivery:
    """The task that posts alerts to the alert channel."""

    outbox: Outbox
    client: discord.Client
    online: asyncio.Event
    """Set once the client may be used."""
    channel_id: int | None
    """Where alerts go; without one they wait."""
    control: Control
    pictures: Pictures
    clock: Clock
    words: Words
    """Of the language that unprompted posts are in."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _bare: asyncio.Queue[Posted] = field(default_factory=asyncio.Queue)
    """Alerts that are out, and have no chart yet."""
    _failing: bool = False
    _retry_ms: int = 0
    """When what failed last is due again."""

    def wake(self, _event_id: int, event: Event) -> None:
        """Listen to the bus: there is something new in the outbox."""
        if event.alerts:
            self._news.set()

    def post_to(self, channel_id: int) -> None:
        """Post there from now on, what has been waiting first."""
        self.channel_id = channel_id
        self._news.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._deliver_for_ever(), name="alerts")
            tasks.create_task(self._illustrate_for_ever(), name="alert charts")

    async def _deliver_for_ever(self) -> None:
        while True:
            self._news.clear()
            try:
                next_look_s = await self._deliver_pending()
            except StorageError:
                log.exception("outbox_unreadable")
                next_look_s = LOOK_EVERY_S
            with suppress(TimeoutError):
                await self.clock.wait_for(self._news.wait(), next_look_s)

    async def _deliver_pending(self) -> float:
        """Deliver what is due, and give how long nothing needs to be looked at again."""
        await self.online.wait()
        if self.channel_id is None:
            return LOOK_EVERY_S
        channel = self.client.get_partial_messageable(self.channel_id)
        while items := await self.outbox.pending(self.clock.now_ms()):
            for item in items:
                if not await self._deliver(item, channel):
                    return self._until_retry_s()
        return self._until_retry_s()

    def _until_retry_s(self) -> float:
        """Give the time until the next try: news may have cut the wait for it short, and clocks can be set."""
        left_s = (self._retry_ms - self.clock.now_ms()) / 1000
        return min(left_s, LOOK_EVERY_S) if left_s > 0 else LOOK_EVERY_S

    async def _deliver(self, item: OutboxItem, channel: discord.abc.Messageable) -> bool:
        embed = self._embed(item)
        try:
            message = await channel.send(embed=embed, nonce=item.nonce)
        except NOT_SENT as failure:
            await self._postpone(item, failure)
            return False
        if self._failing:
            log.info("alerts_flow_again")
            self._failing = False
        await self.outbox.delivered(item.id, self.clock.now_ms(), message.id)
        self._bare.put_nowait(Posted(message, embed, item))
        return True

    async def _postpone(self, item: OutboxItem, failure: Exception) -> None:
        if not self._failing:
            log.warning("alert_not_delivered", event_id=item.event_id, failure=repr(failure))
            self._failing = True
        self._retry_ms = self.clock.now_ms() + round(retry_delay_s(item.attempts) * 1000)
        await self.outbox.postponed(item.id, self._retry_ms, repr(failure))

    def _embed(self, item: OutboxItem) -> discord.Embed:
        delayed_s = max(0, self.clock.now_ms() - item.created_ms) / 1000
        name = self._server_name(item.event.server_id)
        return alert_embed(item.event, item.event_id, name, self.words, delayed_s=delayed_s)

    def _server_name(self, server_id: str) -> str:
        try:
            return self.control.server(server_id).spec.name
        except UnknownServer:
            return server_id

    async def _illustrate_for_ever(self) -> None:
        while True:
            posted = await self._bare.get()
            try:
                await self._attach_chart(posted)
            except (UnknownServer, ChartFailed, StorageError, *NOT_SENT) as failure:
                log.warning("alert_without_chart", event_id=posted.item.event_id, failure=repr(failure))

    async def _attach_chart(self, posted: Posted) -> None:
        """Add the chart to an alert that is out already: its text never waits for it, and can do without it."""
        event = posted.item.event
        until_s = event.at_ms // 1000 + 1
        server = self.control.server(event.server_id)
        since_s = until_s - CHART_SPAN_S
        png = await self.pictures.chart(server, CHART_METRICS, since_s, until_s, words=self.words, from_first=True)
        posted.embed.set_image(url=f"attachment://{CHART_NAME}")
        await posted.message.edit(embed=posted.embed, attachments=[discord.File(io.BytesIO(png), CHART_NAME)])
