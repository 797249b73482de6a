"""Limits of servers, from their samples to what is told; and over a restart of the bot."""

from __future__ import annotations

from time import process_time

import pytest
from structlog.testing import capture_logs

from monitor.errors import StorageError, StorageFault
from monitor.limit_events import LimitCleared, LimitCrossed
from monitor.limits import Limit, Side
from monitor.model import Sample
from tests.fakes.clock import inline, settle
from tests.fakes.house import ANNA, House, spec_of
from tests.monitor.watching import watching

GIB = 1 << 30
HEAP = Limit("memory", Side.ABOVE, 8.0 * GIB, back_at=7.0 * GIB, hold_s=60.0, id=1)
ARKS = Limit("memory", Side.ABOVE, 8.0 * GIB, back_at=7.0 * GIB, hold_s=60.0, server_id="ark", id=2)
TICKS = Limit("tick_rate", Side.BELOW, 15.0, back_at=16.0, hold_s=60.0, id=3)


@pytest.fixture(autouse=True)
def threads_in_virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncio.to_thread", inline)


async def test_a_crossing_is_told_once_and_its_end_once() -> None:
    async with watching([HEAP]) as seen:
        await seen.up("ark")
        await seen.measure(60, rss_bytes=9 * GIB, players=3)
        assert seen.told() == []
        await seen.measure(600, rss_bytes=9 * GIB, players=3)
        assert seen.told() == ["limit_crossed"]
        await seen.measure(600, rss_bytes=6 * GIB)
        crossed, cleared = seen.events()
        assert isinstance(crossed, LimitCrossed)
        assert (crossed.server_id, crossed.target, crossed.limit) == ("ark", "ark", HEAP)
        assert (crossed.value, crossed.players) == (9 * GIB, 3)
        assert isinstance(cleared, LimitCleared)
        assert (cleared.value, cleared.after_s) == (6 * GIB, 660.0)
        assert [event.kind for event in seen.house.heard if event in seen.events()] == seen.told()


async def test_each_server_is_judged_by_itself_and_by_its_own_limits() -> None:
    async with watching([ARKS, TICKS], servers=["ark", "rust"]) as seen:
        await seen.up("ark", "rust")
        await seen.measure(120, rss_bytes=9 * GIB, tick_rate=10.0)
        told = sorted((event.limit.id, event.server_id) for event in seen.events())
        assert told == [(2, "ark"), (3, "ark"), (3, "rust")]


async def test_a_server_that_is_down_neither_crosses_nor_clears() -> None:
    async with watching([HEAP]) as seen:
        await seen.up("ark")
        await seen.measure(120, rss_bytes=9 * GIB)
        await seen.fleet.stop("ark", ANNA, force=True)
        await seen.measure(3600)
        await seen.measure(600, rss_bytes=None)
        assert seen.told() == ["limit_crossed"]


async def test_the_time_that_a_server_is_down_does_not_count() -> None:
    async with watching([HEAP]) as seen:
        await seen.up("ark")
        await seen.measure(30, rss_bytes=9 * GIB)
        await seen.fleet.stop("ark", ANNA, force=True)
        await seen.measure(100)
        await seen.up("ark")
        await seen.measure(30, rss_bytes=9 * GIB)
        assert seen.told() == []
        await seen.measure(15, rss_bytes=9 * GIB)
        assert seen.told() == ["limit_crossed"]


async def test_fault_52_the_clock_may_jump() -> None:
    async with watching([HEAP]) as seen:
        await seen.up("ark")
        await seen.measure(30, rss_bytes=9 * GIB)
        for jump_s in (3600, -7200, 3600):
            seen.house.clock.shift_wall(jump_s)
            await seen.measure(5, rss_bytes=9 * GIB)
        assert seen.told() == []
        await seen.measure(30, rss_bytes=9 * GIB)
        assert seen.told() == ["limit_crossed"]


async def test_the_next_bot_does_not_tell_it_again_and_tells_its_end() -> None:
    house = House()
    async with watching([HEAP], house) as seen:
        await seen.up("ark")
        await seen.measure(120, rss_bytes=9 * GIB)
    await house.clock.advance(600)
    async with watching([HEAP], house) as seen:
        await seen.measure(600, rss_bytes=9 * GIB)
        assert seen.told() == ["limit_crossed"]
        await seen.measure(120, rss_bytes=6 * GIB)
        assert seen.told() == ["limit_crossed", "limit_cleared"]
        cleared = seen.events()[-1]
        assert isinstance(cleared, LimitCleared)
        assert cleared.after_s == pytest.approx(1320, abs=20)
    async with watching([HEAP], house) as seen:
        await seen.measure(120, rss_bytes=9 * GIB)
        assert seen.told() == ["limit_crossed", "limit_cleared", "limit_crossed"]


async def test_a_limit_that_is_set_counts_at_once_and_one_that_is_removed_no_more() -> None:
    async with watching([HEAP]) as seen:
        await seen.up("ark")
        await seen.measure(120, rss_bytes=9 * GIB, tick_rate=10.0)
        seen.store.limits = [HEAP, TICKS]
        await seen.watch.reload()
        await seen.measure(120, rss_bytes=9 * GIB, tick_rate=10.0)
        assert [event.limit.id for event in seen.events()] == [1, 3]
        seen.store.limits = []
        await seen.watch.reload()
        await seen.measure(120, rss_bytes=6 * GIB, tick_rate=20.0)
        assert len(seen.events()) == 2


async def test_a_server_that_is_taken_in_later_is_judged_too() -> None:
    async with watching([HEAP]) as seen:
        await seen.fleet.take_in(spec_of("rust"))
        await seen.up("rust")
        await seen.measure(120, rss_bytes=9 * GIB)
        assert [event.server_id for event in seen.events()] == ["rust"]


async def test_what_the_disk_refuses_is_written_once_it_takes_it() -> None:
    refused = StorageError(StorageFault.FULL, "x.db")
    async with watching([HEAP]) as seen:
        await seen.up("ark")
        with capture_logs() as logs:
            seen.house.journal.fail_with = refused
            await seen.measure(300, rss_bytes=9 * GIB)
            await seen.measure(300, rss_bytes=6 * GIB)
            assert seen.told() == []
            seen.house.journal.fail_with = None
            await seen.house.clock.advance(60)
        assert seen.told() == ["limit_crossed", "limit_cleared"]
        events = [line["event"] for line in logs]
        assert (events.count("limits_not_written"), events.count("limits_written_again")) == (1, 1)


async def test_limits_that_cannot_be_read_at_the_start_are_read_later() -> None:
    async with watching([]) as seen:
        seen.store.limits = [HEAP]
        seen.store.fail_with = StorageError(StorageFault.BUSY, "x.db")
        with pytest.raises(StorageError):
            await seen.watch.reload()
        seen.store.fail_with = None
        await seen.watch.reload()
        assert seen.watch.limits == (HEAP,)


@pytest.mark.parametrize(
    "value", [pytest.param(1 * GIB, id="resting"), pytest.param(9 * GIB, id="on its way across")]
)
async def test_twenty_servers_with_three_limits_cost_next_to_nothing(value: int) -> None:
    limits = [Limit("memory", Side.ABOVE, 8.0 * GIB, 7.0 * GIB, 1e6, id=number) for number in (1, 2, 3)]
    async with watching([]) as seen:
        seen.store.limits = limits
        await seen.watch.reload()
        samples = [Sample(f"s{number}", 1, rss_bytes=value) for number in range(20)]
        seen.watch.add(samples)
        began_s = process_time()
        for _ in range(500):
            seen.watch.add(samples)
        await settle()
        # Ten times what it takes: a busy machine must not make it fail, a step per sample must.
        assert (process_time() - began_s) / 500 < 0.000_2
