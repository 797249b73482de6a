from __future__ import annotations

import asyncio
import time

import pytest

from monitor.local.clock import SystemClock
from monitor.ports import Clock

CLOCK: Clock = SystemClock()


def test_now_is_the_utc_epoch() -> None:
    before = time.time()
    assert before * 1000 - 1 <= CLOCK.now_ms() <= time.time() * 1000 + 1


async def test_sleep_takes_at_least_as_long_as_asked() -> None:
    before = CLOCK.monotonic()
    await CLOCK.sleep(0.01)
    assert CLOCK.monotonic() - before >= 0.009


async def test_what_comes_in_time_is_given() -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future.set_result(7)
    assert await CLOCK.wait_for(future, 5.0) == 7


async def test_what_does_not_come_is_cancelled() -> None:
    task = asyncio.create_task(asyncio.Event().wait())
    with pytest.raises(TimeoutError):
        await CLOCK.wait_for(task, 0.01)
    assert task.cancelled()
