"""What is Windows' own about holding, signalling and finding a server's process. The rest is in the contract."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("Windows only")

import asyncio
import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import wintypes

import psutil
import pytest
from structlog.testing import capture_logs

from monitor.errors import LaunchFault, LaunchRefused
from monitor.local import windows_hold
from monitor.local.machine import local_probe
from monitor.local.windows_handles import WindowsTable, created, image_of, kernel, listed
from monitor.model import ExitStatus
from monitor.rules import CONSOLE_CLOSED
from tests.monitor.local.stage import LIMIT_S, Stage
from tests.monitor.local.win32_stage import ROOT, bot_of, ended, not_under_wine, python


async def test_a_signal_that_no_console_knows_is_refused(stage: Stage) -> None:
    process, _ = await stage.play()
    with pytest.raises(ValueError, match="SIGUSR1"):
        await process.interrupt("SIGUSR1")


async def test_ctrl_c_reaches_its_tree_and_nobody_else(stage: Stage) -> None:
    process, game = await stage.play("game")
    _, other = await stage.play("other")
    await game.order("child worker")
    worker = await stage.enters("worker")
    for puppet in (game, worker, other):
        await puppet.order("leave-on SIGINT")
    await process.interrupt("SIGINT")
    assert await ended(process) == ExitStatus(code=0)
    await worker.gone()
    await other.order("print still here")


@not_under_wine("GenerateConsoleCtrlEvent knows no Ctrl+Break")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGBREAK", "CTRL_BREAK_EVENT"])
async def test_ctrl_break_reaches_it(stage: Stage, name: str) -> None:
    process, game = await stage.play()
    await game.order("leave-on SIGBREAK")
    await process.interrupt(name)
    assert await ended(process) == ExitStatus(code=0)


WAITS_FOR_THE_CONSOLE = """
import json, os, socket, sys, time
sys.path.insert(0, sys.argv[1])
from monitor.local.console import on_console_close

with on_console_close(lambda: os._exit(9)):
    stage = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    stage.sendall(json.dumps({"role": "listener", "pid": os.getpid()}).encode() + b"\\n")
    time.sleep(60)
"""


async def test_ctrl_c_is_not_taken_for_the_end_of_the_console(stage: Stage) -> None:
    request = python(stage, WAITS_FOR_THE_CONSOLE, str(ROOT), str(stage.port))
    process = stage.keep(await stage.launcher.spawn(request))
    await stage.enters("listener")
    await process.interrupt("SIGINT")
    assert await ended(process) == ExitStatus(code=CONSOLE_CLOSED)


async def test_ctrl_c_reaches_it_also_when_the_bot_was_started_without(stage: Stage) -> None:
    with bot_of(stage, subprocess.CREATE_NEW_PROCESS_GROUP) as bot:
        identity = await bot.start()
        game = await stage.enters("game")
        await game.order("leave-on SIGINT")
        process = await stage.adopt(identity)
        # The bot sends it itself: to wine "everybody at this console" is the sender's own process group alone.
        bot.interrupt()
        assert await ended(process) == ExitStatus(code=0)


@pytest.mark.parametrize("code", [0, 7, 0xC0000005], ids=hex)
async def test_fault_17_18_it_outlives_the_bot_and_tells_the_next_one_its_code(stage: Stage, code: int) -> None:
    with bot_of(stage) as bot:
        identity = await bot.start()
        game = await stage.enters("game")
        bot.popen.kill()
        await asyncio.to_thread(bot.popen.wait)
    await game.order("print still here")
    process = await stage.adopt(identity)
    game.send(f"exit {code - (1 << 32) if code >> 31 else code}")
    assert await ended(process) == ExitStatus(code=code)


async def test_fault_17_one_that_the_last_bot_never_wrote_down_is_found(stage: Stage) -> None:
    with bot_of(stage) as bot:
        identity = await bot.start()
        await stage.enters("game")
    found = await stage.launcher.find("run-1")
    assert found is not None
    assert stage.keep(found).identity == identity


async def test_fault_6_one_that_the_system_lets_nobody_end_is_named_in_the_log(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, game = await stage.play()
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(windows_hold, "open_identity", lambda *_: None)
        patch.setattr(windows_hold, "_KILL_LIMIT_S", 0.0)
        await process.kill_tree()
    assert [(line["event"], line["pids"]) for line in logs] == [("not_ours_to_kill", [process.identity.pid])]
    await game.order("burn 0")


KILL_ON_CLOSE, BREAKAWAY_OK, EXTENDED_LIMITS = 0x2000, 0x0800, 9


@contextmanager
def job_with(pid: int, limits: int) -> Iterator[None]:
    """Put a process into a job that ends with the block. `JOBOBJECT_EXTENDED_LIMIT_INFORMATION` of winnt.h."""
    kernel.CreateJobObjectW.restype = wintypes.HANDLE
    job = wintypes.HANDLE(kernel.CreateJobObjectW(None, None))
    information = (ctypes.c_ulong * 36)()
    information[4] = limits
    process = kernel.OpenProcess(0x1F0FFF, False, pid)  # noqa: FBT003 - takes no keywords
    assert kernel.SetInformationJobObject(job, EXTENDED_LIMITS, information, ctypes.sizeof(information))
    assert kernel.AssignProcessToJobObject(job, wintypes.HANDLE(process))
    try:
        yield
    finally:
        kernel.CloseHandle(wintypes.HANDLE(process))
        kernel.CloseHandle(job)


async def test_fault_17_it_is_outside_of_a_job_that_ends_the_bot(stage: Stage) -> None:
    with bot_of(stage) as bot:
        with job_with(bot.popen.pid, KILL_ON_CLOSE | BREAKAWAY_OK):
            await bot.start()
            game = await stage.enters("game")
        assert await asyncio.to_thread(bot.popen.wait, LIMIT_S) is not None
        await game.order("print still here")


async def test_a_job_that_lets_nobody_leave_is_no_reason_not_to_start(stage: Stage) -> None:
    with bot_of(stage) as bot, job_with(bot.popen.pid, KILL_ON_CLOSE):
        await bot.start()
        game = await stage.enters("game")
        await game.order("print here")


async def test_fault_12_nothing_of_its_tree_is_left_and_nobody_elses_is_touched(stage: Stage) -> None:
    process, game = await stage.play("game")
    _, other = await stage.play("other")
    await game.order("child worker")
    worker = await stage.enters("worker")
    await worker.order("child helper")
    await worker.order("orphan lost")
    helper, lost = await stage.enters("helper"), await stage.enters("lost")
    await process.kill_tree()
    assert await ended(process) == ExitStatus(code=1)
    for puppet in (worker, helper, lost):
        await puppet.gone()
    await other.order("print still here")


async def test_fault_11_a_launchers_child_is_found_by_the_marker_when_the_launcher_has_gone(stage: Stage) -> None:
    process, game = await stage.play("game")
    await game.order("child server")
    server = await stage.enters("server")
    game.send("exit 0")
    await ended(process)
    found = await stage.launcher.find("run-game")
    assert found is not None
    assert stage.keep(found).identity.pid == server.pid
    await found.kill_tree()
    await server.gone()


def test_an_identity_is_the_creation_time_that_psutil_gives_too() -> None:
    identity = WindowsTable().identify(os.getpid())
    assert identity is not None
    seconds = identity.started / 10_000_000 - 11_644_473_600
    assert abs(seconds - psutil.Process().create_time()) < 0.001
    assert created(kernel.GetCurrentProcess()) == identity.started


def test_the_list_of_all_names_parents() -> None:
    us = next(process for process in listed() if process.pid == os.getpid())
    assert (us.ppid, us.name.lower()) == (os.getppid(), "python.exe")
    assert all(process.name.lower() != "conhost.exe" for process in listed())


def test_what_a_process_runs_is_known() -> None:
    path = image_of(os.getpid())
    assert path is not None
    assert os.path.samefile(path, sys.executable)  # noqa: PTH121 - both are texts
    assert image_of(0xFFFFFFFC) is None


async def test_fault_14_a_port_that_is_held_is_named(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        with pytest.raises(LaunchRefused) as refusal:
            await stage.launcher.spawn(stage.request(ports=(port,)))
    assert (refusal.value.fault, refusal.value.subject) == (LaunchFault.PORT_HELD, str(port))
    assert refusal.value.holder


@not_under_wine("its list of connections has no pids")
async def test_fault_14_the_holder_of_a_port_is_named(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held, pytest.raises(LaunchRefused) as refusal:
        await stage.launcher.spawn(stage.request(ports=(held.getsockname()[1],)))
    assert refusal.value.holder.endswith(f", pid {os.getpid()}")


async def test_fault_14_a_second_one_of_the_same_is_refused_and_the_first_named(stage: Stage) -> None:
    request = stage.request("game")
    with bot_of(stage) as bot:
        identity = await bot.start()
        await stage.enters("game")
        with pytest.raises(LaunchRefused) as refusal:
            await stage.launcher.spawn(request)
    assert refusal.value.fault is LaunchFault.ALREADY_RUNNING
    assert refusal.value.holder == f"python.exe, pid {identity.pid}"


@pytest.mark.parametrize("change", ["another argument", "another folder"])
async def test_another_of_the_same_program_is_no_second_one(stage: Stage, change: str) -> None:
    script = "import time; time.sleep(60)"
    stage.keep(await stage.launcher.spawn(python(stage, script, "one")))
    folder = stage.folder / "another"
    folder.mkdir()
    arguments, cwd = (("two",), stage.folder) if change == "another argument" else (("one",), folder)
    stage.keep(await stage.launcher.spawn(python(stage, script, *arguments, cwd=cwd)))


async def test_cpu_time_stays_in_the_sum_when_a_child_ends(stage: Stage) -> None:
    probe = local_probe()
    process, game = await stage.play("game")
    await game.order("child worker")
    worker = await stage.enters("worker")
    await worker.order("burn 0.3")
    at_work = probe.read({"game": process.identity})["game"]
    end = psutil.Process(worker.pid).wait
    worker.send("exit 0")
    await asyncio.to_thread(end, LIMIT_S)
    alone = probe.read({"game": process.identity})["game"]
    assert (at_work.processes, alone.processes) == (2, 1)
    assert at_work.cpu_time_s >= 0.3
    assert alone.cpu_time_s >= at_work.cpu_time_s
