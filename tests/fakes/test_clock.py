"""The fake clock keeps the promises of `monitor.ports.Clock`, and its own about order."""

from __future__ import annotations

import asyncio

import pytest

from monitor.ports import Clock
from tests.fakes.clock import EPOCH_MS, FakeClock, LoopNeverRests, settle


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_it_is_a_clock(clock: FakeClock) -> None:
    port: Clock = clock
    assert port.now_ms() == EPOCH_MS
    assert port.monotonic() == 0.0


async def test_time_passes_only_when_told(clock: FakeClock) -> None:
    await clock.advance(1.5)
    assert clock.now_ms() == EPOCH_MS + 1500
    assert clock.monotonic() == 1.5


async def test_setting_the_wall_clock_leaves_monotonic_time_alone(clock: FakeClock) -> None:
    clock.shift_wall(-3600)
    assert clock.now_ms() == EPOCH_MS - 3_600_000
    assert clock.monotonic() == 0.0


async def test_sleepers_wake_at_their_own_time_and_in_order(clock: FakeClock) -> None:
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 3), ("first", 1), ("second", 1), ("middle", 2)):
            group.create_task(sleeper(name, seconds))
        await clock.advance(3)
    assert woken == [("first", 1.0), ("second", 1.0), ("middle", 2.0), ("late", 3.0)]


async def test_a_woken_task_may_sleep_again_within_the_same_advance(clock: FakeClock) -> None:
    ticks: list[float] = []

    async def ticker() -> None:
        while True:
            await clock.sleep(10)
            ticks.append(clock.monotonic())

    task = asyncio.create_task(ticker())
    await clock.advance(35)
    assert ticks == [10.0, 20.0, 30.0]
    task.cancel()


async def test_a_woken_task_runs_to_its_next_wait_before_the_next_one_wakes(clock: FakeClock) -> None:
    steps: list[str] = []

    async def worker(name: str) -> None:
        await clock.sleep(1)
        for step in range(3):
            steps.append(f"{name}{step}")
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(worker("a"))
        group.create_task(worker("b"))
        await clock.advance(1)
    assert steps == ["a0", "a1", "a2", "b0", "b1", "b2"]


async def test_small_steps_add_up_exactly(clock: FakeClock) -> None:
    task = asyncio.create_task(clock.sleep(1.0))
    for _ in range(9):
        await clock.advance(0.1)
    assert not task.done()
    await clock.advance(0.1)
    assert task.done()


@pytest.mark.parametrize("seconds", [0, -1])
async def test_a_sleep_of_nothing_only_gives_way(clock: FakeClock, seconds: float) -> None:
    await clock.sleep(seconds)
    assert clock.sleepers == 0


async def test_a_cancelled_sleeper_is_forgotten(clock: FakeClock) -> None:
    task = asyncio.create_task(clock.sleep(5))
    await clock.until_sleeping()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.sleepers == 0
    await clock.advance(10)
    assert clock.monotonic() == 10.0


async def test_wait_for_gives_the_result(clock: FakeClock) -> None:
    async def answer() -> int:
        await clock.sleep(1)
        return 42

    task = asyncio.create_task(clock.wait_for(answer(), 2))
    await clock.advance(1)
    assert await task == 42
    assert clock.sleepers == 0


async def test_wait_for_takes_what_is_already_there_whatever_the_limit(clock: FakeClock) -> None:
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    done.set_result(7)
    assert await clock.wait_for(done, 0) == 7


async def test_wait_for_passes_an_error_on(clock: FakeClock) -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await clock.wait_for(fail(), 1)


async def test_wait_for_cancels_and_tells_when_time_is_up(clock: FakeClock) -> None:
    cleaned_up = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()

    task = asyncio.create_task(clock.wait_for(endless(), 2))
    await clock.advance(1.9)
    assert not task.done()
    await clock.advance(0.1)
    with pytest.raises(TimeoutError):
        await task
    assert cleaned_up.is_set()


async def test_wait_for_of_no_time_does_not_wait(clock: FakeClock) -> None:
    with pytest.raises(TimeoutError):
        await clock.wait_for(asyncio.Event().wait(), 0)


async def test_wait_for_raises_what_the_clean_up_raised(clock: FakeClock) -> None:
    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise LookupError

    task = asyncio.create_task(clock.wait_for(stubborn(), 1))
    await clock.advance(1)
    with pytest.raises(LookupError):
        await task


async def test_cancelling_wait_for_cancels_what_it_waits_for(clock: FakeClock) -> None:
    inner = asyncio.create_task(asyncio.Event().wait())
    task = asyncio.create_task(clock.wait_for(inner, 5))
    await clock.until_sleeping()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert inner.cancelled()
    assert clock.sleepers == 0


async def test_until_sleeping_waits_for_work_that_left_the_loop(clock: FakeClock) -> None:
    async def worker() -> None:
        await asyncio.to_thread(sum, range(100_000))
        await clock.sleep(1)

    task = asyncio.create_task(worker())
    await clock.until_sleeping(1)
    await clock.advance(1)
    assert task.done()


async def test_settle_names_a_loop_that_never_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.clock._MOST_TURNS", 50)

    async def busy() -> None:
        while True:
            await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0))

    task = asyncio.create_task(busy())
    with pytest.raises(LoopNeverRests):
        await settle()
    task.cancel()
