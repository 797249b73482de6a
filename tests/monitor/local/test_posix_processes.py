"""Real ends, real trees and real strangers, on POSIX."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from monitor.local import posix_hold
from monitor.local.exits import from_wait_status, from_waitid
from monitor.local.machine import local_system
from monitor.local.posix import PosixSystem
from monitor.local.posix_hold import Kept, PosixHold, signal_number
from monitor.local.psutil_table import PsutilTable
from monitor.local.records import Records
from monitor.local.system import System
from monitor.local.tree import ProcessTable
from monitor.model import ExitStatus
from monitor.ports import ServerProcess
from tests.monitor.local.little_bot import MARKER, start_bot
from tests.monitor.local.stage import LIMIT_S, Stage

if sys.platform == "linux":
    from monitor.local.linux import LinuxSystem, ProcfsTable

TABLES: dict[str, ProcessTable] = {"by-psutil": PsutilTable()}
if sys.platform == "linux":
    TABLES["by-procfs"] = ProcfsTable()


def recorded(table: ProcessTable) -> Callable[[Path], System]:
    return lambda runs: PosixSystem(table, Records(runs))


FORMS: dict[str, Callable[[Path], System]] = {
    "as-it-is": local_system,
    "without-recorder": lambda _: local_system(),
    "without-recorder-or-pidfd": lambda _: PosixSystem(TABLES["by-psutil"]),
    **{name: recorded(table) for name, table in TABLES.items()},
}


@pytest.fixture(params=list(FORMS.values()), ids=list(FORMS))
def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    form: Callable[[Path], System] = request.param
    return form(tmp_path / "runs")


@pytest.fixture
def told(system: System) -> ExitStatus:
    """How an adopted process ended that exited with 7: its recorder knows, and the kernel tells by descriptors."""
    assert isinstance(system, PosixSystem)
    known = (sys.platform == "linux" and isinstance(system, LinuxSystem)) or system._records is not None
    return ExitStatus(code=7) if known else ExitStatus()


async def ended(process: ServerProcess) -> ExitStatus:
    async with asyncio.timeout(LIMIT_S):
        return await process.wait()


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGTERM", "SIGUSR1"])
async def test_fault_3_an_end_by_signal_is_told(stage: Stage, name: str) -> None:
    process, puppet = await stage.play()
    puppet.send(f"raise {name}")
    assert replace(await ended(process), core_dumped=False) == ExitStatus(signal=signal.Signals[name])


async def test_fault_3_an_external_kill_is_told(stage: Stage) -> None:
    process, puppet = await stage.play()
    os.kill(puppet.pid, signal.SIGKILL)
    assert await ended(process) == ExitStatus(signal=9)


async def collected(pid: int) -> None:
    """Wait until nothing of a process is left: whoever is its parent may be a moment behind whoever watches it."""
    with suppress(psutil.NoSuchProcess):
        await asyncio.to_thread(psutil.Process(pid).wait, 10)
    assert not psutil.pid_exists(pid)


async def test_no_zombie_is_left(stage: Stage) -> None:
    process, puppet = await stage.play()
    puppet.send("exit 1")
    await ended(process)
    await collected(puppet.pid)


async def test_an_end_that_nobody_waits_for_is_collected_too(stage: Stage) -> None:
    process, puppet = await stage.play()
    puppet.send("exit 1")
    await puppet.gone()
    assert await ended(process) == ExitStatus(code=1)
    await collected(puppet.pid)


async def test_it_leaves_other_peoples_children_to_them(stage: Stage) -> None:
    process, puppet = await stage.play()
    theirs = await asyncio.create_subprocess_exec(sys.executable, "-c", "raise SystemExit(6)")
    puppet.send("exit 1")
    assert await ended(process) == ExitStatus(code=1)
    assert await theirs.wait() == 6


async def test_fault_12_a_tree_that_ignores_sigterm_is_killed_to_the_last(stage: Stage) -> None:
    process, game = await stage.play()
    await game.order("child worker")
    worker = await stage.enters("worker")
    await worker.order("child helper")
    helper = await stage.enters("helper")
    await worker.order("orphan daemon")
    daemon = await stage.enters("daemon")
    puppets = (game, worker, helper, daemon)
    for puppet in puppets:
        await puppet.order("ignore SIGTERM")
    await process.terminate_tree()
    for puppet in puppets:
        await puppet.order("burn 0")
    await process.kill_tree()
    for puppet in puppets:
        await puppet.gone()
    assert await ended(process) == ExitStatus(signal=9)


async def test_fault_12_what_a_root_that_has_ended_left_behind_is_killed_too(stage: Stage) -> None:
    process, game = await stage.play()
    await game.order("child worker")
    worker = await stage.enters("worker")
    game.send("exit 0")
    assert await ended(process) == ExitStatus(code=0)
    await worker.order("burn 0")
    await process.kill_tree()
    await worker.gone()


async def test_terminate_asks_the_whole_tree(stage: Stage) -> None:
    process, game = await stage.play()
    await game.order("child worker")
    worker = await stage.enters("worker")
    await process.terminate_tree()
    await worker.gone()
    assert await ended(process) == ExitStatus(signal=15)


async def test_fault_12_one_that_we_may_not_signal_spares_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, game = await stage.play()
    await game.order("child worker")
    worker = await stage.enters("worker")
    kill = os.kill

    def refused_for_the_root(pid: int, number: int) -> None:
        if pid == game.pid:
            raise PermissionError(pid)
        kill(pid, number)

    table = TABLES["by-psutil"]
    identity = table.identify(process.identity.pid)
    assert identity is not None
    hold = PosixHold(identity, table, Kept(), lambda: None)
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(os, "kill", refused_for_the_root)
        patch.setattr(posix_hold, "_KILL_LIMIT_S", 0.0)
        await asyncio.to_thread(hold.terminate_tree)
        await worker.gone()
        await asyncio.to_thread(hold.kill_tree)
    assert [(line["event"], line["pids"]) for line in logs] == [("not_ours_to_kill", [game.pid])]
    await game.order("burn 0")


async def test_the_polite_signal_goes_to_the_root_alone(stage: Stage) -> None:
    process, game = await stage.play()
    await game.order("child worker")
    worker = await stage.enters("worker")
    await process.interrupt("SIGTERM")
    assert await ended(process) == ExitStatus(signal=15)
    await worker.order("burn 0")


async def test_fault_20_a_game_that_is_stopped_by_sigstop_is_alive_and_can_still_be_ended(stage: Stage) -> None:
    process, game = await stage.play()
    os.kill(game.pid, signal.SIGSTOP)
    async with asyncio.timeout(LIMIT_S):
        while psutil.Process(game.pid).status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 - the kernel sets no Event
            await asyncio.sleep(0)
    waiting = asyncio.create_task(process.wait())
    await process.terminate_tree()  # takes effect when it goes on
    assert psutil.Process(game.pid).status() == psutil.STATUS_STOPPED
    assert not waiting.done()
    await process.kill_tree()
    async with asyncio.timeout(LIMIT_S):
        assert await waiting == ExitStatus(signal=9)


async def test_killing_one_server_leaves_the_other_alone(stage: Stage) -> None:
    process, _ = await stage.play("one")
    _, other = await stage.play("two")
    await process.kill_tree()
    await ended(process)
    await other.order("burn 0")


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
async def test_fault_13_a_stranger_under_the_same_pid_is_never_signalled(stage: Stage, table: ProcessTable) -> None:
    process, stranger = await stage.play()
    identity = table.identify(stranger.pid)
    assert identity is not None
    ours_long_ago = PosixHold(replace(identity, started=identity.started - 1), table, Kept(), lambda: None)
    for act in (ours_long_ago.kill_tree, ours_long_ago.terminate_tree):
        await asyncio.to_thread(act)
    await asyncio.to_thread(ours_long_ago.interrupt, "SIGKILL")
    await stranger.order("burn 0")
    stranger.send("exit 0")
    assert await ended(process) == ExitStatus(code=0)


async def test_fault_17_18_a_game_outlives_a_bot_that_is_killed_and_is_adopted(
    stage: Stage, system: System, told: ExitStatus
) -> None:
    form = "by-psutil" if isinstance(system, PosixSystem) and isinstance(system._table, PsutilTable) else ""
    bot = await start_bot(stage, form=form)
    game = await stage.enters("game")
    await bot.kill()
    await game.order("print still here")
    found = await stage.launcher.find(MARKER)
    assert found is not None
    process = stage.keep(found)
    assert process.identity.pid == game.pid
    adopted = await stage.adopt(process.identity)
    game.send("exit 7")
    assert (await ended(process), await ended(adopted)) == (told, told)
    assert "still here" in (stage.folder / "bot.log").read_text()


async def test_closing_lets_it_live_and_releases_everything(stage: Stage, system: System) -> None:
    before = psutil.Process().num_fds()
    process, puppet = await stage.play()
    waiting = asyncio.create_task(process.wait())
    await asyncio.sleep(0)
    process.close()
    process.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await puppet.order("burn 0")
    connection = 1
    # Where a thread waits for somebody else's child, that thread keeps a descriptor until the child ends.
    thread = 0 if sys.platform == "linux" and isinstance(system, LinuxSystem) else 1
    # What was started ahead, for the next server: to be told by it which pid that will have, and to tell it to begin.
    ahead = 2 if isinstance(system, PosixSystem) and system._records is not None else 0
    await stage.launcher._in_thread(lambda: None)
    left = psutil.Process().num_fds() - before - connection - ahead
    assert 0 <= left <= thread


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x0000, ExitStatus(code=0)),
        (0x0300, ExitStatus(code=3)),
        (0xFF00, ExitStatus(code=255)),
        (0x0009, ExitStatus(signal=9)),
        (0x008B, ExitStatus(signal=11, core_dumped=True)),
    ],
)
def test_wait_statuses(status: int, expected: ExitStatus) -> None:
    assert from_wait_status(status) == expected


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (os.CLD_EXITED, 3, ExitStatus(code=3)),
        (os.CLD_KILLED, 9, ExitStatus(signal=9)),
        (os.CLD_DUMPED, 6, ExitStatus(signal=6, core_dumped=True)),
    ],
)
def test_waitid_results(code: int, status: int, expected: ExitStatus) -> None:
    assert from_waitid(code, status) == expected


@pytest.mark.parametrize(
    ("name", "number"), [("SIGINT", 2), ("SIGTERM", 15), ("CTRL_C_EVENT", 2), ("CTRL_BREAK_EVENT", 2)]
)
def test_signals_by_name(name: str, number: int) -> None:
    assert signal_number(name) == number


async def test_an_unknown_signal_is_an_error(stage: Stage) -> None:
    process, _ = await stage.play()
    with pytest.raises(ValueError, match="SIGNONSENSE"):
        await process.interrupt("SIGNONSENSE")
