"""What was to become of a server that is down, also when the bot goes and comes back meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from monitor.errors import LaunchFault
from monitor.events import (
    Aftermath,
    Event,
    NextStep,
    RestartsExhausted,
    ServerCrashed,
    ServerReady,
    ServerStarted,
    ServerStopped,
    StartFailed,
)
from monitor.model import Actor, ActorKind, ExitReport, ExitStatus, Run, State, Verdict
from monitor.rules import RESTARTER
from monitor.spec import RestartMode
from monitor.supervisor import Supervisor
from tests.fakes.clock import settle
from tests.fakes.house import ANNA, BERT, RESTARTS, House, restart, spec_of
from tests.fakes.journal import FakeJournal

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_threads")]
SCHEDULE = Actor(ActorKind.SCHEDULE, "nightly", "nightly")


async def crash(house: House, ark: Supervisor) -> ServerCrashed:
    number = len(house.journal.of(ServerCrashed)) + 1
    house.launcher.processes[-1].exit(signal=11)
    crashed = await house.journal.nth(ServerCrashed, number)
    await settle()
    assert ark.server.process is None
    return crashed


async def crash_and_come_back(house: House, ark: Supervisor) -> ServerCrashed:
    crashed = await crash(house, ark)
    await house.clock.advance(crashed.aftermath.delay_s)
    assert ark.server.state is State.RUNNING
    return crashed


class PowerCut(BaseException):
    """Nothing after this is done any more."""


# The pause


@pytest.mark.parametrize(("away_s", "left_s"), [(0.0, 5.0), (2.0, 3.0), (5.0, 0.0), (3_600.0, 0.0)], ids=str)
async def test_a_new_bot_waits_out_what_is_left_of_the_pause(house: House, away_s: float, left_s: float) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await crash(house, ark)
    await house.clock.advance(away_s)
    async with house.supervising() as ark:
        assert ark.server.next_start_ms == house.clock.now_ms() + left_s * 1_000
        assert (ark.server.state, ark.server.restarts_used) == (State.BACKOFF, 1)
        await house.clock.advance(max(0.0, left_s - 0.001))
        assert (len(house.launcher.spawned) == 1) is bool(left_s)
        await house.clock.advance(0.001)
        assert (await house.journal.nth(ServerReady, 2)).run_id == 2
    assert house.journal.of(ServerStarted)[1].by == RESTARTER
    assert len(house.journal.of(ServerCrashed)) == 1


@pytest.mark.parametrize("shift_s", [3_600.0, -3_600.0], ids=["forward", "back"])
async def test_fault_52_a_clock_set_while_the_bot_is_away_makes_no_pause_longer(house: House, shift_s: float) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await crash(house, ark)
    house.clock.shift_wall(shift_s)
    async with house.supervising():
        await house.clock.advance(5)
        assert (await house.journal.nth(ServerReady, 2)).run_id == 2


@pytest.mark.parametrize("shift_s", [3_600.0, -3_600.0], ids=["forward", "back"])
async def test_fault_52_a_clock_set_in_a_pause_neither_starts_nor_keeps_it(house: House, shift_s: float) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await crash(house, ark)
        house.clock.shift_wall(shift_s)
        await house.clock.advance(4.999)
        assert ark.server.state is State.BACKOFF
        await house.clock.advance(0.001)
        assert (await house.journal.nth(ServerReady, 2)).run_id == 2


@pytest.mark.parametrize("shift_s", [3_600.0, -3_600.0], ids=["forward", "back"])
async def test_fault_52_a_clock_set_while_it_runs_ends_nothing(house: House, shift_s: float) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await house.clock.advance(30)
        house.clock.shift_wall(shift_s)
        await house.clock.advance(30)
        assert (ark.server.state, len(house.launcher.spawned)) == (State.RUNNING, 1)
        assert (await crash(house, ark)).uptime_s == 60.0
    assert [type(event) for event in house.journal.events] == [ServerStarted, ServerReady, ServerCrashed]


async def test_fault_52_a_clock_set_back_while_the_bot_was_away_gives_no_negative_uptime(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
    house.clock.shift_wall(-3_600)
    async with house.supervising() as ark:
        assert ark.server.state is State.RUNNING
        await house.clock.advance(30)
        assert (await crash(house, ark)).uptime_s == 30.0


async def test_fault_52_a_clock_set_back_forgives_no_failure_to_come(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.clock.shift_wall(-9 * 3_600)
        for _ in range(RESTARTS.budget):
            await crash_and_come_back(house, ark)
        await crash(house, ark)
        assert ark.server.state is State.FAILED


async def test_fault_52_a_clock_set_back_makes_no_old_failure_a_new_one(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(SCHEDULE)
        for _ in range(RESTARTS.budget):
            await crash_and_come_back(house, ark)
            await house.clock.advance(RESTARTS.window_s + 1)
        house.clock.shift_wall(-9 * 3_600)
        assert (await crash(house, ark)).aftermath.attempt == 1
        assert ark.server.state is State.BACKOFF


async def test_one_that_was_stopped_in_game_comes_back_after_the_bot_where_it_always_does(house: House) -> None:
    always = spec_of(restart=replace(RESTARTS, policy=RestartMode.ALWAYS))
    async with house.supervising(always) as ark:
        await ark.start(ANNA)
        house.log().write("Stopping the server")
        house.launcher.processes[0].exit(0)
        await house.journal.nth(ServerStopped)
        await settle()
    async with house.supervising(always) as ark:
        assert ark.server.state is State.BACKOFF
        await house.clock.advance(5)
        assert (await house.journal.nth(ServerReady, 2)).run_id == 2


# Given up


async def given_up(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        for _ in range(RESTARTS.budget):
            await crash_and_come_back(house, ark)
        await crash(house, ark)
        assert ark.server.state is State.FAILED


async def test_fault_4_what_was_given_up_stays_down_over_a_restart_of_the_bot(house: House) -> None:
    await given_up(house)
    async with house.fleet(spec_of(autostart=True)) as fleet:
        await house.clock.advance(3_600)
        assert fleet.server("ark").state is State.FAILED
    assert len(house.launcher.spawned) == 4
    assert len(house.journal.of(RestartsExhausted)) == 1


async def test_fault_4_a_bot_that_dies_before_it_says_that_it_gives_up_says_so_later(house: House) -> None:
    await given_up(house)
    assert isinstance(house.journal.events.pop(), RestartsExhausted)
    async with house.supervising() as ark:
        assert ark.server.state is State.FAILED
        exhausted = await house.journal.nth(RestartsExhausted)
    last = house.journal.of(ServerCrashed)[-1]
    assert (exhausted.failures, exhausted.at_ms, exhausted.report) == (4, last.at_ms, last.report)


async def test_fault_4_the_count_goes_on_over_restarts_of_the_bot(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await crash(house, ark)
    for attempt, delay_s in ((2, 10.0), (3, 20.0)):
        async with house.supervising() as ark:
            await house.clock.advance(delay_s)
            assert ark.server.state is State.RUNNING
            crashed = await crash(house, ark)
            assert (crashed.aftermath.attempt, crashed.aftermath.delay_s) == (attempt, delay_s)
    async with house.supervising() as ark:
        await house.clock.advance(20)
        await crash(house, ark)
        assert ark.server.state is State.FAILED


async def test_a_person_s_start_begins_a_new_count_also_for_the_next_bot(house: House) -> None:
    await given_up(house)
    async with house.supervising() as ark:
        await house.clock.advance(1)
        assert (await ark.start(BERT)).restarts_used == 0
    async with house.supervising() as ark:
        assert (await crash(house, ark)).aftermath.attempt == 1


async def test_a_person_s_restart_begins_a_new_count_also_for_the_next_bot(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await crash_and_come_back(house, ark)
        await house.clock.advance(1)
        assert (await restart(ark, BERT)).restarts_used == 0
    async with house.supervising() as ark:
        assert (await crash_and_come_back(house, ark)).aftermath.attempt == 1
        assert (await crash(house, ark)).aftermath.attempt == 2


async def test_a_start_by_a_schedule_begins_no_new_count(house: House) -> None:
    await given_up(house)
    async with house.supervising() as ark:
        await ark.start(SCHEDULE)
        await crash(house, ark)
        assert ark.server.state is State.FAILED


async def test_fault_15_a_restart_that_was_refused_is_not_tried_again_by_the_next_bot(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await crash(house, ark)
        house.launcher.refuse_with = LaunchFault.NOT_FOUND
        await house.clock.advance(5)
    house.launcher.refuse_with = None
    async with house.supervising() as ark:
        await house.clock.advance(3_600)
        assert ark.server.state is State.FAILED
    assert len(house.journal.of(StartFailed)) == 1


async def test_fault_15_an_autostart_that_was_refused_is_tried_again_by_the_next_bot(house: House) -> None:
    auto = spec_of(autostart=True)
    house.launcher.refuse_with = LaunchFault.NO_SUCH_FOLDER
    async with house.fleet(auto):
        await house.journal.nth(StartFailed)
    house.launcher.refuse_with = None
    async with house.fleet(auto):
        await house.journal.nth(ServerReady)


# A restart that the bot died over


async def test_a_restart_interrupted_between_exit_and_spawn_is_finished(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut(server_id: str, at_ms: int, marker: str) -> Run:
        raise PowerCut

    async with house.supervising() as ark:
        await ark.start(ANNA)
        monkeypatch.setattr(house.journal, "begin_run", cut)
        restarting = asyncio.create_task(restart(ark, BERT))
        await house.journal.nth(ServerStopped)
        await settle()
        restarting.cancel()
    monkeypatch.undo()
    assert len(house.launcher.spawned) == 1
    await house.clock.advance(3_600)
    async with house.supervising():
        assert (await house.journal.nth(ServerReady, 2)).run_id == 2
    assert house.journal.of(ServerStarted)[1].by == BERT


async def test_a_restart_interrupted_in_the_spawn_is_finished(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await restart(ark, BERT)
    # The second run was begun, and its process never came to be.
    second = house.launcher.processes.pop()
    second.exit(0)
    house.journal.events = [event for event in house.journal.events if getattr(event, "run_id", 1) == 1]
    house.journal.runs[2] = replace(house.journal.runs[2], process=None, ready_ms=None)
    async with house.supervising():
        assert (await house.journal.nth(ServerReady, 2)).run_id == 3
    assert 2 not in house.journal.runs


AT_ONCE = replace(RESTARTS, backoff_s=0.0, backoff_max_s=0.0)


async def test_a_restart_without_a_pause_is_written_down_with_the_crash(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.supervising(spec_of(restart=AT_ONCE)) as ark:
        await ark.start(ANNA)
        monkeypatch.setattr(house.journal, "begin_run", None)
        monkeypatch.setattr(FakeJournal, "record_and_begin", at_once)
        house.launcher.processes[-1].exit(signal=11)
        assert (await house.journal.nth(ServerReady, 2)).run_id == 2
        await settle()
        assert (ark.server.state, ark.server.restarts_used) == (State.RUNNING, 1)
    assert house.journal.of(ServerStarted)[1].by == RESTARTER
    assert house.launcher.spawned[1].marker == house.journal.runs[2].marker != house.journal.runs[1].marker


async def at_once(journal: FakeJournal, event: Event, run: Run, at_ms: int, marker: str) -> tuple[int, Run]:
    begun = journal.runs[run.id + 1] = Run(run.id + 1, run.server_id, at_ms, marker)
    return await journal.record(event, run), begun


async def test_fault_4_without_a_pause_it_is_given_up_all_the_same(house: House) -> None:
    async with house.supervising(spec_of(restart=AT_ONCE)) as ark:
        await ark.start(ANNA)
        for number in range(1, AT_ONCE.budget + 2):
            (await house.launcher.nth(number)).exit(signal=11)
        await house.journal.nth(RestartsExhausted)
        await settle()
        assert ark.server.state is State.FAILED
    assert len(house.journal.of(ServerCrashed)) == len(house.launcher.spawned) == AT_ONCE.budget + 1


async def test_fault_15_one_refused_without_a_pause_leaves_no_run(house: House) -> None:
    async with house.supervising(spec_of(restart=AT_ONCE)) as ark:
        await ark.start(ANNA)
        house.launcher.refuse_with = LaunchFault.NOT_FOUND
        house.launcher.processes[-1].exit(signal=11)
        await house.journal.nth(StartFailed)
        await settle()
        assert ark.server.state is State.FAILED
    assert list(house.journal.runs) == [1]


async def test_fault_17_a_bot_that_dies_after_that_and_before_the_spawn_starts_it_later(house: House) -> None:
    async with house.supervising(spec_of(restart=AT_ONCE)) as ark:
        await ark.start(ANNA)
    crashed = replace(house.journal.runs[1], ended_ms=house.clock.now_ms())
    house.launcher.processes.pop().exit(signal=11)
    aftermath = Aftermath(NextStep.RESTART, 1, AT_ONCE.budget)
    report = ExitReport(Verdict.CRASHED, ExitStatus(signal=11))
    event = ServerCrashed(
        server_id="ark", at_ms=house.clock.now_ms(), run_id=1, report=report, uptime_s=1.0, aftermath=aftermath
    )
    await house.journal.record_and_begin(
        event, replace(crashed, report=report), house.clock.now_ms(), "never spawned"
    )
    async with house.supervising(spec_of(restart=AT_ONCE)):
        assert (await house.journal.nth(ServerReady, 2)).run_id == 3
    assert list(house.journal.runs) == [1, 3]
    assert len(house.launcher.spawned) == 2
    assert len(house.journal.of(ServerCrashed)) == 1


async def test_a_restart_that_is_through_is_not_made_again(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await restart(ark, BERT)
    async with house.supervising() as ark:
        assert (ark.server.state, ark.server.run_id) == (State.RUNNING, 2)
        house.log().write("Stopping the server")
        house.launcher.processes[-1].exit(0)
        await house.journal.nth(ServerStopped, 2)
    async with house.supervising() as ark:
        await house.clock.advance(3_600)
        assert ark.server.state is State.STOPPED
    assert len(house.launcher.spawned) == 2
