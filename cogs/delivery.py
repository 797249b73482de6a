"""From the outbox to people: in order for each destination, again and again until it is there, and never twice.

An alert is a row that was written together with its event. Its message carries a nonce made from the event's id, and
Discord is asked to enforce it: sent again after a lost answer, it gives the message that is already there. Later than
that, the channel is looked through for it first.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar

import aiohttp
import discord
import structlog

from cogs.destinations import Outgoing
from cogs.illustration import illustration
from cogs.lane import LOOK_EVERY_S, Lane
from cogs.pictures import Pictures
from cogs.places import Places
from cogs.poster import Buttons, Post
from cogs.render.painter import ChartFailed
from cogs.setbacks import NotDelivered
from cogs.traffic import Traffic
from cogs.wording import Wording
from monitor.alerting import DEVELOPMENTS
from monitor.errors import StorageError, UnknownServer
from monitor.events import Event, HostEvent
from monitor.model import Actor
from monitor.ports import Clock
from storage.incidents import Incident, Incidents
from storage.outbox import Outbox, OutboxItem

REVIVED_MS = 24 * 3_600_000
"""Dead letters of the last day are tried once more when there is somewhere new to send them."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTested(HostEvent):
    """Somebody wants to see whether alerts arrive. It is in no record."""

    kind: ClassVar[str] = "alert_tested"

    by: Actor


def _no_buttons(_item: OutboxItem, _incident: Incident | None) -> discord.ui.View | None:
    return None


@dataclass(slots=True, kw_only=True)
class Delivery:
    """The task that delivers alerts."""

    outbox: Outbox
    incidents: Incidents
    places: Places
    wording: Wording
    pictures: Pictures
    clock: Clock
    online: asyncio.Event
    """Set once the client may be used."""
    buttons: Buttons = _no_buttons
    chance: Callable[[], float] = random.random
    traffic: Traffic = field(init=False)
    _lanes: dict[str, Lane] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _bare: asyncio.Queue[OutboxItem] = field(default_factory=asyncio.Queue)
    """Alerts that are out, and have no chart yet."""
    _session: aiohttp.ClientSession | None = None
    _post: Post | None = None
    _login: asyncio.Event = field(default_factory=asyncio.Event)
    _revive: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.traffic = Traffic(self.clock)

    def wake(self, _event_id: int, event: Event) -> None:
        """Listen to the bus: there may be something new in the outbox."""
        if event.alerts or isinstance(event, DEVELOPMENTS):
            self._news.set()

    def post_to(self, channel_id: int) -> None:
        """Take this for the alert channel from now on; what has been waiting, or was given up, goes there first."""
        self.places.channel_id = channel_id
        self._revive.set()
        self._again()

    async def on_login(self) -> None:
        """Discord is there, and has taken the token: try at once what has been waiting for it."""
        self.traffic.logged_in()
        self._login.set()
        self._news.set()

    @property
    def channel_id(self) -> int | None:
        """Where alerts go that no route takes."""
        return self.places.channel_id

    async def test(self, destination: str, by: Actor) -> bool:
        """Send a test alert, now. `False`: nobody has said yet where that destination is.

        Raises:
            NotDelivered: it did not arrive.
        """
        if self._session is None:
            return False
        site = await self.places.find(destination, self._session)
        if site is None:
            return False
        now_ms = self.clock.now_ms()
        item = OutboxItem(0, now_ms, AlertTested(at_ms=now_ms, by=by), destination, 0, now_ms, "test")
        await site.place.post(Outgoing(item, self.wording.test(item, by)))
        return True

    async def reconsider(self) -> int:
        """Try the dead letters of the last day again, as there is somewhere new to send them; give their number."""
        revived = await self._revived()
        self._again()
        return revived

    async def _revived(self) -> int:
        return await self.outbox.revive(self.clock.now_ms() - REVIVED_MS)

    async def acknowledge(self, incident_id: int, by: Actor) -> bool:
        """Write down that somebody looks after an incident, and show it. `False`: it was before."""
        if not await self.incidents.acknowledge(incident_id, by, self.clock.now_ms()):
            return False
        for head in await self.outbox.heads(incident_id):
            if head.grouped or self._post is None:
                continue
            try:
                await self._lane(head.destination, self._post).refresh(head)
            except NotDelivered as failure:
                log.info("acknowledgement_not_shown", event_id=head.event_id, failure=failure.why)
        return True

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
            self._session, self._post = session, self._postage(session)
            tasks.create_task(self._hand_out_for_ever(self._post, tasks), name="alerts")
            tasks.create_task(self._illustrate_for_ever(), name="alert charts")

    async def _hand_out_for_ever(self, post: Post, tasks: asyncio.TaskGroup) -> None:
        """Give each destination that something waits for a task of its own, and wake it."""
        working: set[str] = set()
        while True:
            self._news.clear()
            try:
                await self._expedite()
                for name in await self.outbox.destinations():
                    lane = self._lane(name, post)
                    if name not in working:
                        working.add(name)
                        tasks.create_task(lane.run(), name=f"alerts to {name}")
                    lane.news.set()
            except StorageError:
                log.exception("outbox_unreadable")
                with suppress(TimeoutError):
                    await self.clock.wait_for(self._news.wait(), LOOK_EVERY_S)
            else:
                await self._news.wait()

    async def _expedite(self) -> None:
        """After a login, nothing waits for its next try any longer; with a new channel, nothing is given up."""
        if self._login.is_set():
            self._login.clear()
            await self.outbox.expedite()
        if self._revive.is_set():
            self._revive.clear()
            await self._revived()

    def _lane(self, name: str, post: Post) -> Lane:
        """The lane of a destination: also of one that nothing waits for, when a message there is to be changed."""
        return self._lanes.setdefault(name, Lane(name, post))

    def _postage(self, session: aiohttp.ClientSession) -> Post:
        return Post(
            outbox=self.outbox,
            incidents=self.incidents,
            places=self.places,
            wording=self.wording,
            traffic=self.traffic,
            clock=self.clock,
            online=self.online,
            chance=self.chance,
            session=session,
            wake=self._news.set,
            illustrate=self._bare.put_nowait,
            buttons=self.buttons,
        )

    def _again(self) -> None:
        for lane in self._lanes.values():
            lane.again()
        self._news.set()

    async def _illustrate_for_ever(self) -> None:
        while True:
            item = await self._bare.get()
            try:
                await self._attach_chart(item)
            except (UnknownServer, ChartFailed, StorageError) as failure:
                log.warning("alert_without_chart", event_id=item.event_id, failure=repr(failure))
            except NotDelivered as failure:
                log.warning("alert_without_chart", event_id=item.event_id, failure=failure.why)
            except Exception:
                # What goes wrong with a picture must never end the alerts, which share its task group.
                log.exception("alert_chart_failed", event_id=item.event_id)

    async def _attach_chart(self, item: OutboxItem) -> None:
        """Add the chart to an alert that is out already: its text never waits for it, and can do without it."""
        event, words = item.event, self.wording.words
        until_s = event.at_ms // 1000 + 1
        shown = illustration(event)
        if shown is None:
            return
        server, since_s = self.wording.control.server(event.server_id), until_s - shown.span_s
        png = await self.pictures.chart(server, shown.metrics, since_s, until_s, words=words, from_first=True)
        await self._lanes[item.destination].refresh(item, png)
        await self.outbox.illustrated(item.id)
