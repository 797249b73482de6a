"""The server is followed from one process to the next; what is no server is not left behind."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from monitor.errors import NotSupported
from monitor.events import ServerAdopted, ServerCrashed, ServerMoved, ServerReady, ServerStarted, ServerStopped
from monitor.model import EvidenceKind, ExitStatus, Sample, State, Verdict
from monitor.supervisor import Supervisor
from tests.fakes.clock import settle
from tests.fakes.house import ANNA, House, stop
from tests.fakes.machine import STUBBORN, TERMINATED, FakeProcess

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_threads")]


def nothing_was_said(house: House) -> bool:
    return not any(event.alerts for event in house.journal.events)


async def launched(house: House, ark: Supervisor, memory: int | None = None) -> tuple[FakeProcess, FakeProcess]:
    """Start a launcher that has started the game."""
    await ark.start(ANNA)
    launcher = house.launcher.processes[-1]
    return launcher, house.launcher.fork(launcher, memory=memory)


async def test_fault_11_a_launcher_that_exits_is_no_exit(house: House) -> None:
    async with house.supervising() as ark:
        launcher, game = await launched(house, ark)
        launcher.exit(0)
        moved = await house.journal.nth(ServerMoved)
        await house.clock.advance(60)
        server = ark.server
        assert (server.state, server.process, server.run_id) == (State.RUNNING, game.identity, 1)
        assert (moved.process, moved.run_id) == (game.identity, 1)
        assert house.journal.runs[1].process == game.identity
        assert (launcher.closed, game.adopted, len(house.launcher.spawned)) == (True, 1, 1)
        assert nothing_was_said(house)
        game.exit(signal=11)
        crashed = await house.journal.nth(ServerCrashed)
    assert (crashed.run_id, crashed.report.verdict, crashed.uptime_s) == (1, Verdict.CRASHED, 60.0)


async def test_fault_11_a_game_that_starts_itself_again_and_again_is_followed(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        for number in range(1, 4):
            after = house.launcher.fork(house.launcher.processes[-1])
            house.launcher.processes[-2].exit(0)
            assert (await house.journal.nth(ServerMoved, number)).process == after.identity
        await settle()
        after = house.launcher.processes[-1]
        assert (ark.server.process, ark.server.state) == (after.identity, State.RUNNING)
        assert (await stop(ark)).state is State.STOPPED
    assert not after.alive
    assert nothing_was_said(house)


async def test_fault_11_a_launcher_that_exits_at_once(house: House) -> None:
    def daemonize(process: FakeProcess) -> None:
        house.launcher.fork(process)
        process.exit(0)
        house.log().write("Done (1s)")

    house.launcher.on_spawn = daemonize
    async with house.supervising() as ark:
        assert (await ark.start(ANNA)).state is State.RUNNING
        await house.journal.nth(ServerMoved)
        assert ark.server.process == house.launcher.processes[1].identity
    assert [type(event) for event in house.journal.events] == [ServerStarted, ServerMoved, ServerReady]


@pytest.mark.parametrize(
    ("measured", "left"),
    [(1_000, 499), (1_000, None), (None, 499)],
    ids=["small", "unreadable", "never_measured"],
)
async def test_a_crash_is_told_at_once_and_what_it_left_is_ended(
    house: House, measured: int | None, left: int | None
) -> None:
    async with house.supervising() as ark:
        root, leftover = await launched(house, ark, memory=left)
        ark.measured(Sample("ark", 1, rss_bytes=measured))
        root.exit(signal=11)
        crashed = await house.journal.nth(ServerCrashed)
        await settle()
        assert (crashed.report.verdict, ark.server.state) == (Verdict.CRASHED, State.BACKOFF)
    assert (leftover.killed, leftover.alive, leftover.closed) == (1, False, True)
    assert house.journal.of(ServerMoved) == []


@pytest.mark.parametrize("status", [ExitStatus(signal=9), ExitStatus(code=1)], ids=["sigkill", "code"])
async def test_fault_11_the_end_of_a_launcher_that_failed_is_not_the_game_s(house: House, status: ExitStatus) -> None:
    async with house.supervising() as ark:
        launcher, game = await launched(house, ark, memory=500)
        ark.measured(Sample("ark", 1, rss_bytes=1_000))
        launcher.exit(status.code, signal=status.signal)
        await house.journal.nth(ServerMoved)
        await settle()
        assert (ark.server.process, ark.server.state) == (game.identity, State.RUNNING)
    assert (game.alive, game.killed) == (True, 0)
    assert nothing_was_said(house)


async def test_fault_11_a_game_is_spared_whose_launcher_fails_before_anything_was_measured(house: House) -> None:
    async with house.supervising() as ark:
        await launched(house, ark, memory=4 << 30)
    launcher, game = house.launcher.processes
    async with house.supervising() as ark:
        launcher.exit(signal=9)
        await house.journal.nth(ServerMoved)
        await settle()
        assert (ark.server.process, ark.server.state) == (game.identity, State.RUNNING)
    assert (game.alive, game.killed) == (True, 0)
    assert nothing_was_said(house)


async def test_fault_11_a_launcher_that_dies_by_the_polite_signal_passes_it_on(house: House) -> None:
    house.game().fail_with["stop"] = NotSupported("stop")
    async with house.supervising() as ark:
        launcher, game = await launched(house, ark)
        launcher.console = False
        assert (await stop(ark)).state is State.STOPPED
        stopped = await house.journal.nth(ServerStopped)
    assert (launcher.interrupts, game.interrupts) == (["SIGTERM"], ["SIGTERM"])
    assert (stopped.report.verdict, stopped.report.by, game.killed) == (Verdict.STOPPED, ANNA, 0)


async def test_fault_12_children_that_ignore_sigterm_are_killed(house: House) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        root = house.launcher.processes[0]
        children = [house.launcher.fork(root, temper=STUBBORN) for _ in range(3)]
        stopping = asyncio.create_task(stop(ark, force=True))
        await house.clock.advance(10)
        assert (await stopping).state is State.STOPPED
        stopped = await house.journal.nth(ServerStopped)
    assert root.status == TERMINATED
    assert [(child.alive, child.killed) for child in children] == [(False, 1)] * 3
    assert stopped.report.evidence[-1].detail == "kill"


async def test_fault_12_what_appears_while_the_rest_is_killed_is_killed_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = house.launcher.find
    late: list[FakeProcess] = []

    async def fork_once(marker: str) -> FakeProcess | None:
        if not late:
            late.append(house.launcher.fork(house.launcher.processes[0]))
        return await find(marker)

    monkeypatch.setattr(house.launcher, "find", fork_once)
    house.launcher.temper = STUBBORN
    async with house.supervising() as ark:
        await ark.start(ANNA)
        stopping = asyncio.create_task(stop(ark, force=True))
        await house.clock.advance(10)
        assert (await stopping).state is State.STOPPED
    assert [(process.alive, process.killed) for process in late] == [(False, 1)]


async def test_fault_19_a_machine_that_does_not_say_what_is_left_costs_no_crash(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def denied(marker: str) -> FakeProcess | None:
        raise PermissionError

    monkeypatch.setattr(house.launcher, "find", denied)
    async with house.supervising() as ark:
        await ark.start(ANNA)
        with capture_logs() as logs:
            house.launcher.processes[0].exit(signal=11)
            assert (await house.journal.nth(ServerCrashed)).report.verdict is Verdict.CRASHED
    assert [entry["event"] for entry in logs] == ["not_followed"]


async def test_fault_19_memory_evidence_that_cannot_be_read_costs_no_crash(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def denied(process: FakeProcess) -> str | None:
        raise PermissionError

    monkeypatch.setattr(FakeProcess, "out_of_memory", denied)
    async with house.supervising() as ark:
        await ark.start(ANNA)
        with capture_logs() as logs:
            house.launcher.processes[0].exit(signal=9)
            assert (await house.journal.nth(ServerCrashed)).report.verdict is Verdict.CRASHED
    assert [entry["event"] for entry in logs] == ["memory_evidence_unread"]


async def test_a_survivor_that_cannot_be_asked_is_ended_by_the_next_step(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.game().fail_with["stop"] = NotSupported("stop")
    async with house.supervising() as ark:
        launcher, game = await launched(house, ark)
        launcher.console = False

        async def denied(signal_name: str) -> None:
            raise PermissionError

        monkeypatch.setattr(game, "interrupt", denied)
        with capture_logs() as logs:
            stopping = asyncio.create_task(stop(ark))
            await house.clock.advance(60)
        assert (await stopping).state is State.STOPPED
    assert "survivor_not_asked_to_end" in [entry["event"] for entry in logs]
    assert (game.terminated, game.killed) == (1, 0)


async def test_fault_17_what_the_server_is_now_outlives_the_bot_and_is_adopted(house: House) -> None:
    async with house.supervising() as ark:
        launcher, game = await launched(house, ark)
        launcher.exit(0)
        await house.journal.nth(ServerMoved)
    assert (game.alive, game.closed) == (True, True)
    async with house.supervising() as ark:
        assert (ark.server.state, ark.server.process) == (State.RUNNING, game.identity)
        assert (await stop(ark)).state is State.STOPPED
    assert (len(house.launcher.spawned), nothing_was_said(house)) == (1, True)


async def test_fault_11_one_that_moved_while_the_bot_was_away_is_found_by_its_marker(house: House) -> None:
    async with house.supervising() as ark:
        launcher, game = await launched(house, ark)
    launcher.exit(0)
    async with house.supervising() as ark:
        adopted = await house.journal.nth(ServerAdopted)
        assert (ark.server.state, ark.server.process) == (State.RUNNING, game.identity)
        assert (adopted.process, house.journal.runs[1].process) == (game.identity, game.identity)
        game.exit(3)
        assert (await house.journal.nth(ServerCrashed)).run_id == 1
    assert len(house.launcher.spawned) == 1


@pytest.mark.parametrize(
    ("status", "verdict", "named"),
    [
        (ExitStatus(signal=11), Verdict.CRASHED, (EvidenceKind.SIGNAL, "11")),
        (ExitStatus(code=3), Verdict.CRASHED, (EvidenceKind.EXIT_CODE, "3")),
        (ExitStatus(code=0), Verdict.UNEXPECTED_EXIT, (EvidenceKind.EXIT_CODE, "0")),
    ],
    ids=["segv", "code-3", "clean"],
)
async def test_fault_18_how_it_ended_while_the_bot_was_away_is_told_where_the_system_knows(
    house: House, status: ExitStatus, verdict: Verdict, named: tuple[EvidenceKind, str]
) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
    process = house.launcher.processes[0]
    process.exit()
    house.launcher.records[process.request.marker] = status
    async with house.supervising():
        report = (await house.journal.nth(ServerCrashed)).report
    assert (report.verdict, report.status) == (verdict, status)
    assert [(e.kind, e.detail) for e in report.evidence] == [named, (EvidenceKind.GONE_WHILE_AWAY, "")]
    assert len(house.journal.of(ServerCrashed)) == 1


async def test_fault_18_a_run_never_written_down_whose_end_is_known_is_told(house: House) -> None:
    run = await house.journal.begin_run("ark", house.clock.now_ms(), "m")
    house.launcher.records["m"] = ExitStatus(signal=6)
    async with house.supervising():
        crashed = await house.journal.nth(ServerCrashed)
    assert (crashed.run_id, crashed.report.status.signal) == (run.id, 6)
