"""Limits watched on the fake machine: what `bot/limiting.py` builds, out of fakes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from monitor.fleet import Fleet
from monitor.limit_events import LimitEvent
from monitor.limit_rounds import Drive, LimitRounds
from monitor.limit_watch import LimitWatch
from monitor.limits import Limit
from monitor.model import HostReading, Sample
from tests.fakes.clock import settle
from tests.fakes.house import ANNA, House, spec_of
from tests.fakes.limits import FakeLimits


@dataclass(eq=False)
class Machine:
    host: HostReading | None = None


@dataclass(eq=False)
class Trends:
    """What is known of trends: as the test says."""

    growth: float | None = None
    asked: list[tuple[str, int, int]] = field(default_factory=list)

    async def memory_growth(self, server_id: str, since_ms: int, until_ms: int) -> float | None:
        self.asked.append((server_id, since_ms, until_ms))
        return self.growth


@dataclass(eq=False)
class Watching:
    """One life of a bot; give its house to another one to play a restart of it."""

    house: House
    fleet: Fleet
    store: FakeLimits
    watch: LimitWatch
    rounds: LimitRounds
    machine: Machine
    trends: Trends
    drives: dict[Path, Drive]

    def told(self) -> list[str]:
        """The kinds of what was written about limits, in order."""
        return [event.kind for event in self.events()]

    def events(self) -> list[LimitEvent]:
        return [event for event in self.house.journal.events if isinstance(event, LimitEvent)]

    async def measure(self, seconds: float, every_s: float = 5.0, **values: float | None) -> None:
        """Have every server that is up measured like this, again and again."""
        for _ in range(round(seconds / every_s)):
            now_s = self.house.clock.now_ms() // 1000
            samples = [Sample(server_id, now_s, **values) for server_id in self.fleet.live()]  # type: ignore[arg-type]
            self.fleet.measured(samples)
            self.watch.add(samples)
            await self.house.clock.advance(every_s)

    async def up(self, *server_ids: str) -> None:
        for server_id in server_ids:
            start = asyncio.create_task(self.fleet.start(server_id, by=ANNA))
            await self.house.clock.advance(5)
            await start


@asynccontextmanager
async def watching(
    limits: Iterable[Limit], house: House | None = None, servers: Iterable[str] = ("ark",)
) -> AsyncIterator[Watching]:
    house = house or House()
    async with house.fleet(*(spec_of(server_id) for server_id in servers)) as fleet:
        store = FakeLimits(house.journal, list(limits))
        watch = LimitWatch(store, house.journal, house.bus, house.clock)
        machine, trends, drives = Machine(), Trends(), dict[Path, Drive]()

        def read(folders: Iterable[Path]) -> Mapping[Path, Drive]:
            return {folder: drives[folder] for folder in folders if folder in drives}

        rounds = LimitRounds(watch, fleet, machine, trends, read, Path("/own"), house.clock)
        tasks = [asyncio.create_task(watch.run()), asyncio.create_task(rounds.run())]
        await settle()
        try:
            yield Watching(house, fleet, store, watch, rounds, machine, trends, drives)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
