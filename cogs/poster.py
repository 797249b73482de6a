"""Carries out what was decided about the alerts of one destination: sends messages, and brings them up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import aiohttp
import discord
import structlog

from cogs.composing import STORM_WINDOW_S, Kind, Work
from cogs.destinations import CHART_NAME, Destination, Outgoing
from cogs.illustration import illustration
from cogs.places import Places, Site
from cogs.setbacks import NotDelivered, Setback
from cogs.traffic import Traffic
from cogs.wording import Wording, plain
from monitor.events import Severity
from monitor.ports import Clock
from storage.incidents import Incident, Incidents
from storage.outbox import Outbox, OutboxItem, Standing

NONCE_LASTS_MS = 60_000
"""Discord knows a nonce again for "a few minutes"; after this, its messages are looked through instead."""
OLD_MS = 3_600_000
"""Discord changes messages older than that only so often."""
EDIT_EVERY_S = 5.0
"""How often the message of a storm is brought up to date."""

Buttons = Callable[[OutboxItem, Incident | None], discord.ui.View | None]
"""What an alert can be answered with, as its incident stands."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """What all lanes share."""

    outbox: Outbox
    incidents: Incidents
    places: Places
    wording: Wording
    traffic: Traffic
    clock: Clock
    online: asyncio.Event
    """Set once the client may be used."""
    chance: Callable[[], float]
    """0 to 1."""
    session: aiohttp.ClientSession
    wake: Callable[[], None]
    """There may be something for other lanes."""
    illustrate: Callable[[OutboxItem], None]
    """An alert is out, and has no chart yet."""
    buttons: Buttons


@dataclass(slots=True, eq=False)
class Poster:
    """Sends to one destination."""

    name: str
    post: Post
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a message is sent or changed, so that no older state of it comes last."""
    _fresh: bool = True
    """Nothing was delivered yet in this life: what comes first may have been under way when the last one ended."""
    _plain: set[int | None] = field(default_factory=set)
    """The messages that have no embed, as it was not taken: a chart would bring it back."""
    _illustrated: set[int] = field(default_factory=set)
    """The alerts whose chart was added in this life: what was read of them before does not know of it yet."""
    _edited_s: dict[int, float] = field(default_factory=dict)
    """When the message of each storm was last brought up to date."""

    async def carry_out(self, work: Work, site: Site) -> None:
        """Do it, and write down that it is done.

        Raises:
            NotDelivered: it was not.
        """
        async with self.lock:
            await self._carry_out(work, site)

    def pace_s(self, work: Work) -> float:
        """How long it is too early for that."""
        if work.kind is not Kind.JOIN or work.message_id not in self._edited_s:
            return 0.0
        return self._edited_s[work.message_id] + EDIT_EVERY_S - self._now_s()

    async def _carry_out(self, work: Work, site: Site) -> None:
        match work.kind:
            case Kind.DROP:
                await self.post.outbox.dropped(work.items, self.post.clock.now_ms())
            case Kind.LINE:
                await self._bring_up_to_date(work, site.place)
            case Kind.JOIN:
                await self._join(work, site.place)
            case Kind.CALL:
                await self._call(work.items[0], site)
            case Kind.POST | Kind.REPLY | Kind.GROUP:
                await self._send(work, site)

    async def _send(self, work: Work, site: Site) -> None:
        first, *more = work.items
        reply_to = work.head.standing if work.head is not None else None
        if work.kind is Kind.GROUP:
            embed = self.post.wording.storm(work.items, await self._told_before(first))
            what = Outgoing(first, embed, reply_to=reply_to)
        else:
            what = replace(self._alone(first, more, await self._incident(first)), reply_to=reply_to)
        standing = await self._posted(site.place, _calling(what, site), grouped=work.kind is Kind.GROUP)
        await self._delivered(work.items, standing)
        if work.head is not None:
            await self._refresh_quietly(work.head, site.place)
        drawn = work.kind is not Kind.GROUP and site.place.threaded and standing.message_id not in self._plain
        if drawn and illustration(first.event) is not None:
            self.post.illustrate(replace(first, message_id=standing.message_id, channel_id=standing.channel_id))

    async def _posted(self, place: Destination, what: Outgoing, *, grouped: bool = False) -> Standing:
        """Send it, unless an earlier try has arrived after all."""
        standing = await place.find(what.item, call=what.call) if self._in_doubt(what.item, place) else None
        if standing is not None:
            await place.edit(standing, what)
            return replace(standing, grouped=grouped)
        try:
            return replace(await place.post(what), grouped=grouped)
        except NotDelivered as failure:
            if failure.setback is not Setback.UNFIT:
                raise
            return replace(await self._posted_plainer(place, what, failure), grouped=grouped)

    async def _posted_plainer(self, place: Destination, what: Outgoing, failure: NotDelivered) -> Standing:
        """Send it as less, until it is taken: no answer is, where the bot may not read what it would answer."""
        if what.reply_to is not None:
            what = replace(what, reply_to=None)
            try:
                return await place.post(what)
            except NotDelivered as again:
                if again.setback is not Setback.UNFIT:
                    raise
                failure = again
        log.warning("alert_sent_plain", event_id=what.item.event_id, failure=failure.why)
        standing = await place.post_plain(what, plain(what.embed, what.content))
        self._plain.add(standing.message_id)
        return standing

    def _in_doubt(self, item: OutboxItem, place: Destination) -> bool:
        """Whether an earlier try may have arrived unnoticed, and would not be known again if repeated."""
        tried = item.attempts > 0 or bool(item.tried) or self._fresh
        return tried and (not place.nonced or self.post.clock.now_ms() - item.created_ms > NONCE_LASTS_MS)

    async def _bring_up_to_date(self, work: Work, place: Destination) -> None:
        head = work.head
        if head is None:
            return
        try:
            await place.edit(head.standing, await self._current(head, work.items))
        except NotDelivered as failure:
            self._let_be(head, failure)
        await self._delivered(work.items, head.standing)

    def _let_be(self, head: OutboxItem, failure: NotDelivered) -> None:
        """Let a message be that was deleted, or cannot be changed: nothing else waits for that.

        Raises:
            NotDelivered: it can be tried again.
        """
        age_ms = self.post.clock.now_ms() - (head.delivered_ms or 0)
        # Messages of that age have a limit of their own, for which the library may give no reason (error 30046).
        too_old = failure.setback is Setback.LIMITED and age_ms >= OLD_MS
        if not too_old and failure.setback not in (Setback.GONE, Setback.UNFIT):
            raise failure
        self.post.traffic.failed(failure.invalid, refused=False)
        log.info("alert_not_brought_up_to_date", event_id=head.event_id, failure=failure.why)

    async def _current(self, head: OutboxItem, coming: Sequence[OutboxItem] = ()) -> Outgoing:
        """The message of an incident as it now is."""
        told = []
        if head.incident_id is not None:
            told = [i for i in await self.post.outbox.of_incident(self.name, head.incident_id) if i.id > head.id]
        what = self._alone(head, [*told, *coming], await self._incident(head))
        if head.illustrated or head.id in self._illustrated:
            what.embed.set_image(url=f"attachment://{CHART_NAME}")
        return what

    def _alone(self, head: OutboxItem, since: Sequence[OutboxItem], incident: Incident | None) -> Outgoing:
        embed = self.post.wording.alone(head, since, incident)
        return Outgoing(head, embed, view=self.post.buttons(head, incident))

    async def refresh(self, head: OutboxItem, png: bytes | None = None) -> None:
        """Bring a message up to date, for what is no event: a chart, or that somebody looks after it.

        Raises:
            NotDelivered: it could not be changed.
        """
        site = await self.post.places.find(self.name, self.post.session)
        if site is None or not site.place.threaded:
            return
        async with self.lock:
            what = await self._current(replace(head, illustrated=head.illustrated or png is not None))
            await site.place.edit(head.standing, replace(what, png=png))
            if png is not None:
                self._illustrated.add(head.id)

    async def _refresh_quietly(self, head: OutboxItem, place: Destination) -> None:
        try:
            if head.grouped and head.message_id is not None:
                await self._write_storm(await self.post.outbox.of_message(self.name, head.message_id), [], place)
            else:
                await place.edit(head.standing, await self._current(head))
        except NotDelivered as failure:
            self.post.traffic.failed(failure.invalid, refused=failure.setback is Setback.REFUSED)
            log.info("alert_not_brought_up_to_date", event_id=head.event_id, failure=failure.why)

    async def _join(self, work: Work, place: Destination) -> None:
        message_id = work.message_id or 0
        told = await self.post.outbox.of_message(self.name, message_id)
        try:
            standing = await self._write_storm(told, work.items, place)
        except NotDelivered as failure:
            self._let_be(told[0], failure)
            # What comes from now on gets another message.
            alerts = [item for item in work.items if item.event.alerts]
            standing = Standing(None, grouped=True)
            if alerts:
                embed = self.post.wording.storm(alerts, 0)
                standing = await self._posted(place, Outgoing(alerts[0], embed), grouped=True)
        await self._delivered(work.items, standing)
        self._edited_s[message_id] = self._now_s()

    async def _write_storm(
        self, told: Sequence[OutboxItem], coming: Sequence[OutboxItem], place: Destination
    ) -> Standing:
        before = await self._told_before(told[0])
        embed = self.post.wording.storm([*told, *coming], before)
        await place.edit(told[0].standing, Outgoing(told[0], embed))
        return told[0].standing

    async def _told_before(self, first: OutboxItem) -> int:
        since_ms = (first.delivered_ms or self.post.clock.now_ms()) - round(STORM_WINDOW_S * 1000)
        return (await self.post.outbox.recent(self.name, since_ms)).get(first.event.kind, 0)

    async def _call(self, item: OutboxItem, site: Site) -> None:
        incident = await self._incident(item)
        route = site.route
        pressing = incident is not None and incident.pressing and self.post.wording.knows(incident.server_id)
        if incident is None or not pressing or route is None or route.mention_role_id is None:
            await self.post.outbox.dropped([item], self.post.clock.now_ms())
            return
        head = (await self.post.outbox.told(route.destination, [incident.id])).get(incident.id)
        what = Outgoing(
            item,
            self.post.wording.call(item),
            content=f"<@&{route.mention_role_id}>",
            role_id=route.mention_role_id,
            reply_to=head.standing if head is not None else None,
            call=True,
        )
        await self._delivered([item], await self._posted(site.place, what))

    async def _incident(self, item: OutboxItem) -> Incident | None:
        return None if item.incident_id is None else await self.post.incidents.find(item.incident_id)

    async def _delivered(self, items: Sequence[OutboxItem], standing: Standing) -> None:
        await self.post.outbox.delivered(items, self.post.clock.now_ms(), standing)
        self._fresh = False

    def _now_s(self) -> float:
        return self.post.clock.monotonic()


def _calling(what: Outgoing, site: Site) -> Outgoing:
    """Call the role of a route that wants it called at once."""
    route = site.route
    if route is None or route.mention_role_id is None or route.mention_after_min is not None:
        return what
    if what.item.event.severity is Severity.INFO:
        return what
    return replace(what, content=f"<@&{route.mention_role_id}>", role_id=route.mention_role_id)
