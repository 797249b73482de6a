"""Stops that are called off, or hurried on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from monitor.errors import StorageError, StorageFault, WrongState
from monitor.events import (
    RestartCalledOff,
    RestartsExhausted,
    ServerCrashed,
    ServerReady,
    ServerStopped,
)
from monitor.model import EvidenceKind, IntentAction, Players, Rung, State, Verdict
from tests.fakes.clock import settle
from tests.fakes.house import ANNA, BERT, House, spec_of, stop
from tests.fakes.machine import STUBBORN
from tests.fakes.waiting import PATIENCE_S
from tests.monitor.acts import begun, in_minutes, up

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_threads")]
FULL = StorageError(StorageFault.FULL, "/data")
MINUTE = 60.0


# Called off


async def test_a_plan_is_called_off(house: House) -> None:
    async with house.supervising() as ark:
        await up(house, ark)
        await ark.plan(in_minutes(house, 5))
        server = await ark.cancel(ANNA)
        assert (server.state, server.planned) == (State.RUNNING, None)
        await house.clock.advance(10 * MINUTE)
        assert ark.server.state is State.RUNNING
    assert house.journal.intents == []


async def test_where_nothing_is_planned_nothing_is_called_off(house: House) -> None:
    async with house.supervising() as ark:
        with pytest.raises(WrongState):
            await ark.cancel(ANNA)
        await up(house, ark)
        with pytest.raises(WrongState) as caught:
            await ark.cancel(ANNA)
    assert (caught.value.state, caught.value.wanted) == (State.RUNNING, "cancel")


@pytest.mark.parametrize("rung", [Rung.WARN, Rung.SAVE], ids=lambda rung: rung.value)
@pytest.mark.parametrize("action", [IntentAction.STOP, IntentAction.RESTART], ids=lambda action: action.value)
async def test_a_stop_is_called_off_until_the_game_is_asked(house: House, rung: Rung, action: IntentAction) -> None:
    house.game().online = Players(1)
    async with house.supervising() as ark:
        process = await up(house, ark)
        stopping = await begun(house, ark, rung, action)
        assert ark.server.state is State.STOPPING
        assert (await ark.cancel(ANNA)).state is State.RUNNING
        assert (await stopping).called_off_by == ANNA
        house.game().hang.clear()
        await house.clock.advance(10 * MINUTE)
        assert (process.alive, ark.server.state, ark.server.process) == (True, State.RUNNING, process.identity)
        assert "stop" not in house.game().asked
        process.exit(1)
        assert (await house.journal.nth(ServerCrashed)).report.verdict is Verdict.CRASHED
    assert [intent.action for intent in house.journal.intents] == [action, IntentAction.CALL_OFF]


async def test_what_was_put_aside_for_a_stop_is_taken_up_again(house: House) -> None:
    house.slow = True
    async with house.supervising() as ark:
        starting = asyncio.create_task(ark.start(ANNA))
        await settle()
        stopping = await begun(house, ark, Rung.SAVE)
        assert (await ark.cancel(ANNA)).state is State.STARTING
        spared = await asyncio.wait_for(stopping, PATIENCE_S)
        assert (spared.state, spared.called_off_by) == (State.STARTING, ANNA)
        assert not starting.done()
        house.log().write("Done (9s)")
        await house.clock.advance(1)
        assert (await starting).state is State.RUNNING
        house.game().asked.clear()
        await house.clock.advance(60)
        assert "players" in house.game().asked


async def test_after_it_was_asked_to_end_a_stop_goes_on(house: House) -> None:
    async with house.supervising() as ark:
        process = await up(house, ark)
        stopping = await begun(house, ark, Rung.ASK)
        with pytest.raises(WrongState) as caught:
            await ark.cancel(ANNA)
        assert caught.value.state is State.STOPPING
        process.exit(0)
        assert (await stopping).state is State.STOPPED
    assert [intent.action for intent in house.journal.intents] == [IntentAction.STOP]


async def test_a_stop_gets_no_further_while_its_end_is_written_down(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, gate = house.journal.write_intent, asyncio.Event()
    async with house.supervising() as ark:
        process = await up(house, ark)
        await begun(house, ark, Rung.SAVE)

        async def slow(intent: object) -> None:
            await gate.wait()
            await write(intent)  # type: ignore[arg-type]

        monkeypatch.setattr(house.journal, "write_intent", slow)
        cancelling = asyncio.create_task(ark.cancel(ANNA))
        await house.clock.advance(10 * MINUTE)
        assert "stop" not in house.game().asked
        gate.set()
        assert (await cancelling).state is State.RUNNING
        assert process.alive


async def test_a_stop_goes_on_when_calling_it_off_cannot_be_written_down(house: House) -> None:
    async with house.supervising() as ark:
        await up(house, ark)
        stopping = await begun(house, ark, Rung.SAVE)
        house.journal.fail_with = FULL
        with pytest.raises(StorageError):
            await ark.cancel(ANNA)
        house.journal.fail_with = None
        assert ark.server.state is State.STOPPING
        await house.clock.advance(MINUTE)
        assert (await stopping).state is State.STOPPED
    assert house.journal.of(ServerStopped)[0].report.by == BERT


async def test_a_bot_that_dies_after_a_stop_was_called_off_does_not_finish_it(house: House) -> None:
    async with house.supervising() as ark:
        process = await up(house, ark)
        await begun(house, ark, Rung.SAVE)
        await ark.cancel(ANNA)
    house.game().hang.clear()
    async with house.supervising() as ark:
        await house.clock.advance(5 * MINUTE)
        assert (ark.server.state, process.alive) == (State.RUNNING, True)
        process.exit(signal=11)
        assert (await house.journal.nth(ServerCrashed)).report.verdict is Verdict.CRASHED


async def test_a_stop_that_a_new_bot_finishes_can_still_be_called_off(house: House) -> None:
    async with house.supervising() as ark:
        process = await up(house, ark)
        await begun(house, ark, Rung.SAVE)
    house.game().hang.add("save")
    async with house.supervising() as ark:
        assert ark.server.state is State.STOPPING
        assert (await ark.cancel(ANNA)).state is State.RUNNING
        assert process.alive


async def test_fault_10_the_pending_restart_is_called_off_for_good(house: House) -> None:
    auto = spec_of(autostart=True)
    async with house.supervising(auto) as ark:
        (await up(house, ark)).exit(3)
        await house.journal.nth(ServerCrashed)
        await settle()
        assert (await ark.cancel(ANNA)).state is State.STOPPED
        assert (ark.server.restarts_used, ark.server.next_start_ms) == (0, None)
        await house.clock.advance(3_600)
    assert house.journal.of(RestartCalledOff)[0].by == ANNA
    async with house.fleet(auto) as fleet:
        await house.clock.advance(3_600)
        assert fleet.server("ark").state is State.STOPPED
    assert len(house.launcher.spawned) == 1


async def test_fault_10_a_restart_called_off_by_a_stop_stays_so_over_a_restart_of_the_bot(house: House) -> None:
    async with house.supervising() as ark:
        (await up(house, ark)).exit(3)
        await house.journal.nth(ServerCrashed)
        await settle()
        await stop(ark, BERT)
    async with house.supervising() as ark:
        await house.clock.advance(3_600)
        assert ark.server.state is State.STOPPED
        assert (await ark.start(ANNA)).state is State.RUNNING


async def test_a_restart_called_off_is_forgotten_when_the_machine_is_started_again(house: House) -> None:
    auto = spec_of(autostart=True)
    async with house.supervising(auto) as ark:
        (await up(house, ark)).exit(3)
        await house.journal.nth(ServerCrashed)
        await settle()
        await ark.cancel(ANNA)
    house.launcher.reboot()
    async with house.fleet(auto):
        await house.journal.nth(ServerReady, 2)


async def test_what_was_given_up_is_taken_back_and_counts_anew(house: House) -> None:
    never_again = replace(spec_of().restart, budget=0)
    async with house.supervising(spec_of(restart=never_again)) as ark:
        (await up(house, ark)).exit(3)
        await house.journal.nth(RestartsExhausted)
        await settle()
        assert ark.server.state is State.FAILED
        assert (await ark.cancel(ANNA)).state is State.STOPPED
    async with house.supervising() as ark:
        assert ark.server.state is State.STOPPED
        await house.clock.advance(1)
        (await up(house, ark)).exit(3)
        assert (await house.journal.nth(ServerCrashed, 2)).aftermath.attempt == 1


# Hurried on


async def test_fault_6_force_hurries_a_polite_stop_on(house: House) -> None:
    async with house.supervising() as ark:
        process = await up(house, ark)
        stopping = await begun(house, ark, Rung.ASK)
        rungs: list[Rung] = []
        forced = await stop(ark, ANNA, force=True, on_rung=rungs.append)
        assert (forced.state, (await stopping).state) == (State.STOPPED, State.STOPPED)
        report = (await house.journal.nth(ServerStopped)).report
    assert (rungs, process.terminated) == ([Rung.TERMINATE], 1)
    assert (report.verdict, report.by) == (Verdict.STOPPED, ANNA)
    assert report.evidence[-1].kind is EvidenceKind.FORCED


async def test_force_makes_a_restart_a_stop(house: House) -> None:
    async with house.supervising() as ark:
        await up(house, ark)
        restarting = await begun(house, ark, Rung.SAVE, IntentAction.RESTART)
        await stop(ark, ANNA, force=True)
        assert (await restarting).state is State.STOPPED
        await house.clock.advance(3_600)
    assert len(house.launcher.spawned) == 1


async def test_force_again_and_again_does_not_put_the_kill_off(house: House) -> None:
    house.launcher.temper = STUBBORN
    async with house.supervising() as ark:
        process = await up(house, ark)
        stopping = [asyncio.create_task(stop(ark, force=True))]
        await house.clock.advance(9)
        stopping.append(asyncio.create_task(stop(ark, BERT, force=True)))
        await house.clock.advance(1)
        assert [task.done() for task in stopping] == [True, True]
        assert (await house.journal.nth(ServerStopped)).report.by == BERT
        assert {(await task).state for task in stopping} == {State.STOPPED}
    assert (process.terminated, process.killed) == (1, 1)
