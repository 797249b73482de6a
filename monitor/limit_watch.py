"""How every limit stands: judged with each sample, told once, and known again after a restart of the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import structlog

from monitor.bus import Bus
from monitor.errors import GamekeeperError, UnknownServer
from monitor.limit_events import ForecastLifted, LimitCleared, LimitCrossed, LimitEvent, LimitForeseen
from monitor.limits import (
    CLEAR,
    CROSSED,
    LONGEST_GAP_S,
    Change,
    Crossing,
    Limit,
    Of,
    Position,
    edge,
    judge,
)
from monitor.metrics import BY_KEY
from monitor.model import Sample
from monitor.ports import Clock, EventLog

TRY_AGAIN_S = 60.0
JUDGED_EVERY_S = 5.0
"""How often what goes on in the same way is judged; the moment it does not, it is."""

log = structlog.get_logger(__name__)


class LimitStore(Protocol):
    """Where limits are kept. Each call may raise `StorageError`."""

    async def all(self) -> Sequence[Limit]: ...
    async def crossings(self) -> Sequence[Crossing]: ...


@dataclass(slots=True, eq=False)
class Held:
    """One limit, and one of the things that it holds for."""

    limit: Limit
    target: str
    """As in `Crossing`."""
    read: Callable[[Sample], float | None] | None = None
    """Of a server's measure."""
    value: float | None = None
    """The last that was measured, of a drive or the machine."""
    crossed_ms: int | None = None
    crossed_s: float = 0.0
    """When it was crossed, as time that never jumps."""
    foreseen_ms: int | None = None
    restarted: bool = False
    """Whether its server was restarted for this crossing."""
    restarted_s: float | None = None
    """When its server was last restarted for it."""
    position: Position = CLEAR
    resting: bool = True
    """Whether it is not on its way to the other side."""
    due_s: float = 0.0
    """Until then it need not be judged as long as it goes on in the same way."""
    sign: float = field(init=False)
    bound: float = field(init=False)

    def __post_init__(self) -> None:
        self.sign, self.bound = edge(self.limit, crossed=self.position.crossed)

    @property
    def server_id(self) -> str:
        """Whose events they are; empty where it is no one server's."""
        return self.target if self.limit.measure.of is Of.SERVER else self.limit.server_id or ""

    def move(self, position: Position, now_s: float) -> None:
        """Take a position, and what follows from it for the next value."""
        if position.crossed is not self.position.crossed:
            self.sign, self.bound = edge(self.limit, crossed=position.crossed)
        self.position, self.resting = position, position.seen_s is None
        sure = position.seen_s is not None and not position.unsure
        self.due_s = now_s + min(JUDGED_EVERY_S, self.limit.hold_s - position.held_s) if sure else now_s


@dataclass(slots=True, eq=False)
class LimitWatch:
    """A `monitor.ports.SampleSink`. All of it belongs to the event loop's thread."""

    store: LimitStore
    journal: EventLog
    bus: Bus
    clock: Clock
    longest_gap_s: float = LONGEST_GAP_S
    limits: Sequence[Limit] = ()
    _held: dict[tuple[int, str], Held] = field(default_factory=dict)
    _of_server: dict[str, tuple[Held, ...]] = field(default_factory=dict)
    """What is judged with each sample of a server: nothing at all, for most."""
    _news: asyncio.Queue[tuple[LimitEvent, asyncio.Future[None]]] = field(default_factory=asyncio.Queue)
    _broken: bool = False

    async def run(self) -> None:
        """Take up how everything stood, then write down what changes, until cancelled."""
        while not await self._guarded(self._take_up):
            await self.clock.sleep(TRY_AGAIN_S)
        while True:
            event, told = await self._news.get()
            while not await self._guarded(partial(self._record, event)):
                await self.clock.sleep(TRY_AGAIN_S)
            if not told.done():
                told.set_result(None)

    async def reload(self) -> None:
        """Take in that limits were set or removed; how the others stand is not touched.

        Raises:
            StorageError: they cannot be read.
        """
        self._hold_only(await self.store.all())

    def add(self, samples: Sequence[Sample]) -> None:
        now_s = self.clock.monotonic()
        for sample in samples:
            held_of_it = self._of_server.get(sample.server_id)
            if held_of_it is None:
                held_of_it = self._learn(sample.server_id)
            for held in held_of_it:
                value = held.read(sample) if held.read is not None else None
                # Nearly always there is nothing to judge, and this runs with every sample.
                if value is None or not held.sign * value > held.bound:
                    if held.resting:
                        continue
                elif now_s < held.due_s:
                    continue
                self._judge(held, value, now_s, sample.players)
        if len(samples) < len(self._of_server):
            self._missed({sample.server_id for sample in samples}, now_s)

    def measured(self, target: str, values: Mapping[str, float], server_id: str | None = None) -> None:
        """Take in values, by the keys of their measures, of a drive, the machine, or one server's own drive."""
        now_s = self.clock.monotonic()
        for limit in self.limits:
            if limit.measure_key in values and limit.server_id == server_id:
                held = self.hold(limit, target)
                held.value = values[limit.measure_key]
                self._judge(held, held.value, now_s)

    def hold(self, limit: Limit, target: str) -> Held:
        """Give how a limit stands for one of the things that it is about."""
        held = self._held.get((limit.id, target))
        if held is None:
            metric = BY_KEY.get(limit.measure_key)
            held = self._held[limit.id, target] = Held(limit, target, metric.read if metric is not None else None)
        return held

    def held(self, limit: Limit | None = None) -> list[Held]:
        """Give how one limit stands, or all do, for everything that was measured yet."""
        return [held for held in self._held.values() if limit is None or held.limit.id == limit.id]

    def foresee(self, held: Held, value: float, growth_per_h: float, in_s: float) -> None:
        """Tell that a limit is going to be crossed."""
        held.foreseen_ms = self.clock.now_ms()
        self.tell(
            LimitForeseen(
                server_id=held.server_id,
                at_ms=held.foreseen_ms,
                limit=held.limit,
                target=held.target,
                value=value,
                growth_per_h=growth_per_h,
                in_s=in_s,
            )
        )

    def lift(self, held: Held, *, restarted: bool) -> None:
        """Tell that it is not to be expected any more."""
        held.foreseen_ms = None
        self.tell(
            ForecastLifted(
                server_id=held.server_id,
                at_ms=self.clock.now_ms(),
                limit=held.limit,
                target=held.target,
                restarted=restarted,
            )
        )

    def tell(self, event: LimitEvent) -> asyncio.Future[None]:
        """Have an event written down after those before it; the future is done once it is on the disk."""
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._news.put_nowait((event, told))
        return told

    def _learn(self, server_id: str) -> tuple[Held, ...]:
        held = tuple(
            self.hold(limit, server_id)
            for limit in self.limits
            if limit.measure.of is Of.SERVER and limit.server_id in (None, server_id)
        )
        self._of_server[server_id] = held
        return held

    def _missed(self, measured: Container[str], now_s: float) -> None:
        """Take in that nothing is known of the other servers: they are down, or could not be read."""
        for server_id, held_of_it in self._of_server.items():
            if server_id not in measured:
                for held in held_of_it:
                    if not held.resting:
                        self._judge(held, None, now_s)

    def _judge(self, held: Held, value: float | None, now_s: float, players: int | None = None) -> None:
        position, change = judge(held.limit, held.position, value, now_s, longest_gap_s=self.longest_gap_s)
        held.move(position, now_s)
        if value is None or change is None:
            return
        if change is Change.CROSSED:
            self._crossed(held, value, now_s, players)
        else:
            self._cleared(held, value, now_s)

    def _crossed(self, held: Held, value: float, now_s: float, players: int | None) -> None:
        held.crossed_ms, held.crossed_s = self.clock.now_ms(), now_s
        held.foreseen_ms, held.restarted = None, False
        self.tell(
            LimitCrossed(
                server_id=held.server_id,
                at_ms=held.crossed_ms,
                limit=held.limit,
                target=held.target,
                value=value,
                players=players,
            )
        )

    def _cleared(self, held: Held, value: float, now_s: float) -> None:
        held.crossed_ms = None
        self.tell(
            LimitCleared(
                server_id=held.server_id,
                at_ms=self.clock.now_ms(),
                limit=held.limit,
                target=held.target,
                value=value,
                after_s=now_s - held.crossed_s,
            )
        )

    async def _take_up(self) -> None:
        """Know again what an earlier bot told."""
        limits = {limit.id: limit for limit in await self.store.all()}
        crossings = await self.store.crossings()
        self._hold_only(limits.values())
        now_s, now_ms = self.clock.monotonic(), self.clock.now_ms()
        for crossing in crossings:
            if crossing.limit_id in limits:
                self._resume(self.hold(limits[crossing.limit_id], crossing.target), crossing, now_s, now_ms)

    def _resume(self, held: Held, crossing: Crossing, now_s: float, now_ms: int) -> None:
        def when_s(at_ms: int) -> float:
            return now_s - max(0, now_ms - at_ms) / 1000

        held.foreseen_ms = crossing.foreseen_ms
        if crossing.restarted_ms is not None:
            held.restarted_s = when_s(crossing.restarted_ms)
        if crossing.crossed_ms is not None:
            held.crossed_ms, held.crossed_s = crossing.crossed_ms, when_s(crossing.crossed_ms)
            held.restarted = (crossing.restarted_ms or 0) >= crossing.crossed_ms
            held.move(CROSSED, now_s)

    def _hold_only(self, limits: Iterable[Limit]) -> None:
        self.limits = tuple(limits)
        known = {limit.id for limit in self.limits}
        self._held = {key: held for key, held in self._held.items() if key[0] in known}
        self._of_server = {}

    async def _record(self, event: LimitEvent) -> None:
        try:
            event_id = await self.journal.record(event)
        except UnknownServer:
            log.info("limit_event_of_no_server", server=event.server_id, kind=event.kind)
        else:
            self.bus.publish(event_id, event)

    async def _guarded(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Whether it went well. What does not is logged once, and once more when it does again."""
        try:
            await step()
        except GamekeeperError:
            if not self._broken:
                log.exception("limits_not_written")
            self._broken = True
            return False
        if self._broken:
            log.info("limits_written_again")
        self._broken = False
        return True
