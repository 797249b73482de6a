"""Exits nobody asked for: judged, told once, and followed by what the policy says."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from monitor.errors import LaunchFault, StorageError, StorageFault
from monitor.events import (
    Event,
    NextStep,
    RestartsExhausted,
    ServerCrashed,
    ServerReady,
    ServerStarted,
    ServerStopped,
    StartFailed,
)
from monitor.model import EvidenceKind, Run, Sample, State, Verdict
from monitor.rules import RESTARTER
from monitor.spec import ReadyPolicy, RestartMode
from monitor.supervisor import Supervisor
from tests.fakes.clock import EPOCH_MS, settle
from tests.fakes.game import TRAITS, FakeGame
from tests.fakes.house import ANNA, RESTARTS, House, restart, spec_of, stop

pytestmark = pytest.mark.timeout(60)
FULL = StorageError(StorageFault.FULL, "/data")


async def crash(house: House, number: int = 1) -> ServerCrashed:
    """End the `number`-th process by a signal, and give the alert."""
    (await house.launcher.nth(number)).exit(signal=11)
    crashed = await house.journal.nth(ServerCrashed, number)
    await settle()
    return crashed


async def comes_back(house: House, ark: Supervisor, delay_s: float, number: int) -> None:
    """It is started again after the pause, not before, and becomes ready."""
    await house.clock.advance(delay_s - 0.001)
    assert len(house.launcher.spawned) == number - 1
    assert ark.server.state is State.BACKOFF
    await house.clock.advance(0.001)
    await house.journal.nth(ServerReady, number)
    await settle()


@pytest.mark.parametrize(
    ("code", "signal", "evidence"),
    [
        (None, 11, (EvidenceKind.SIGNAL, "11")),
        (None, 6, (EvidenceKind.SIGNAL, "6")),
        (None, 9, (EvidenceKind.SIGNAL, "9")),
        (3, None, (EvidenceKind.EXIT_CODE, "3")),
        (0xC0000005, None, (EvidenceKind.EXIT_CODE, str(0xC0000005))),
    ],
    ids=["segv", "abrt", "kill", "code-3", "ntstatus"],
)
async def test_fault_3_a_crash_is_one_alert_that_names_it(
    house: House, code: int | None, signal: int | None, evidence: tuple[EvidenceKind, str]
) -> None:
    sample = Sample("ark", 7, cpu_pct=99.0)
    async with house.supervising() as ark:
        await ark.start(ANNA)
        ark.measured(sample)
        house.log().write("about to fall")
        await house.clock.advance(90)
        house.launcher.processes[0].exit(code, signal=signal)
        crashed = await house.journal.nth(ServerCrashed)
        await settle()
        assert (ark.server.state, ark.server.process, ark.server.latest) == (State.BACKOFF, None, None)
        assert ark.server.last_exit == crashed.report
    named = crashed.report.evidence[0]
    assert (crashed.report.verdict, named.kind, named.detail) == (Verdict.CRASHED, *evidence)
    assert (crashed.last, crashed.uptime_s, crashed.log_tail) == (sample, 90.0, ("Done (1s)", "about to fall"))
    assert house.launcher.processes[0].closed
    assert house.journal.runs[1].report == crashed.report
    assert [event for event in house.heard if event.alerts] == [crashed]


async def test_a_crash_is_followed_by_a_restart_after_a_pause(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        crashed = await crash(house)
        assert (ark.server.next_start_ms, ark.server.restarts_used) == (EPOCH_MS + 5_000, 1)
        await comes_back(house, ark, 5, 2)
        assert (ark.server.state, ark.server.run_id, ark.server.next_start_ms) == (State.RUNNING, 2, None)
    assert (crashed.aftermath.step, crashed.aftermath.attempt, crashed.aftermath.delay_s) == (
        NextStep.RESTART,
        1,
        5.0,
    )
    assert house.journal.of(ServerStarted)[1].by == RESTARTER


@pytest.mark.parametrize("uptime_s", [0.0, 20.0], ids=["fault_4_at_once", "fault_5_a_little_later"])
async def test_fault_4_5_it_gives_up_and_says_so_once(house: House, uptime_s: float) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        for number, delay_s in enumerate((5, 10, 20), start=1):
            await house.clock.advance(uptime_s * number)
            assert (await crash(house, number)).aftermath.delay_s == delay_s
            await comes_back(house, ark, delay_s, number + 1)
        assert (await crash(house, 4)).aftermath.step is NextStep.GIVE_UP
        exhausted = await house.journal.nth(RestartsExhausted)
        await settle()
        assert ark.server.state is State.FAILED
        await house.clock.advance(3_600)
        assert len(house.launcher.spawned) == 4
    last = house.journal.of(ServerCrashed)[-1]
    assert (exhausted.failures, exhausted.window_s) == (4, 600.0)
    assert (exhausted.report, exhausted.last) == (last.report, last.last)
    assert house.journal.of(RestartsExhausted) == [exhausted]


async def test_failures_of_long_ago_no_longer_count(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        for number in range(1, 6):
            assert (await crash(house, number)).aftermath.attempt == 1
            await comes_back(house, ark, 5, number + 1)
            await house.clock.advance(601)
    assert house.journal.of(RestartsExhausted) == []


async def test_a_person_s_start_begins_a_new_budget(house: House) -> None:
    async with house.supervising(spec_of(restart=replace(RESTARTS, budget=1))) as ark:
        await ark.start(ANNA)
        await crash(house, 1)
        await comes_back(house, ark, 5, 2)
        await crash(house, 2)
        assert ark.server.state is State.FAILED
        await house.clock.advance(1)
        assert (await ark.start(ANNA)).restarts_used == 0
        assert (await crash(house, 3)).aftermath.step is NextStep.RESTART


async def test_fault_10_a_stop_cancels_the_pending_restart(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await crash(house)
        server = await stop(ark)
        assert (server.state, server.next_start_ms) == (State.STOPPED, None)
        await house.clock.advance(3_600)
        assert ark.server.state is State.STOPPED
    assert len(house.launcher.spawned) == 1
    assert house.journal.intents == []


async def test_a_start_takes_the_place_of_the_pending_restart(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await crash(house)
        assert (await ark.start(ANNA)).state is State.RUNNING
        await house.clock.advance(3_600)
    assert len(house.launcher.spawned) == 2


@pytest.mark.parametrize(
    ("mode", "code", "state"),
    [
        (RestartMode.NEVER, 3, State.STOPPED),
        (RestartMode.ON_CRASH, 0, State.BACKOFF),
        (RestartMode.ALWAYS, 0, State.BACKOFF),
    ],
    ids=["never", "on-crash", "always"],
)
async def test_the_policy_decides(house: House, mode: RestartMode, code: int, state: State) -> None:
    async with house.supervising(spec_of(restart=replace(RESTARTS, policy=mode))) as ark:
        await ark.start(ANNA)
        house.launcher.processes[0].exit(code)
        await house.journal.nth(ServerCrashed)
        await settle()
        assert ark.server.state is state


@pytest.mark.parametrize(
    ("mode", "state"), [(RestartMode.ON_CRASH, State.STOPPED), (RestartMode.ALWAYS, State.BACKOFF)], ids=str
)
async def test_fault_2_stopped_in_game_is_no_crash(house: House, mode: RestartMode, state: State) -> None:
    async with house.supervising(spec_of(restart=replace(RESTARTS, policy=mode))) as ark:
        await ark.start(ANNA)
        house.log().write("Stopping the server")
        house.launcher.processes[0].exit(0)
        stopped = await house.journal.nth(ServerStopped)
        await settle()
        assert ark.server.state is state
    assert (stopped.report.verdict, stopped.report.by) == (Verdict.STOPPED_IN_GAME, None)
    assert house.journal.of(ServerCrashed) == []


async def test_the_log_of_an_earlier_run_explains_nothing(house: House) -> None:
    house.log().write("Stopping the server")
    house.log().write("FATAL: of yesterday")
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.launcher.processes[0].exit(0)
        crashed = await house.journal.nth(ServerCrashed)
    assert crashed.report.verdict is Verdict.UNEXPECTED_EXIT
    assert crashed.log_tail == ("Done (1s)",)


async def test_a_long_log_is_shown_by_its_end_and_searched_further(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.log().write("FATAL: too far back")
        for number in range(30):
            house.log().write(f"line {number}")
        house.log().write("FATAL: disk")
        for number in range(20):
            house.log().write(f"more {number}")
        crashed = await crash(house)
    assert crashed.report.evidence[-1].detail == "FATAL: disk"
    assert crashed.log_tail == tuple(f"more {number}" for number in range(5, 20))


async def test_an_exit_before_the_spawn_is_written_down_is_told_after_it(house: House) -> None:
    house.launcher.on_spawn = lambda process: process.exit(3)
    async with house.supervising() as ark:
        assert (await ark.start(ANNA)).state is State.BACKOFF
    assert [type(event) for event in house.journal.events] == [ServerStarted, ServerCrashed]
    assert house.journal.runs[1].process == house.launcher.processes[0].identity


async def test_one_that_ends_while_it_becomes_ready_is_not_ready(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, gate = house.journal.record, asyncio.Event()

    async def slow_record(event: Event, run: Run | None = None) -> int:
        await gate.wait()
        return await record(event, run)

    monkeypatch.setattr(house.journal, "record", slow_record)
    game = house.games["ark"] = FakeGame(traits=replace(TRAITS, ready=ReadyPolicy(timeout_s=120.0)), ready=False)
    async with house.supervising() as ark:
        starting = asyncio.create_task(ark.start(ANNA))
        process = await house.launcher.nth(1)
        await house.clock.until_sleeping(2)
        process.exit(3)
        await settle()
        game.ready = True
        await house.clock.advance(1)
        gate.set()
        assert (await starting).state is State.BACKOFF
        await settle()
        assert ark.server.process is None
    assert [type(event) for event in house.journal.events] == [ServerStarted, ServerCrashed]


async def test_a_log_that_cannot_be_read_costs_only_the_explanation(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(lines: int) -> tuple[str, ...]:
        raise PermissionError

    monkeypatch.setattr(house.log(), "tail", unreadable)
    async with house.supervising() as ark:
        await ark.start(ANNA)
        with capture_logs() as logs:
            assert (await crash(house)).log_tail == ()
        assert ark.server.state is State.BACKOFF
    assert [entry["event"] for entry in logs] == ["log_unreadable"]


@pytest.mark.parametrize("shift_s", [3_600.0, -3_600.0], ids=["forward", "back"])
async def test_fault_52_durations_do_not_follow_the_wall_clock(house: House, shift_s: float) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await house.clock.advance(30)
        house.clock.shift_wall(shift_s)
        assert (await crash(house)).uptime_s == 30.0
        await comes_back(house, ark, 5, 2)
    assert [event.after_s for event in house.journal.of(ServerReady)] == [0.0, 0.0]


async def test_fault_15_a_restart_that_is_refused_is_one_alert_and_no_loop(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await crash(house)
        house.launcher.refuse_with = LaunchFault.NOT_FOUND
        await house.clock.advance(5)
        failed = await house.journal.nth(StartFailed)
        await settle()
        assert ark.server.state is State.FAILED
        await house.clock.advance(3_600)
    assert (failed.reason, failed.subject, failed.by) == ("not_found", "run", RESTARTER)
    assert house.journal.of(StartFailed) == [failed]
    assert list(house.journal.runs) == [1]


async def test_fault_15_a_restart_asked_for_and_refused_leaves_it_stopped(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.launcher.refuse_with = LaunchFault.NOT_EXECUTABLE
        server = await restart(ark)
        failed = await house.journal.nth(StartFailed)
    assert (server.state, failed.reason, failed.by) == (State.STOPPED, "not_executable", ANNA)


async def test_storage_that_fails_in_record_does_not_stop_supervision(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.journal.fail_with = FULL
        with capture_logs() as logs:
            house.launcher.processes[0].exit(signal=11)
            await settle()
            # The pulse went with the process: what sleeps next is the pause before the restart.
            await house.clock.until_sleeping()
        assert ark.server.state is State.BACKOFF
        house.journal.fail_with = None
        await comes_back(house, ark, 5, 2)
        assert ark.server.run_id == 2
    assert [(e["event"], e["kind"]) for e in logs] == [("event_lost", "server_crashed")]
    assert len(house.heard) == 4


async def test_fault_29_a_restart_that_cannot_be_written_down_is_tried_again(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await crash(house)
        house.journal.fail_with = FULL
        with capture_logs() as logs:
            await house.clock.advance(5)
            assert ark.server.state is State.BACKOFF
            await house.clock.advance(RESTARTS.backoff_max_s)
        assert [entry["event"] for entry in logs] == ["start_not_written_down"] * 2
        house.journal.fail_with = None
        await comes_back(house, ark, RESTARTS.backoff_max_s, 2)
    assert len(house.launcher.spawned) == 2


async def test_one_whose_restart_cannot_be_written_down_can_still_be_started(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await crash(house)
        house.journal.fail_with = FULL
        with capture_logs() as logs:
            await house.clock.advance(5)
        assert ark.server.state is State.BACKOFF
        assert [entry["event"] for entry in logs] == ["start_not_written_down"]
        house.journal.fail_with = None
        assert (await ark.start(ANNA)).state is State.RUNNING


async def test_failures_that_cannot_be_counted_count_as_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(server_id: str, since_ms: int) -> list[int]:
        raise FULL

    monkeypatch.setattr(house.journal, "failures_since", fail)
    async with house.supervising() as ark:
        await ark.start(ANNA)
        assert (await crash(house)).aftermath.attempt == 1
        assert ark.server.state is State.BACKOFF
