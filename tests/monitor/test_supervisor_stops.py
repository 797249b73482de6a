"""Stops and restarts that somebody asked for."""

from __future__ import annotations

import asyncio

import pytest

from monitor.errors import (
    StorageError,
    StorageFault,
    WrongState,
)
from monitor.events import ServerCrashed, ServerReady, ServerStarted, ServerStopped
from monitor.model import EvidenceKind, IntentAction, Players, Rung, State, Verdict
from tests.fakes.clock import settle
from tests.fakes.house import ANNA, BERT, House, restart, stop
from tests.fakes.machine import STUBBORN, FakeProcess, Temper

pytestmark = pytest.mark.timeout(60)
FULL = StorageError(StorageFault.FULL, "/data")


async def test_a_stop_is_over_once_the_process_is_gone(house: House) -> None:
    rungs: list[Rung] = []

    async with house.supervising() as ark:
        await ark.start(ANNA)
        process = house.launcher.processes[0]
        house.game().on_stop = lambda: process.exit(0)
        house.game().online = Players(2, 20)
        await house.clock.advance(15)
        server = await stop(ark, BERT, reason="update", on_rung=rungs.append)
        stopped = await house.journal.nth(ServerStopped)
    assert (server.state, server.process, process.closed) == (State.STOPPED, None, True)
    assert (stopped.report.verdict, stopped.report.by, stopped.uptime_s) == (Verdict.STOPPED, BERT, 15.0)
    assert rungs == [Rung.WARN, Rung.SAVE, Rung.ASK]
    assert "warn: The server is shutting down now. Reason: update" in house.game().asked
    assert house.journal.runs[1].report == stopped.report
    intent = house.journal.intents[0]
    assert (intent.run_id, intent.action, intent.by, intent.reason) == (1, IntentAction.STOP, BERT, "update")


async def test_the_intent_is_on_disk_before_the_first_signal(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    write, terminate = house.journal.write_intent, FakeProcess.terminate_tree

    async def noted_write(intent: object) -> None:
        await asyncio.sleep(0)
        await write(intent)  # type: ignore[arg-type]
        order.append("intent")

    async def noted_terminate(process: FakeProcess) -> None:
        order.append("signal")
        await terminate(process)

    monkeypatch.setattr(house.journal, "write_intent", noted_write)
    monkeypatch.setattr(FakeProcess, "terminate_tree", noted_terminate)
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await stop(ark, force=True)
    assert order == ["intent", "signal"]


async def test_a_stop_that_cannot_be_written_down_is_refused_and_nothing_is_signalled(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.journal.fail_with = FULL
        with pytest.raises(StorageError):
            await stop(ark, force=True)
        process = house.launcher.processes[0]
        assert (ark.server.state, process.alive, process.terminated) == (State.RUNNING, True, 0)
        assert "stop" not in house.game().asked
        house.journal.fail_with = None
        assert (await stop(ark)).state is State.STOPPED


async def test_fault_6_who_ignores_everything_is_reported_as_forced(house: House) -> None:
    house.launcher.temper = STUBBORN
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.game().on_stop = None
        stopping = asyncio.create_task(stop(ark))
        await house.clock.until_sleeping()
        await house.clock.advance(70)
        assert (await stopping).state is State.STOPPED
        report = (await house.journal.nth(ServerStopped)).report
    assert (report.verdict, report.evidence[-1].kind) == (Verdict.STOPPED, EvidenceKind.FORCED)
    assert report.evidence[-1].detail == "kill"
    assert house.journal.of(ServerCrashed) == []


@pytest.mark.parametrize(
    ("code", "signal"), [(0, None), (1, None), (3, None), (None, 6), (None, 11)], ids=["0", "1", "3", "abrt", "segv"]
)
async def test_fault_1_asked_to_stop_is_stopped_however_it_ends(
    house: House, code: int | None, signal: int | None
) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        process = house.launcher.processes[0]
        house.game().on_stop = lambda: process.exit(code, signal=signal)
        server = await stop(ark)
        await house.clock.advance(3_600)
        assert (server.state, ark.server.state) == (State.STOPPED, State.STOPPED)
    assert house.journal.of(ServerCrashed) == []
    assert len(house.launcher.spawned) == 1


async def test_an_exit_while_it_saves_ends_the_procedure_at_once(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.game().hang.add("save")
        stopping = asyncio.create_task(stop(ark))
        await house.clock.until_sleeping()
        house.launcher.processes[0].exit(0)
        assert (await stopping).state is State.STOPPED
        await settle()
        assert house.clock.sleepers == 0
    assert "stop" not in house.game().asked


async def test_a_restart_is_over_once_players_can_join_again(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        server = await restart(ark, BERT)
        assert (server.state, server.run_id) == (State.RUNNING, 2)
        await house.journal.nth(ServerReady, 2)
    started = house.journal.of(ServerStarted)
    assert [event.by for event in started] == [ANNA, BERT]
    assert started[0].process != started[1].process
    assert house.journal.of(ServerCrashed) == []


async def test_a_stop_while_it_starts_tells_both(house: House) -> None:
    house.slow = True
    async with house.supervising() as ark:
        starting = asyncio.create_task(ark.start(ANNA))
        await house.launcher.nth(1)
        server = await stop(ark, BERT)
        assert (server.state, (await starting).state) == (State.STOPPED, State.STOPPED)
    assert house.journal.of(ServerReady) == []


async def test_fault_9_a_start_and_a_stop_at_once_are_serialised_and_both_told(house: House) -> None:
    async with house.supervising() as ark:
        started, stopped = await asyncio.gather(ark.start(ANNA), stop(ark, BERT))
        assert ark.server.state is State.STOPPED
    assert stopped.state is State.STOPPED
    assert started.state is State.STOPPED
    assert len(house.launcher.spawned) == len(house.journal.of(ServerStopped)) == 1


async def test_fault_9_a_stop_and_a_start_at_once_are_both_told(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        stopped, started = await asyncio.gather(stop(ark), ark.start(BERT), return_exceptions=True)
    assert isinstance(started, WrongState)
    assert started.state is State.STOPPING
    assert not isinstance(stopped, BaseException)


async def test_the_second_of_two_stops_is_told_that_it_is_stopping(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        first, second = await asyncio.gather(stop(ark), stop(ark, BERT), return_exceptions=True)
    assert isinstance(second, WrongState)
    assert (second.state, second.wanted) == (State.STOPPING, "stop")
    assert not isinstance(first, BaseException)
    assert [intent.by for intent in house.journal.intents] == [ANNA]


async def test_a_server_that_is_down_cannot_be_stopped(house: House) -> None:
    async with house.supervising() as ark:
        for ask in (stop, restart):
            with pytest.raises(WrongState):
                await ask(ark)


async def test_a_stop_asked_while_its_exit_waits_in_the_queue_counts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = house.journal.write_intent
    gate, writing = asyncio.Event(), asyncio.Event()

    async def slow_write(intent: object) -> None:
        writing.set()
        await gate.wait()
        await write(intent)  # type: ignore[arg-type]

    monkeypatch.setattr(house.journal, "write_intent", slow_write)
    async with house.supervising() as ark:
        await ark.start(ANNA)
        stopping = asyncio.create_task(stop(ark))
        await writing.wait()
        house.launcher.processes[0].exit(1)
        await settle()
        gate.set()
        assert (await stopping).state is State.STOPPED
    assert house.journal.of(ServerStopped)[0].report.by == ANNA
    assert house.journal.of(ServerCrashed) == []


@pytest.mark.parametrize("text", ["stop", "/stop now"])
async def test_fault_2_our_own_quit_command_is_a_stop_in_game(house: House, text: str) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await ark.command(text, BERT)
        house.launcher.processes[0].exit(0)
        stopped = await house.journal.nth(ServerStopped)
        await settle()
        assert ark.server.state is State.STOPPED
    assert (stopped.report.verdict, stopped.report.by) == (Verdict.STOPPED_IN_GAME, BERT)
    assert house.journal.of(ServerCrashed) == []


async def test_a_process_that_ends_by_sigterm_needs_no_kill(house: House) -> None:
    house.launcher.temper = Temper(on_interrupt=None)
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await stop(ark, force=True)
    assert (house.launcher.processes[0].terminated, house.launcher.processes[0].killed) == (1, 0)
