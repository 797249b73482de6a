"""Everything that goes to one destination, in order; what fails there holds nothing else up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from cogs.composing import STORM_WINDOW_S, Kind, Scene, Work, next_work
from cogs.destinations import Destination
from cogs.poster import Post, Poster
from cogs.setbacks import LIMITED_AT_MOST_S, NotDelivered, Setback, gone_delay_s, retry_delay_s
from monitor.errors import StorageError
from storage.outbox import OutboxItem

LOOK_EVERY_S = 60.0
"""How long nothing is looked at after the database could not be read, or at most before a next try."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Lane:
    """The task that delivers to one destination."""

    name: str
    post: Post
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _failing: bool = False
    _held_until_s: float = 0.0
    _gone_until_s: float = 0.0
    _gone_times: int = 0
    _poster: Poster = field(init=False)

    def __post_init__(self) -> None:
        self._poster = Poster(self.name, self.post)

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self.news.clear()
            try:
                wait_s = await self._deliver_due()
            except StorageError:
                log.exception("outbox_unreadable", destination=self.name)
                wait_s = LOOK_EVERY_S
            if wait_s is None:
                await self.news.wait()
                continue
            with suppress(TimeoutError):
                await self.post.clock.wait_for(self.news.wait(), min(wait_s, LOOK_EVERY_S))

    async def _deliver_due(self) -> float | None:
        """Deliver what is due, and give how long nothing needs to be looked at; `None`: until there is news."""
        post = self.post
        discords = await post.places.of_discords(self.name)
        if discords:
            await post.online.wait()
        while True:
            if discords and post.traffic.refused:
                return None
            if (held_s := self._held_s(discords=discords)) > 0:
                return held_s
            # One moment for both questions: what comes due between them must not be missed by both.
            now_ms = post.clock.now_ms()
            items = await post.outbox.pending(self.name, now_ms)
            if not items:
                return await self._until_due_s(now_ms)
            if self._now_s() < self._gone_until_s:
                await self._move(items, "it was gone a moment ago")
                continue
            if (wait_s := await self._next(items)) is not None:
                return wait_s

    async def _next(self, items: Sequence[OutboxItem]) -> float | None:
        """Do one thing about what waits; gives a time where it is too early for that."""
        work = Work(Kind.POST, tuple(items[:1]))
        try:
            site = await self.post.places.find(self.name, self.post.session)
            if site is None:
                return LOOK_EVERY_S
            work = next_work(items, await self._scene(items, site.place))
            if (pace_s := self._poster.pace_s(work)) > 0:
                return pace_s
            await self._poster.carry_out(work, site)
        except NotDelivered as failure:
            await self._set_back(work, failure)
        except (StorageError, asyncio.CancelledError):
            raise
        except Exception as bug:
            log.exception("alert_not_made", event_id=work.items[0].event_id)
            await self._bury(work.items[:1], repr(bug))
        else:
            self._all_well()
        return None

    async def _scene(self, items: Sequence[OutboxItem], place: Destination) -> Scene:
        outbox, since_ms = self.post.outbox, self.post.clock.now_ms() - round(STORM_WINDOW_S * 1000)
        incidents = {item.incident_id for item in items if item.incident_id is not None}
        return Scene(
            heads=await outbox.told(self.name, incidents),
            recent=await outbox.recent(self.name, since_ms),
            groups=await outbox.groups(self.name, since_ms),
            threaded=place.threaded,
        )

    def _all_well(self) -> None:
        if self._failing:
            log.info("alerts_flow_again", destination=self.name)
        self._failing, self._gone_times = False, 0

    async def _set_back(self, work: Work, failure: NotDelivered) -> None:
        first, post = work.items[0], self.post
        if not self._failing:
            log.warning("alert_not_delivered", destination=self.name, event_id=first.event_id, failure=failure.why)
            self._failing = True
        post.traffic.failed(failure.invalid, refused=failure.setback is Setback.REFUSED)
        delay_s = max(failure.retry_after_s, retry_delay_s(first.attempts, post.chance()))
        match failure.setback:
            case Setback.GONE:
                self._gone_times += 1
                self._gone_until_s = self._now_s() + gone_delay_s(self._gone_times)
                await self._move(work.items, failure.why)
                return
            case Setback.UNFIT:
                # It may be the place that takes nothing: a forum, a locked thread, an address for something else.
                await self._move(work.items, failure.why)
                return
            case Setback.LIMITED:
                delay_s = min(delay_s, LIMITED_AT_MOST_S)
                self._held_until_s = self._now_s() + delay_s
        await post.outbox.postponed(first.id, post.clock.now_ms() + round(delay_s * 1000), failure.why)

    async def _move(self, items: Sequence[OutboxItem], why: str) -> None:
        """Send these elsewhere; what can go nowhere is a dead letter, if it was an alert."""
        now_ms = self.post.clock.now_ms()
        for item in items:
            instead = None if item.calls else await self.post.places.instead_of(item)
            if instead is not None:
                await self.post.outbox.moved(item, instead, now_ms, why)
            elif item.calls or not item.event.alerts:
                await self.post.outbox.dropped([item], now_ms)
            else:
                await self._bury([item], why)
        self.post.wake()

    async def _bury(self, items: Sequence[OutboxItem], why: str) -> None:
        for item in items:
            log.error("alert_given_up", destination=self.name, event_id=item.event_id, failure=why)
            await self.post.outbox.buried(item.id, self.post.clock.now_ms(), why)

    async def refresh(self, head: OutboxItem, png: bytes | None = None) -> None:
        """As `Poster.refresh`."""
        try:
            await self._poster.refresh(head, png)
        except NotDelivered as failure:
            self.post.traffic.failed(failure.invalid, refused=failure.setback is Setback.REFUSED)
            raise

    def again(self) -> None:
        """Ask it again at once, though it was gone before: somebody may have set it right."""
        self._gone_until_s = 0.0
        self.news.set()

    def _held_s(self, *, discords: bool) -> float:
        return max(self.post.traffic.wait_s() if discords else 0.0, self._held_until_s - self._now_s())

    async def _until_due_s(self, now_ms: int) -> float | None:
        due_ms = await self.post.outbox.next_ms(self.name, now_ms)
        return None if due_ms is None else (due_ms - now_ms) / 1000

    def _now_s(self) -> float:
        return self.post.clock.monotonic()
