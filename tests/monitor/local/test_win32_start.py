"""What is Windows' own about starting a server. The rest is in the contract."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("Windows only")

import msvcrt
import os
from pathlib import Path
from typing import Any

import psutil
import pytest

from monitor.errors import LaunchFault, LaunchRefused, NotSupported
from monitor.local.system import System
from monitor.local.windows_handles import kernel
from monitor.model import ExitStatus
from monitor.spec import Priority
from tests.monitor.local.machines import UNDER_WINE
from tests.monitor.local.stage import Stage
from tests.monitor.local.win32_stage import not_under_wine, python, run


async def test_fault_3_an_access_violation_is_told_as_one(stage: Stage) -> None:
    crash = "import ctypes; ctypes.c_char.from_address(8).value = b'x'"
    status, _ = await run(stage, python(stage, crash))
    assert status == ExitStatus(code=0xC0000005)


@pytest.mark.parametrize("code", [0xC0000409, 0xC00000FD, 0xC000013A, 0xFFFFFFFF, 259, 137], ids=hex)
async def test_fault_3_the_code_it_ends_with_is_told_unsigned(stage: Stage, code: int) -> None:
    script = f"import ctypes; ctypes.WinDLL('kernel32').TerminateProcess(ctypes.c_void_p(-1), ctypes.c_uint({code}))"
    assert (await run(stage, python(stage, script)))[0] == ExitStatus(code=code)


def test_the_bot_shows_no_dialog_for_a_crash(system: System) -> None:
    assert kernel.GetErrorMode() & 0x8003 == 0x8003


@not_under_wine("an error mode is not inherited")
async def test_it_has_no_dialog_for_a_crash(stage: Stage) -> None:
    _, said = await run(stage, python(stage, "import ctypes; print(ctypes.WinDLL('kernel32').GetErrorMode())"))
    assert int(said[-1]) & 0x8003 == 0x8003


def classes() -> dict[Priority, int]:
    return {
        Priority.BELOW_NORMAL: psutil.BELOW_NORMAL_PRIORITY_CLASS,
        Priority.NORMAL: psutil.NORMAL_PRIORITY_CLASS,
        Priority.ABOVE_NORMAL: psutil.ABOVE_NORMAL_PRIORITY_CLASS,
        Priority.HIGH: psutil.HIGH_PRIORITY_CLASS,
    }


@pytest.mark.parametrize("priority", list(Priority))
async def test_it_has_the_priority_that_was_asked_for(stage: Stage, priority: Priority) -> None:
    process, _ = await stage.play(priority=priority)
    assert psutil.Process(process.identity.pid).nice() == classes()[priority]


async def test_fault_17_a_usual_start_waits_for_nothing_that_a_bot_could_die_before(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def died(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(kernel, "ResumeThread", died)
    _, game = await stage.play()
    await game.order("burn 0")


async def test_it_has_its_processors_before_its_first_instruction(stage: Stage) -> None:
    script = """
import ctypes
kernel = ctypes.WinDLL("kernel32")
mine, all_ = ctypes.c_size_t(), ctypes.c_size_t()
kernel.GetProcessAffinityMask(ctypes.c_void_p(-1), ctypes.byref(mine), ctypes.byref(all_))
print(mine.value, all_.value)
"""
    status, said = await run(stage, python(stage, script, cpus=(0,)))
    mine, every = map(int, said[-1].split())
    assert (status, mine) == (ExitStatus(code=0), 1)
    _, said = await run(stage, python(stage, script))
    assert said[-1] == f"{every} {every}"


async def test_it_inherits_two_files_and_nothing_else(stage: Stage) -> None:
    with (stage.folder / "ours").open("wb") as ours:
        os.set_inheritable(ours.fileno(), True)  # noqa: FBT003 - takes no keywords
        handle = msvcrt.get_osfhandle(ours.fileno())
        script = """
import ctypes, sys
kernel = ctypes.WinDLL("kernel32")
wrote = ctypes.c_uint()
print(kernel.WriteFile(ctypes.c_void_p(int(sys.argv[1])), b"leak", 4, ctypes.byref(wrote), None))
"""
        await run(stage, python(stage, script, str(handle)))
    assert (stage.folder / "ours").read_bytes() == b""


async def test_its_console_is_its_own_and_has_no_window(stage: Stage) -> None:
    script = """
import ctypes
kernel = ctypes.WinDLL("kernel32")
pids = (ctypes.c_uint * 8)()
print(kernel.GetConsoleCP() != 0, kernel.GetConsoleProcessList(pids, 8), kernel.GetConsoleWindow())
"""
    _, said = await run(stage, python(stage, script))
    has_one, sharers, window = said[-1].split()
    assert (has_one, window) == ("True", "0")
    assert UNDER_WINE or sharers == "1"


async def test_its_console_cannot_be_typed_into(stage: Stage) -> None:
    process, _ = await stage.play()
    with pytest.raises(NotSupported):
        await process.type_line("stop")


def batch(folder: Path, *lines: str) -> str:
    path = folder / "a folder" / "game.bat"
    path.parent.mkdir()
    path.write_text("\r\n".join(("@echo off", *lines)), newline="")
    return str(path)


ARGUMENTS = ("a b", "x&exit 9", "|", "^", "(", "")


async def test_a_batch_file_hands_its_arguments_on_as_they_are(stage: Stage) -> None:
    script = "import sys; print(ascii(sys.argv[1:])); raise SystemExit(7)"
    (stage.folder / "game.py").write_text(script)
    program = batch(stage.folder, f'"{sys.executable}" "{stage.folder / "game.py"}" %*', "exit %ERRORLEVEL%")
    status, said = await run(stage, stage.request(argv=(program, *ARGUMENTS)))
    assert (status, said[-1]) == (ExitStatus(code=7), ascii(list(ARGUMENTS)))


@pytest.mark.parametrize("argument", ["%PATH%", 'say "hi"', "a\nb"], ids=["percent", "quote", "newline"])
async def test_fault_15_what_a_batch_file_would_get_otherwise_is_refused(stage: Stage, argument: str) -> None:
    request = stage.request(argv=(batch(stage.folder), argument))
    with pytest.raises(LaunchRefused) as refusal:
        await stage.launcher.spawn(request)
    assert (refusal.value.fault, refusal.value.subject) == (LaunchFault.BAD_ARGUMENT, "argv[1]")


@pytest.mark.parametrize(
    ("changes", "fault", "subject"),
    [
        pytest.param({"argv": ()}, LaunchFault.BAD_ARGUMENT, "argv[0]", id="no argv"),
        pytest.param({"argv": ("no-such-game",)}, LaunchFault.NOT_FOUND, "no-such-game", id="missing in PATH"),
        pytest.param({"argv": ("no/game.exe",)}, LaunchFault.NOT_FOUND, "no\\game.exe", id="missing file"),
        pytest.param({"argv": ("./plain",)}, LaunchFault.NOT_EXECUTABLE, "plain", id="not a program by its name"),
        pytest.param({"argv": ("./bad.exe",)}, LaunchFault.NOT_EXECUTABLE, "bad.exe", id="not a program by content"),
        pytest.param({"cwd": Path("Z:/nowhere/at/all")}, LaunchFault.NO_SUCH_FOLDER, "all", id="no such cwd"),
        pytest.param({"env": {"A=B": "c"}}, LaunchFault.BAD_ARGUMENT, "env['A=B']", id="bad name in env"),
        pytest.param(
            {"argv": (sys.executable, "x" * 40_000)},
            LaunchFault.BAD_ARGUMENT,
            Path(sys.executable).name,
            id="too long",
        ),
        pytest.param({"cpus": (4096,)}, LaunchFault.BAD_ARGUMENT, "cpus: 4096", id="no such processor"),
        pytest.param({"log": Path("Z:/dev/null/log")}, LaunchFault.NO_LOG, "log", id="log below a file"),
    ],
)
async def test_fault_15_refused_with_the_reason_and_nothing_left_behind(
    stage: Stage, changes: dict[str, Any], fault: LaunchFault, subject: str
) -> None:
    (stage.folder / "plain").write_text("not a program")
    (stage.folder / "bad.exe").write_text("not a program")
    before = psutil.Process().children()
    with pytest.raises(LaunchRefused) as refusal:
        await stage.launcher.spawn(stage.request(**changes))
    assert refusal.value.fault is fault
    assert refusal.value.subject.endswith(subject)
    assert psutil.Process().children() == before


async def test_its_environment_has_a_name_once_whatever_its_case(stage: Stage) -> None:
    script = "import os; print(os.environ['FLAVOUR'])"
    _, said = await run(stage, python(stage, script, env={"flavour": "old", "Flavour": "new"}))
    assert said[-1] == "new"


async def test_its_log_can_be_cut_back_while_it_writes(stage: Stage) -> None:
    _, game = await stage.play()
    log = stage.folder / "logs" / "game.log"
    await game.order("print before")
    with log.open("r+b") as file:
        file.truncate(0)
    await game.order("print after")
    assert log.read_bytes() == b"after\n"
