"""Stops and restarts that are announced for later."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from monitor.errors import GameFault, GameUnavailable, StorageError, StorageFault, WrongState
from monitor.events import (
    ServerReady,
    ServerStarted,
    ServerStopped,
)
from monitor.model import IntentAction, Rung, State, Verdict
from tests.fakes.clock import settle
from tests.fakes.house import BERT, House, restart, stop
from tests.monitor.acts import begun, in_minutes, up, warnings

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_threads")]
FULL = StorageError(StorageFault.FULL, "/data")
MINUTE = 60.0


async def test_players_are_warned_as_a_planned_stop_comes_near(house: House) -> None:
    async with house.supervising() as ark:
        process = await up(house, ark)
        plan = in_minutes(house, 31, reason="update")
        assert (await ark.plan(plan)).planned == plan
        told: list[tuple[float, str]] = []
        for _ in range(31 * 6 - 1):
            await house.clock.advance(10)
            told += [(house.clock.monotonic() / MINUTE, line) for line in warnings(house)[len(told) :]]
        assert process.alive
        assert ark.server.state is State.RUNNING
        await house.clock.advance(10)
        stopped = await house.journal.nth(ServerStopped)
        await settle()
        assert (ark.server.state, ark.server.planned) == (State.STOPPED, None)
    left = ["31 min", "30 min", "15 min", "10 min", "5 min", "1 min", "10 s"]
    assert [line for _, line in told] == [f"shuts down in {each}. Reason: update" for each in left]
    times = [round(at, 2) for at, _ in told]
    assert times == [0.17, 1.0, 16.0, 21.0, 26.0, 30.0, 30.83]
    assert (stopped.report.verdict, stopped.report.by, stopped.uptime_s) == (Verdict.STOPPED, BERT, 31 * MINUTE)
    intent = house.journal.intents[0]
    assert (intent.action, intent.by, intent.reason) == (IntentAction.STOP, BERT, "update")
    assert warnings(house)[-1] == "is shutting down now. Reason: update"


async def test_nobody_is_warned_of_a_planned_stop_when_nobody_is_on(house: House) -> None:
    async with house.supervising() as ark:
        await up(house, ark, players=0)
        await ark.plan(in_minutes(house, 31))
        await house.clock.advance(31 * MINUTE)
        assert ark.server.state is State.STOPPED
    assert warnings(house) == []


async def test_a_planned_restart_comes_back(house: House) -> None:
    async with house.supervising() as ark:
        await up(house, ark)
        await ark.plan(in_minutes(house, 1, IntentAction.RESTART))
        await house.clock.advance(MINUTE)
        await house.journal.nth(ServerReady, 2)
        await settle()
        assert (ark.server.state, ark.server.run_id, ark.server.planned) == (State.RUNNING, 2, None)
    assert house.journal.of(ServerStarted)[1].by == BERT
    assert warnings(house)[0] == "restarts in 1 min."


@pytest.mark.parametrize(
    "trouble", [GameUnavailable(GameFault.TIMEOUT), LookupError(), None], ids=["no_answer", "broken", "hangs"]
)
async def test_a_warning_that_fails_does_not_put_a_planned_stop_off(
    house: House, monkeypatch: pytest.MonkeyPatch, trouble: Exception | None
) -> None:
    async def warn(message: str) -> None:
        if trouble is not None:
            raise trouble
        await asyncio.Event().wait()

    async with house.supervising() as ark:
        await up(house, ark)
        monkeypatch.setattr(house.game(), "warn", warn)
        with capture_logs() as logs:
            await ark.plan(in_minutes(house, 10))
            await house.clock.advance(10 * MINUTE - 0.001)
            assert house.journal.intents == []
            await house.clock.advance(0.001)
            assert [intent.by for intent in house.journal.intents] == [BERT]
    assert "task_failed" not in [entry["event"] for entry in logs]


async def test_a_newer_plan_takes_the_place_of_the_older(house: House) -> None:
    async with house.supervising() as ark:
        await up(house, ark)
        await ark.plan(in_minutes(house, 5))
        later = in_minutes(house, 20, IntentAction.RESTART)
        assert (await ark.plan(later)).planned == later
        await house.clock.advance(19.9 * MINUTE)
        assert ark.server.run_id == 1
        await house.clock.advance(0.1 * MINUTE)
        assert (await house.journal.nth(ServerReady, 2)).run_id == 2


@pytest.mark.parametrize("how", ["stopped", "crashed", "restarted"])
async def test_a_plan_is_forgotten_when_the_server_ends_before(house: House, how: str) -> None:
    async with house.supervising() as ark:
        process = await up(house, ark)
        await ark.plan(in_minutes(house, 10))
        if how == "stopped":
            await stop(ark)
        elif how == "restarted":
            await restart(ark)
        else:
            process.exit(signal=11)
            await house.clock.advance(5)
        assert ark.server.planned is None
        runs = len(house.journal.runs)
        await house.clock.advance(20 * MINUTE)
        assert ark.server.state is (State.STOPPED if how == "stopped" else State.RUNNING)
    assert len(house.journal.runs) == runs


async def test_a_plan_that_is_due_at_once_is_carried_out_at_once(house: House) -> None:
    async with house.supervising() as ark:
        await up(house, ark)
        await ark.plan(in_minutes(house, -1))
        await settle()
        assert ark.server.state is State.STOPPED


@pytest.mark.parametrize("state", ["stopped", "backoff", "stopping"])
async def test_only_what_runs_can_be_planned_for(house: House, state: str) -> None:
    async with house.supervising() as ark:
        if state != "stopped":
            process = await up(house, ark)
            if state == "backoff":
                process.exit(3)
                await settle()
            else:
                await begun(house, ark, Rung.SAVE)
        with pytest.raises(WrongState) as caught:
            await ark.plan(in_minutes(house, 5))
    assert (caught.value.state.value, caught.value.wanted) == (state, "stop")


async def test_a_planned_stop_that_cannot_be_written_down_is_not_carried_out(house: House) -> None:
    async with house.supervising() as ark:
        process = await up(house, ark)
        await ark.plan(in_minutes(house, 1))
        house.journal.fail_with = FULL
        with capture_logs() as logs:
            await house.clock.advance(MINUTE)
        assert (process.alive, ark.server.state, ark.server.planned) == (True, State.RUNNING, None)
    assert [entry["event"] for entry in logs] == ["job_failed"]


@pytest.mark.parametrize("shift_s", [3_600.0, -3_600.0], ids=["forward", "back"])
async def test_fault_52_a_planned_stop_comes_when_it_was_announced_for(house: House, shift_s: float) -> None:
    async with house.supervising() as ark:
        await up(house, ark)
        await ark.plan(in_minutes(house, 10))
        await house.clock.advance(MINUTE)
        house.clock.shift_wall(shift_s)
        await house.clock.advance(9 * MINUTE - 0.001)
        assert house.journal.intents == []
        await house.clock.advance(0.001)
        assert ark.server.state is State.STOPPED
