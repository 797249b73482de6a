"""Starts and commands that somebody asked for, alone and all at once."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from monitor.errors import (
    AccessRefused,
    CommandRejected,
    LaunchFault,
    LaunchRefused,
    RejectedBecause,
    StorageError,
    StorageFault,
    WrongState,
)
from monitor.events import ServerCrashed, ServerReady, ServerStarted
from monitor.model import State, Verdict
from monitor.spec import AdminEndpoint, Secret
from tests.fakes.clock import EPOCH_MS, settle
from tests.fakes.house import ANNA, BERT, House, spec_of, stop
from tests.fakes.machine import FakeProcess

pytestmark = pytest.mark.timeout(60)
FULL = StorageError(StorageFault.FULL, "/data")


async def test_a_start_is_over_once_players_can_join(house: House) -> None:
    house.slow = True
    async with house.supervising() as ark:
        starting = asyncio.create_task(ark.start(ANNA))
        process = await house.launcher.nth(1)
        started = await house.journal.nth(ServerStarted)
        await house.clock.until_sleeping(2)
        assert ark.server.state is State.STARTING
        assert not starting.done()
        await house.clock.advance(3)
        await house.clock.until_sleeping(2)
        house.log().write("Done (3s)")
        await house.clock.advance(0.25)
        server = await starting
        ready = await house.journal.nth(ServerReady)
    assert (server.state, server.process, server.run_id) == (State.RUNNING, process.identity, 1)
    assert (started.by, started.process, ready.after_s) == (ANNA, process.identity, 3.25)
    request = house.launcher.spawned[0]
    assert (request.argv, request.log) == (("run", "--fast"), house.log().path)
    assert request.marker == house.journal.runs[1].marker != ""
    assert house.heard == [started, ready]


async def test_ready_is_on_disk_before_anybody_is_told(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        assert len(house.journal.of(ServerReady)) == 1


async def test_a_start_that_exits_before_it_is_ready_says_so(house: House) -> None:
    house.slow = True
    async with house.supervising() as ark:
        starting = asyncio.create_task(ark.start(ANNA))
        (await house.launcher.nth(1)).exit(0)
        server = await starting
    assert server.state is State.BACKOFF
    assert server.next_start_ms == EPOCH_MS + 5_000
    assert server.last_exit is not None
    assert server.last_exit.verdict is Verdict.FAILED_TO_START


async def test_a_slow_start_lets_the_caller_go_and_becomes_ready_later(house: House) -> None:
    house.slow = True
    async with house.supervising() as ark:
        starting = asyncio.create_task(ark.start(ANNA))
        await house.clock.until_sleeping(2)
        await house.clock.advance(120)
        assert (await starting).state is State.STARTING
        await house.clock.until_sleeping()
        house.log().write("Done (130s)")
        await house.clock.advance(0.25)
        assert (await house.journal.nth(ServerReady)).run_id == 1
        await settle()
        assert ark.server.state is State.RUNNING


async def test_a_slow_start_can_be_stopped(house: House) -> None:
    house.slow = True
    async with house.supervising() as ark:
        starting = asyncio.create_task(ark.start(ANNA))
        await house.clock.until_sleeping(2)
        await house.clock.advance(120)
        await starting
        assert (await stop(ark, force=True)).state is State.STOPPED
        house.log().write("Done (130s)")
        await house.clock.advance(60)
        assert ark.server.state is State.STOPPED
    assert house.journal.of(ServerReady) == []


async def test_an_adapter_that_breaks_while_starting_keeps_nobody_waiting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(mark: int) -> tuple[str, int]:
        raise LookupError

    monkeypatch.setattr(house.log(), "read_since", broken)
    async with house.supervising() as ark:
        with capture_logs() as logs:
            assert (await ark.start(ANNA)).state is State.STARTING
            monkeypatch.undo()
            assert (await stop(ark, force=True)).state is State.STOPPED
    assert "task_failed" in [entry["event"] for entry in logs]


@pytest.mark.parametrize("fault", LaunchFault, ids=lambda fault: fault.value)
async def test_fault_15_a_person_is_told_why_it_cannot_be_started(house: House, fault: LaunchFault) -> None:
    house.launcher.refuse_with = fault
    async with house.supervising() as ark:
        with pytest.raises(LaunchRefused) as caught:
            await ark.start(ANNA)
        await house.clock.advance(3_600)
        assert ark.server.state is State.STOPPED
    assert (caught.value.fault, caught.value.subject) == (fault, "run")
    assert (house.journal.events, house.journal.runs, house.launcher.spawned) == ([], {}, [])


@pytest.mark.parametrize(
    ("fault", "subject"),
    [(LaunchFault.PORT_HELD, "25575"), (LaunchFault.ALREADY_RUNNING, "run")],
    ids=["port", "twin"],
)
async def test_fault_14_a_start_that_an_orphan_stands_in_the_way_of_names_it(
    house: House, fault: LaunchFault, subject: str
) -> None:
    if fault is LaunchFault.PORT_HELD:
        house.launcher.held = {25575: "java, pid 4711"}
    else:
        house.launcher.twin = "java, pid 4711"
    async with house.supervising(spec_of(admin=AdminEndpoint("127.0.0.1", 25575, Secret("x")))) as ark:
        with pytest.raises(LaunchRefused) as caught:
            await ark.start(ANNA)
        await house.clock.advance(3_600)
        assert ark.server.state is State.STOPPED
    refusal = caught.value
    assert (refusal.fault, refusal.subject, refusal.holder) == (fault, subject, "java, pid 4711")
    assert house.launcher.spawned == []


async def test_a_refusal_is_told_even_when_the_run_cannot_be_taken_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(run_id: int) -> None:
        raise FULL

    monkeypatch.setattr(house.journal, "abandon_run", fail)
    house.launcher.refuse_with = LaunchFault.NOT_FOUND
    async with house.supervising() as ark:
        with pytest.raises(LaunchRefused):
            await ark.start(ANNA)


async def test_a_start_that_cannot_be_written_down_is_refused_and_can_be_tried_again(house: House) -> None:
    house.journal.fail_with = FULL
    async with house.supervising() as ark:
        with pytest.raises(StorageError):
            await ark.start(ANNA)
        assert (ark.server.state, house.launcher.spawned) == (State.STOPPED, [])
        house.journal.fail_with = None
        assert (await ark.start(ANNA)).state is State.RUNNING


async def test_fault_8_of_five_starts_at_once_one_starts(house: House) -> None:
    async with house.supervising() as ark:
        results = await asyncio.gather(*(ark.start(ANNA) for _ in range(5)), return_exceptions=True)
    refusals = [result for result in results if isinstance(result, WrongState)]
    assert [(refusal.state, refusal.wanted) for refusal in refusals] == [(State.STARTING, "start")] * 4
    assert len(house.launcher.spawned) == 1


async def test_a_caller_who_gives_up_waiting_ends_nothing(house: House) -> None:
    house.slow = True
    async with house.supervising() as ark:
        starting = asyncio.create_task(ark.start(ANNA))
        await house.launcher.nth(1)
        await settle()
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        stopping = asyncio.create_task(stop(ark))
        await settle()
        assert (await stopping).state is State.STOPPED


async def test_closing_leaves_the_game_alone_and_lets_the_waiting_go(house: House) -> None:
    house.slow = True
    async with house.supervising() as ark:
        starting = asyncio.create_task(ark.start(ANNA))
        process = await house.launcher.nth(1)
        await house.journal.nth(ServerStarted)
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert process.alive
    assert process.closed
    assert house.game().closed
    assert (process.terminated, process.interrupts) == (0, [])


async def test_a_command_goes_to_the_game(house: House) -> None:
    async with house.supervising() as ark:
        with pytest.raises(WrongState):
            await ark.command("list", ANNA)
        await ark.start(ANNA)
        assert await ark.command("list", ANNA) == "ran list"
    assert "command: list" in house.game().asked


@pytest.mark.parametrize(
    "refusal", [AccessRefused(), CommandRejected(RejectedBecause.EMPTY)], ids=["password", "rejected"]
)
async def test_a_quit_command_that_was_refused_explains_nothing(
    house: House, refusal: AccessRefused | CommandRejected
) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.game().fail_with["command"] = refusal
        with pytest.raises(type(refusal)):
            await ark.command("stop", BERT)
        house.launcher.processes[0].exit(0)
        crashed = await house.journal.nth(ServerCrashed)
    assert crashed.report.verdict is Verdict.UNEXPECTED_EXIT


async def test_a_quit_command_of_long_ago_explains_nothing(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        await ark.command("stop", BERT)
        await house.clock.advance(3_600)
        house.launcher.processes[0].exit(0)
        crashed = await house.journal.nth(ServerCrashed)
    assert crashed.report.verdict is Verdict.UNEXPECTED_EXIT


async def test_an_unexpected_error_in_a_job_does_not_end_supervision(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(request: object) -> FakeProcess:
        raise RuntimeError

    async with house.supervising() as ark:
        with monkeypatch.context() as patch, capture_logs() as logs:
            patch.setattr(house.launcher, "spawn", broken)
            with pytest.raises(RuntimeError):
                await ark.start(ANNA)
        assert [entry["event"] for entry in logs] == ["job_failed"]
        assert (await ark.start(ANNA)).state is State.RUNNING
