"""The bot comes back and finds its server as it left it, or finds out what became of it."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from monitor.errors import StorageError, StorageFault
from monitor.events import ServerAdopted, ServerCrashed, ServerReady, ServerStarted, ServerStopped
from monitor.model import EvidenceKind, Intent, IntentAction, State, Verdict
from monitor.spec import ServerSpec
from tests.fakes.clock import settle
from tests.fakes.house import ANNA, BERT, House, restart, spec_of, stop
from tests.fakes.machine import STUBBORN, FakeProcess

pytestmark = pytest.mark.timeout(60)


async def left_running(house: House, spec: ServerSpec | None = None) -> FakeProcess:
    """Start a server, then let the bot go."""
    async with house.supervising(spec) as ark:
        assert (await ark.start(ANNA)).state is State.RUNNING
    return house.launcher.processes[-1]


def asked_for(house: House, action: IntentAction = IntentAction.STOP) -> None:
    """Play a bot that wrote an intent down and died before it could do anything about it."""
    house.journal.intents.append(Intent("ark", 1, action, BERT, house.clock.now_ms()))


async def test_fault_17_a_live_process_is_adopted_with_the_same_identity_and_no_alert(house: House) -> None:
    process = await left_running(house)
    assert process.closed
    await house.clock.advance(60)
    async with house.supervising() as ark:
        server = ark.server
        assert (server.state, server.process, server.run_id) == (State.RUNNING, process.identity, 1)
        assert server.started_ms == house.journal.runs[1].started_ms
        adopted = await house.journal.nth(ServerAdopted)
        assert (adopted.process, process.adopted, process.closed) == (process.identity, 1, False)
        await house.clock.advance(40)
        process.exit(signal=11)
        crashed = await house.journal.nth(ServerCrashed)
    assert crashed.uptime_s == 100.0
    assert len(house.launcher.spawned) == 1
    assert [event for event in house.heard if event.alerts] == [crashed]


async def test_fault_17_an_adopted_process_can_be_stopped_and_restarted(house: House) -> None:
    await left_running(house)
    async with house.supervising() as ark:
        assert (await restart(ark)).run_id == 2
        assert (await stop(ark)).state is State.STOPPED
    assert house.journal.of(ServerCrashed) == []


async def test_one_that_was_not_ready_yet_becomes_so(house: House) -> None:
    house.slow = True
    async with house.supervising() as ark:
        starting = asyncio.create_task(ark.start(ANNA))
        await house.journal.nth(ServerStarted)
    await asyncio.gather(starting, return_exceptions=True)
    async with house.supervising() as ark:
        assert ark.server.state is State.STARTING
        await house.clock.until_sleeping(2)
        house.log().write("Done (9s)")
        await house.clock.advance(0.25)
        assert (await house.journal.nth(ServerReady)).run_id == 1


async def test_a_line_of_an_earlier_run_makes_none_ready_that_is_not(house: House) -> None:
    await left_running(house)
    async with house.supervising() as ark:
        house.slow = True
        await stop(ark)
        starting = asyncio.create_task(ark.start(ANNA))
        await house.journal.nth(ServerStarted, 2)
    await asyncio.gather(starting, return_exceptions=True)
    async with house.supervising() as ark:
        await house.clock.until_sleeping(2)
        for _ in range(3):
            await house.clock.advance(0.25)
        assert ark.server.state is State.STARTING
        house.log().write("Done (9s)")
        await house.clock.advance(0.25)
        assert (await house.journal.nth(ServerReady, 2)).run_id == 2


async def test_fault_18_a_line_of_an_earlier_run_makes_no_stop_of_an_end(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.log().write("Stopping the server")
        await stop(ark)
        await ark.start(ANNA)
    house.launcher.processes[-1].exit()
    async with house.supervising():
        crashed = await house.journal.nth(ServerCrashed)
    assert crashed.report.verdict is Verdict.ENDED_UNSEEN
    assert crashed.log_tail == ("Done (1s)",)


async def test_fault_17_one_that_was_never_written_down_is_found_by_its_marker(house: House) -> None:
    process = await left_running(house)
    house.journal.forget_process(1)
    async with house.supervising() as ark:
        assert (ark.server.state, ark.server.process) == (State.RUNNING, process.identity)
    assert house.journal.runs[1].process == process.identity
    assert len(house.launcher.spawned) == 1


async def test_a_run_nothing_was_spawned_for_is_forgotten(house: House) -> None:
    run = await house.journal.begin_run("ark", house.clock.now_ms(), "never spawned")
    async with house.supervising() as ark:
        assert (ark.server.state, ark.server.last_exit) == (State.STOPPED, None)
        assert run.id not in house.journal.runs
        assert (await ark.start(ANNA)).state is State.RUNNING
    assert house.journal.of(ServerCrashed) == []


async def test_fault_18_one_that_ended_unseen_is_one_late_alert(house: House) -> None:
    process = await left_running(house)
    await house.clock.advance(600)
    process.exit()
    async with house.supervising() as ark:
        crashed = await house.journal.nth(ServerCrashed)
        assert (ark.server.state, ark.server.last_exit) == (State.BACKOFF, crashed.report)
        await house.clock.until_sleeping()
        await house.clock.advance(5)
        assert (await house.journal.nth(ServerReady, 2)).run_id == 2
    report = crashed.report
    assert (report.verdict, crashed.uptime_s) == (Verdict.ENDED_UNSEEN, 600.0)
    assert [e.kind for e in report.evidence] == [EvidenceKind.NO_EXIT_CODE, EvidenceKind.GONE_WHILE_AWAY]
    assert house.journal.of(ServerCrashed) == [crashed]
    async with house.supervising():
        pass
    assert house.journal.of(ServerCrashed) == [crashed]


async def test_fault_2_one_stopped_in_game_while_the_bot_was_away_is_no_crash(house: House) -> None:
    process = await left_running(house)
    house.log().write("Stopping the server")
    process.exit()
    async with house.supervising() as ark:
        stopped = await house.journal.nth(ServerStopped)
        await settle()
        assert ark.server.state is State.STOPPED
    assert stopped.report.verdict is Verdict.STOPPED_IN_GAME


async def test_after_a_reboot_it_is_down_without_a_crash(house: House) -> None:
    await left_running(house)
    house.launcher.reboot()
    async with house.supervising() as ark:
        stopped = await house.journal.nth(ServerStopped)
        await settle()
        assert ark.server.state is State.STOPPED
    assert stopped.report.verdict is Verdict.HOST_REBOOTED
    assert not any(event.alerts for event in house.journal.events)


async def test_fault_1_one_that_was_asked_to_stop_just_before_was_stopped(house: House) -> None:
    process = await left_running(house)
    asked_for(house)
    process.exit()
    await house.clock.advance(100)
    async with house.supervising() as ark:
        stopped = await house.journal.nth(ServerStopped)
        await settle()
        assert ark.server.state is State.STOPPED
    assert (stopped.report.verdict, stopped.report.by) == (Verdict.STOPPED, BERT)


async def test_a_stale_intent_explains_nothing(house: House) -> None:
    process = await left_running(house)
    asked_for(house)
    process.exit()
    await house.clock.advance(7 * 86_400)
    async with house.supervising():
        assert (await house.journal.nth(ServerCrashed)).report.verdict is Verdict.ENDED_UNSEEN


async def test_one_that_went_down_for_a_restart_is_brought_up(house: House) -> None:
    process = await left_running(house)
    asked_for(house, IntentAction.RESTART)
    process.exit()
    async with house.supervising():
        assert (await house.journal.nth(ServerReady, 2)).run_id == 2
    assert house.journal.of(ServerStarted)[1].by == BERT
    assert house.journal.of(ServerCrashed) == []


@pytest.mark.parametrize("action", [IntentAction.STOP, IntentAction.RESTART], ids=lambda action: action.value)
async def test_a_stop_that_the_bot_died_over_is_finished(house: House, action: IntentAction) -> None:
    process = await left_running(house)
    asked_for(house, action)
    async with house.supervising() as ark:
        stopped = await house.journal.nth(ServerStopped)
        if action is IntentAction.RESTART:
            await house.journal.nth(ServerReady, 2)
        await settle()
        assert ark.server.state is (State.STOPPED if action is IntentAction.STOP else State.RUNNING)
    assert "stop" in house.game().asked
    assert (process.alive, stopped.report.by) == (False, BERT)
    assert house.journal.of(ServerCrashed) == []


async def test_a_stop_that_was_called_off_before_the_bot_died_is_not_finished(house: House) -> None:
    process = await left_running(house)
    asked_for(house)
    asked_for(house, IntentAction.CALL_OFF)
    async with house.supervising() as ark:
        assert (ark.server.state, process.alive) == (State.RUNNING, True)
        process.exit(1)
        assert (await house.journal.nth(ServerCrashed)).report.verdict is Verdict.CRASHED
    assert "stop" not in house.game().asked


async def test_a_stop_of_last_week_is_not_finished(house: House) -> None:
    process = await left_running(house)
    asked_for(house)
    await house.clock.advance(7 * 86_400)
    async with house.supervising() as ark:
        assert (ark.server.state, process.alive) == (State.RUNNING, True)
        process.exit(signal=11)
        assert (await house.journal.nth(ServerCrashed)).report.verdict is Verdict.CRASHED


async def test_a_stop_under_way_survives_the_bot(house: House) -> None:
    house.launcher.temper = STUBBORN
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.game().on_stop = None
        stopping = asyncio.create_task(stop(ark))
        await house.clock.until_sleeping()
        await house.clock.advance(30)
    with pytest.raises(asyncio.CancelledError):
        await stopping
    async with house.supervising() as ark:
        assert ark.server.state is State.STOPPING
        assert (await house.journal.nth(ServerStopped)).report.by == ANNA


async def test_what_ended_before_is_remembered(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await stop(ark)
        before = ark.server
    async with house.supervising(spec_of()) as ark:
        assert (ark.server.last_exit, ark.server.last_exit_ms) == (before.last_exit, before.last_exit_ms)
        assert ark.server.state is State.STOPPED
    assert len(house.journal.of(ServerStopped)) == 1


async def test_an_empty_run_that_cannot_be_forgotten_is_left_for_next_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(run_id: int) -> None:
        raise StorageError(StorageFault.READ_ONLY, "/data")

    monkeypatch.setattr(house.journal, "abandon_run", fail)
    await house.journal.begin_run("ark", 1, "never spawned")
    with capture_logs() as logs:
        async with house.supervising() as ark:
            assert ark.server.state is State.STOPPED
    assert [entry["event"] for entry in logs] == ["run_not_abandoned"]
