"""A history of a week to measure with: ours and the plain one, on the disk, with the same in both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.history_data import BEGIN_S, DAY_S, Stretch, fill, fill_plain, specs
from benchmarks.history_plain import Plain
from storage.database import Database
from storage.minutes import Minutes
from storage.rollups import anything_due, roll_up
from storage.samples import SampleBuffer
from storage.servers import Servers

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    servers: int = 20
    days: int = 7
    every_s: int = 5
    dense_s: int = 6 * 3600
    """So much of the oldest is at 1 Hz, as what is written anew is: as much is then deleted as is written."""
    warm_s: int = 3600
    """Of writing into the full file before it counts: until the room of what is deleted is used again."""
    steady_s: int = 7200
    """Of writing into the full file, at 1 Hz."""
    raw_s: int = 1800
    """Of writing raw samples alone, at 1 Hz."""
    rounds: int = 15


class Hands:
    """A clock whose hands are moved by whoever measures; it never waits."""

    def __init__(self, now_s: int) -> None:
        self.now_s = now_s

    def now_ms(self) -> int:
        return self.now_s * 1000

    def monotonic(self) -> float:
        return float(self.now_s)

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - the port's name
        await asyncio.sleep(0)

    async def wait_for(self, awaitable: Awaitable[T], timeout_s: float) -> T:
        return await asyncio.wait_for(awaitable, timeout_s)


@dataclass(frozen=True, slots=True)
class Home:
    """Both histories, and where they end."""

    plan: Plan
    folder: Path
    db: Database
    clock: Hands
    buffer: SampleBuffer
    plain: Plain

    @property
    def servers(self) -> list[str]:
        return [spec.id for spec in specs(self.plan.servers)]


@asynccontextmanager
async def home(folder: Path, plan: Plan) -> AsyncIterator[Home]:
    """Make both, filled and rolled up."""
    end_s = BEGIN_S + plan.days * DAY_S
    sparse_s = BEGIN_S + plan.dense_s
    stretches = [Stretch(BEGIN_S, sparse_s, 1), Stretch(sparse_s, end_s, plan.every_s)]
    path, plain_path = folder / "gamekeeper.db", folder / "plain.db"
    async with await Database.open(path) as db:
        await Servers(db).save(specs(plan.servers))
    Plain(plain_path).close()
    await asyncio.to_thread(fill, path, plan.servers, stretches)
    await asyncio.to_thread(fill_plain, plain_path, plan.servers, stretches)
    async with await Database.open(path) as db:
        while await anything_due(db, end_s):
            async with db.transaction() as tx:
                await roll_up(tx, end_s, Minutes())
        clock = Hands(end_s)
        with closing(Plain(plain_path)) as plain:
            yield Home(plan, folder, db, clock, SampleBuffer(db, clock), plain)
