"""When memory counts as short, who gives some back then, and what the log says of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.model import HostReading
from monitor.pressure import Level, Pressure, Reliever, level_after, used_share
from tests.fakes.clock import settle

NORMAL, HIGH, CRITICAL = Level


def host(used: float) -> HostReading:
    return HostReading(cpu_pct=0.0, memory_total_bytes=1000, memory_available_bytes=1000 - round(used * 1000))


# The decision


@pytest.mark.parametrize(
    ("before", "used", "after"),
    [
        pytest.param(NORMAL, 0.0, NORMAL, id="normal-idle"),
        pytest.param(NORMAL, 0.80, NORMAL, id="normal-at-80"),
        pytest.param(NORMAL, 0.81, HIGH, id="normal-above-80"),
        pytest.param(NORMAL, 0.90, HIGH, id="normal-at-90"),
        pytest.param(NORMAL, 0.91, CRITICAL, id="normal-above-90"),
        pytest.param(NORMAL, None, NORMAL, id="normal-unknown"),
        pytest.param(HIGH, 0.76, HIGH, id="high-just-under-80"),
        pytest.param(HIGH, 0.75, NORMAL, id="high-down-to-75"),
        pytest.param(HIGH, 0.90, HIGH, id="high-at-90"),
        pytest.param(HIGH, 0.91, CRITICAL, id="high-above-90"),
        pytest.param(HIGH, None, HIGH, id="high-unknown"),
        pytest.param(CRITICAL, 0.86, CRITICAL, id="critical-just-under-90"),
        pytest.param(CRITICAL, 0.85, HIGH, id="critical-down-to-85"),
        pytest.param(CRITICAL, 0.76, HIGH, id="critical-down-to-76"),
        pytest.param(CRITICAL, 0.75, NORMAL, id="critical-down-to-75"),
        pytest.param(CRITICAL, 1.0, CRITICAL, id="critical-full"),
        pytest.param(CRITICAL, None, CRITICAL, id="critical-unknown"),
    ],
)
def test_the_level(before: Level, used: float | None, after: Level) -> None:
    assert level_after(before, used) is after


@given(st.sampled_from(Level), st.floats(0, 1))
def test_the_same_reading_again_changes_nothing(before: Level, used: float) -> None:
    once = level_after(before, used)
    assert level_after(once, used) is once


@given(st.sampled_from(Level), st.floats(0, 1), st.floats(0, 1))
def test_more_memory_in_use_never_lowers_the_level(before: Level, less: float, more: float) -> None:
    assert level_after(before, min(less, more)) <= level_after(before, max(less, more))


@pytest.mark.parametrize(
    ("total", "available", "used"),
    [(100, 25, 0.75), (100, 0, 1.0), (100, 100, 0.0), (100, 101, 0.0), (100, -1, 1.0), (0, 0, None), (-1, 5, None)],
)
def test_the_share_in_use(total: int, available: int, used: float | None) -> None:
    assert used_share(HostReading(0.0, total, available)) == used


# Who gives back


class Room:
    """Counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> None:
        self.asked += 1


@dataclass
class Following:
    """Pressure that is running, and readings for it."""

    pressure: Pressure

    async def take(self, *shares: float) -> None:
        """Have each reading taken in, and what follows from it done."""
        for share in shares:
            self.pressure.reading(host(share))
            await settle()


@asynccontextmanager
async def following(*relievers: Reliever) -> AsyncIterator[Following]:
    pressure = Pressure(relievers)
    task = asyncio.create_task(pressure.run())
    yield Following(pressure)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_each_is_asked_once_when_its_level_begins() -> None:
    old, all_of_it = Room(), Room()
    async with following(Reliever("old", HIGH, old), Reliever("all", CRITICAL, all_of_it)) as memory:
        await memory.take(0.5, 0.8)
        assert (old.asked, all_of_it.asked) == (0, 0)
        await memory.take(0.85, 0.79, 0.85)
        assert (old.asked, all_of_it.asked) == (1, 0)
        await memory.take(0.95, 0.99)
        assert (old.asked, all_of_it.asked) == (1, 1)
        await memory.take(0.8, 0.95)
        assert (old.asked, all_of_it.asked) == (1, 2)
        await memory.take(0.1, 0.85)
        assert (old.asked, all_of_it.asked) == (2, 2)


async def test_a_leap_to_the_top_asks_all_of_them_in_their_order() -> None:
    asked: list[str] = []

    def room(name: str, level: Level) -> Reliever:
        return Reliever(name, level, lambda: asked.append(name))

    async with following(room("a", CRITICAL), room("b", HIGH), room("c", CRITICAL)) as memory:
        await memory.take(0.99)
    assert asked == ["a", "b", "c"]


async def test_a_steady_one_is_asked_at_every_reading_while_it_lasts() -> None:
    steady = Room()
    async with following(Reliever("flush", HIGH, steady, steady=True)) as memory:
        await memory.take(0.7, 0.81, 0.78, 0.95, 0.8)
        assert steady.asked == 4
        await memory.take(0.7, 0.7)
        assert steady.asked == 4


async def test_one_that_takes_its_time_is_waited_for_and_not_asked_twice_meanwhile() -> None:
    let_go = asyncio.Event()
    begun = Room()
    after = Room()

    async def slow() -> None:
        begun()
        await let_go.wait()

    relievers = (Reliever("slow", HIGH, slow, steady=True), Reliever("after", HIGH, after))
    async with following(*relievers) as memory:
        await memory.take(0.85, 0.85, 0.85)
        assert (begun.asked, after.asked) == (1, 0)
        let_go.set()
        await settle()
        assert (begun.asked, after.asked) == (2, 1)


async def test_one_that_fails_costs_the_others_nothing_and_is_logged_by_name() -> None:
    after = Room()

    def fail() -> None:
        raise OSError("no")

    with capture_logs() as logs:
        async with following(Reliever("bad", HIGH, fail), Reliever("good", HIGH, after)) as memory:
            await memory.take(0.85, 0.1, 0.85)
    assert after.asked == 2
    assert [line["reliever"] for line in logs if line["event"] == "memory_not_given_back"] == ["bad", "bad"]


async def test_each_step_is_logged_once_and_once_when_it_is_over() -> None:
    with capture_logs() as logs:
        async with following(Reliever("old", HIGH, Room()), Reliever("all", CRITICAL, Room())) as memory:
            await memory.take(0.5, 0.85, 0.86, 0.95, 0.8, 0.95, 0.8, 0.7, 0.5, 0.81)
    told = [(line["event"], line["used_pct"], line.get("given_back")) for line in logs]
    assert told == [
        ("memory_high", 85, ["old"]),
        ("memory_critical", 95, ["old", "all"]),
        ("memory_normal_again", 70, None),
        ("memory_high", 81, ["old"]),
    ]


async def test_a_leap_to_the_top_is_one_step() -> None:
    with capture_logs() as logs:
        async with following() as memory:
            await memory.take(0.95, 0.8, 0.95, 0.2)
    assert [line["event"] for line in logs] == ["memory_critical", "memory_normal_again"]


async def test_a_host_that_tells_nothing_changes_nothing() -> None:
    async with following() as memory:
        await memory.take(0.85)
        memory.pressure.reading(HostReading(0.0, 0, 0))
        assert memory.pressure.level is HIGH
