"""What is done about limits: restarts, the machine, its drives, trends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from monitor.errors import StorageError, StorageFault, WrongState
from monitor.events import Event, ServerCrashed, ServerStopped
from monitor.fleet import Fleet
from monitor.limit_events import LimitCrossed, LimitForeseen, LimitRestart
from monitor.limit_rounds import COOLDOWN_S, Drive
from monitor.limits import Hours, Limit, RestartCause, RestartRule, Side
from monitor.model import ActorKind, HostReading, IntentAction, Players, Run, Server, State, Verdict
from tests.fakes.clock import inline
from tests.fakes.house import ANNA, House
from tests.monitor.watching import Watching, watching

GIB = 1 << 30
RULE = RestartRule(wait_s=3600.0, ceiling=10.0 * GIB)
HEAP = Limit("memory", Side.ABOVE, 8.0 * GIB, back_at=7.0 * GIB, hold_s=60.0, restart=RULE, id=1)
DISK = Limit("disk_free_pct", Side.BELOW, 5.0, back_at=6.0, hold_s=120.0, id=2)
CPU = Limit("host_cpu", Side.ABOVE, 90.0, back_at=85.0, hold_s=60.0, id=3)


@pytest.fixture(autouse=True)
def threads_in_virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncio.to_thread", inline)


def restarts(seen: Watching) -> list[RestartCause]:
    return [event.cause for event in seen.events() if isinstance(event, LimitRestart)]


async def crossed(seen: Watching, online: int | None = 3, value: int = 9 * GIB) -> None:
    """Let it run beyond its limit with so many players on, until that was told."""
    await seen.up("ark")
    seen.house.game("ark").online = None if online is None else Players(online, 20)
    while not seen.told():
        await seen.measure(30, rss_bytes=value)


async def test_a_restart_waits_until_nobody_is_on_and_is_one_that_is_wanted() -> None:
    async with watching([HEAP]) as seen:
        await crossed(seen)
        await seen.measure(600, rss_bytes=9 * GIB)
        assert restarts(seen) == []
        seen.house.game("ark").online = Players(0, 20)
        await seen.measure(120, rss_bytes=9 * GIB)
        assert restarts(seen) == [RestartCause.EMPTY]
        [intent] = seen.house.journal.intents
        assert (intent.action, intent.by.kind, intent.by.id) == (IntentAction.RESTART, ActorKind.POLICY, "limit:1")
        [stopped] = seen.house.journal.of(ServerStopped)
        assert stopped.report.verdict is Verdict.STOPPED
        assert seen.house.journal.of(ServerCrashed) == []
        assert len(seen.house.launcher.spawned) == 2
        assert seen.fleet.server("ark").state is State.RUNNING


async def test_at_the_latest_after_its_time_whoever_is_on() -> None:
    async with watching([HEAP]) as seen:
        await crossed(seen)
        await seen.measure(3500, rss_bytes=9 * GIB)
        assert restarts(seen) == []
        await seen.measure(120, rss_bytes=9 * GIB)
        assert restarts(seen) == [RestartCause.WAITED]


async def test_a_game_that_does_not_tell_is_not_taken_for_empty() -> None:
    async with watching([HEAP]) as seen:
        await crossed(seen, online=None)
        await seen.measure(3000, rss_bytes=9 * GIB)
        assert restarts(seen) == []


async def test_at_the_ceiling_at_once() -> None:
    async with watching([HEAP]) as seen:
        await crossed(seen)
        await seen.measure(30, rss_bytes=10 * GIB)
        assert restarts(seen) == [RestartCause.CEILING]


async def test_only_in_its_hours() -> None:
    # The fake clock begins at midnight UTC: nine in the morning in Seoul.
    nights = replace(HEAP, restart=replace(RULE, wait_s=86_400.0, hours=Hours(10 * 60, 11 * 60, "Asia/Seoul")))
    async with watching([nights]) as seen:
        await crossed(seen, online=0)
        await seen.measure(3300, rss_bytes=9 * GIB, every_s=15)
        assert restarts(seen) == []
        await seen.measure(300, rss_bytes=9 * GIB)
        assert restarts(seen) == [RestartCause.EMPTY]


async def test_a_limit_that_is_set_too_low_restarts_once() -> None:
    async with watching([HEAP]) as seen:
        await crossed(seen, online=0)
        await seen.measure(3 * COOLDOWN_S, rss_bytes=9 * GIB, every_s=15)
        assert restarts(seen) == [RestartCause.EMPTY]
        assert seen.told().count("limit_crossed") == 1


async def test_however_often_it_is_crossed_it_restarts_once_in_a_while() -> None:
    async with watching([HEAP]) as seen:
        await crossed(seen, online=0)
        for _ in range(10):
            await seen.measure(120, rss_bytes=6 * GIB, every_s=15)
            await seen.measure(120, rss_bytes=9 * GIB, every_s=15)
        began = [e.at_ms for e in seen.events() if isinstance(e, LimitRestart)]
        assert len(began) == 2
        assert began[1] - began[0] >= COOLDOWN_S * 1000


async def test_a_restart_that_was_refused_is_tried_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watching([HEAP]) as seen:
        await crossed(seen)
        restart, asked = Fleet.restart, 0

        async def busy_at_first(fleet: Fleet, *given: Any, **more: Any) -> Server:
            nonlocal asked
            asked += 1
            if asked == 1:
                raise WrongState("ark", State.STOPPING, "restart")
            return await restart(fleet, *given, **more)

        monkeypatch.setattr(Fleet, "restart", busy_at_first)
        seen.house.game("ark").online = Players(0, 20)
        await seen.measure(COOLDOWN_S - 60, rss_bytes=9 * GIB)
        assert (asked, len(seen.house.launcher.spawned)) == (1, 1)
        await seen.measure(180, rss_bytes=9 * GIB)
        assert (asked, len(seen.house.launcher.spawned)) == (2, 2)


async def test_a_restart_that_could_not_be_written_down_is_decided_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watching([HEAP]) as seen:
        await crossed(seen)
        record, refused, tries = seen.house.journal.record, True, 0

        async def full(event: Event, run: Run | None = None) -> int:
            nonlocal tries
            if refused and isinstance(event, LimitRestart):
                tries += 1
                raise StorageError(StorageFault.FULL, "gamekeeper.db")
            return await record(event, run)

        monkeypatch.setattr(seen.house.journal, "record", full)
        seen.house.game("ark").online = Players(0, 20)
        await seen.measure(120, rss_bytes=9 * GIB)
        seen.house.game("ark").online = Players(7, 20)
        await seen.measure(120, rss_bytes=9 * GIB)
        refused = False
        await seen.measure(120, rss_bytes=9 * GIB)
        assert tries > 1
        assert len(seen.house.launcher.spawned) == 1


async def test_the_next_bot_neither_restarts_it_twice_nor_forgets_that_it_waits() -> None:
    house = House()
    async with watching([HEAP], house) as seen:
        await crossed(seen)
        await seen.measure(3000, rss_bytes=9 * GIB, every_s=15)
    house.games["ark"] = replace(house.game("ark"), closed=False)
    async with watching([HEAP], house) as seen:
        await seen.measure(900, rss_bytes=9 * GIB, every_s=15)
        assert restarts(seen) == [RestartCause.WAITED]
    async with watching([HEAP], house) as seen:
        await seen.measure(7200, rss_bytes=9 * GIB, every_s=30)
        assert restarts(seen) == [RestartCause.WAITED]


async def test_what_somebody_has_planned_or_stopped_is_left_alone() -> None:
    async with watching([HEAP]) as seen:
        await crossed(seen)
        await seen.fleet.stop("ark", ANNA)
        await seen.measure(7200, every_s=60)
        assert restarts(seen) == []
        assert seen.fleet.server("ark").state is State.STOPPED


async def test_the_machine_is_judged_by_each_reading_of_it() -> None:
    async with watching([CPU]) as seen:
        for cpu_pct in (95.0, 96.0, 97.0, 98.0, 99.0, 95.0, 96.0, 97.0):
            seen.machine.host = HostReading(cpu_pct, 16 << 30, 8 << 30)
            await seen.house.clock.advance(10)
        [told] = seen.events()
        assert (told.server_id, told.target, told.limit) == ("", "", CPU)


async def test_a_reading_that_stands_still_says_nothing() -> None:
    async with watching([CPU]) as seen:
        seen.machine.host = HostReading(95.0, 16 << 30, 8 << 30)
        await seen.house.clock.advance(3600)
        assert seen.events() == []


async def test_a_drive_is_told_of_once_however_many_servers_are_on_it() -> None:
    ours = replace(DISK, server_id="ark", id=9)
    async with watching([DISK, ours], servers=["ark", "rust"]) as seen:
        seen.drives |= {folder: Drive("/", 4 * GIB, 100 * GIB) for folder in (Path("/srv"), Path("/own"))}
        await seen.house.clock.advance(600)
        told = [(e.limit.id, e.server_id, e.target) for e in seen.events() if isinstance(e, LimitCrossed)]
        assert sorted(told) == [(2, "", "/"), (9, "ark", "ark")]
        seen.drives |= {folder: Drive("/", 7 * GIB, 100 * GIB) for folder in (Path("/srv"), Path("/own"))}
        await seen.house.clock.advance(600)
        assert seen.told().count("limit_cleared") == 2


async def test_a_drive_that_cannot_be_read_is_neither_full_nor_well() -> None:
    async with watching([DISK]) as seen:
        seen.drives[Path("/own")] = Drive("/", 4 * GIB, 100 * GIB)
        await seen.house.clock.advance(600)
        seen.drives.clear()
        await seen.house.clock.advance(6000)
        assert seen.told() == ["limit_crossed"]


TOLD_ONLY = replace(HEAP, restart=None)


async def trend(seen: Watching, growth: float | None, value: float, minutes: int = 11) -> None:
    seen.trends.growth = growth
    await seen.measure(minutes * 60, rss_bytes=value, every_s=15)


async def test_a_crossing_is_foretold_once_and_taken_back_once() -> None:
    async with watching([TOLD_ONLY]) as seen:
        await seen.up("ark")
        await trend(seen, None, 5.0 * GIB)
        await trend(seen, 0.1 * GIB, 5.0 * GIB)
        assert seen.told() == []
        await trend(seen, 1.0 * GIB, 5.0 * GIB, minutes=45)
        [foreseen] = seen.events()
        assert isinstance(foreseen, LimitForeseen)
        assert (foreseen.value, foreseen.growth_per_h, foreseen.in_s) == (5.0 * GIB, 1.0 * GIB, 3 * 3600)
        await trend(seen, 0.3 * GIB, 5.0 * GIB)
        await trend(seen, None, 5.0 * GIB)
        assert len(seen.events()) == 1
        await trend(seen, 0.2 * GIB, 5.0 * GIB, minutes=25)
        assert seen.told() == ["limit_foreseen", "forecast_lifted"]


async def test_only_this_life_of_a_server_is_its_trend() -> None:
    async with watching([TOLD_ONLY]) as seen:
        await seen.up("ark")
        started_ms = seen.fleet.server("ark").started_ms
        await trend(seen, None, 5.0 * GIB)
        assert {since_ms for _, since_ms, _ in seen.trends.asked} == {started_ms}
        await trend(seen, 1.0 * GIB, 5.0 * GIB)
        await seen.fleet.restart("ark", ANNA)
        await trend(seen, None, 1.0 * GIB)
        [_, lifted] = seen.events()
        assert (lifted.kind, getattr(lifted, "restarted", None)) == ("forecast_lifted", True)


async def test_the_next_bot_does_not_foretell_it_again() -> None:
    house = House()
    for _ in range(2):
        async with watching([TOLD_ONLY], house) as seen:
            if not seen.fleet.live():
                await seen.up("ark")
            await trend(seen, 1.0 * GIB, 5.0 * GIB, minutes=25)
            assert seen.told() == ["limit_foreseen"]


async def test_what_is_crossed_needs_no_forecast() -> None:
    async with watching([TOLD_ONLY]) as seen:
        await seen.up("ark")
        await trend(seen, 1.0 * GIB, 9.0 * GIB, minutes=25)
        assert seen.told() == ["limit_crossed"]


async def test_a_round_that_fails_is_logged_once_and_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(*_: Any) -> None:
        raise OSError

    async with watching([CPU, DISK]) as seen:
        with capture_logs() as logs:
            monkeypatch.setattr("asyncio.to_thread", broken)
            for cpu_pct in range(91, 99):
                seen.machine.host = HostReading(cpu_pct, 16 << 30, 8 << 30)
                await seen.house.clock.advance(20)
            monkeypatch.setattr("asyncio.to_thread", inline)
            await seen.house.clock.advance(60)
        assert seen.told() == ["limit_crossed"]
        told = [line["event"] for line in logs if line.get("of") == "drives"]
        assert told == ["limits_not_looked_after", "limits_looked_after_again"]
