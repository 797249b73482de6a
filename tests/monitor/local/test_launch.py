"""What a server starts with, and what happens when it cannot be started."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from monitor.errors import LaunchFault, LaunchRefused
from monitor.local.launcher import LocalLauncher
from monitor.local.log import CapturedLog
from monitor.local.system import System
from monitor.model import ExitStatus
from tests.monitor.local.stage import LIMIT_S, Stage

if sys.platform != "win32":
    import resource

posix = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX matter")


async def test_it_gets_the_bots_environment_without_the_bots_settings(stage: Stage, system: System) -> None:
    inherited = {**os.environ, "DISCORD_TOKEN": "secret", "GAMEKEEPER_DATA_DIR": "/data", "GAMEKEEPER_RUN": "old"}
    stage.launcher = LocalLauncher(system, inherited)
    _, puppet = await stage.play(env={"TZ": "Asia/Seoul"}, marker="run-42")
    assert puppet.facts["env"] == {"TZ": "Asia/Seoul", "GAMEKEEPER_RUN": "run-42"}


async def test_it_runs_in_its_folder(stage: Stage) -> None:
    folder = stage.folder / "a folder, with 공백"
    folder.mkdir()
    _, puppet = await stage.play(cwd=folder)
    assert Path(puppet.facts["cwd"]) == folder


@posix
async def test_it_leads_a_session_of_its_own(stage: Stage) -> None:
    process, puppet = await stage.play()
    assert puppet.facts["session"] == process.identity.pid == puppet.pid
    assert puppet.facts["session"] != os.getsid(0)


@posix
async def test_no_signal_is_blocked_in_it(stage: Stage, system: System) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGINT})
    try:
        stage.launcher = LocalLauncher(system, os.environ)
        _, puppet = await stage.play()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert puppet.facts["blocked"] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="lists /proc/self/fd")
async def test_it_inherits_nothing_but_the_three_standard_descriptors(stage: Stage) -> None:
    with (stage.folder / "ours").open("w") as ours:
        os.set_inheritable(ours.fileno(), True)  # noqa: FBT003 - takes no keywords
        _, puppet = await stage.play()
    socket_and_listing = 2
    assert len(puppet.facts["descriptors"]) == 3 + socket_and_listing


async def test_arguments_arrive_as_they_are(stage: Stage) -> None:
    arguments = ("$HOME", "a b", '"quoted"', "*", "; exit 9", "한글", "")
    script = "import sys; print(ascii(sys.argv[1:]))"
    request = stage.request(argv=(sys.executable, "-c", script, *arguments))
    process = stage.keep(await stage.launcher.spawn(request))
    assert await process.wait() == ExitStatus(code=0)
    assert CapturedLog(request.log).tail(1) == (ascii(list(arguments)),)


async def test_its_output_and_errors_are_appended_to_its_log(stage: Stage) -> None:
    log = CapturedLog(stage.folder / "logs" / "game.log")
    log.path.parent.mkdir()
    log.path.write_text("an earlier life\n")
    _, puppet = await stage.play("game")
    await puppet.order("print hello")
    await puppet.order("complain oh no")
    assert log.tail(3) == ("an earlier life", "hello", "oh no")


async def test_a_program_beside_the_server_is_found_from_its_folder(stage: Stage) -> None:
    program = stage.folder / "bin" / "game"
    program.parent.mkdir()
    if sys.platform == "win32":
        program.with_suffix(".bat").write_text("@exit 5")
    else:
        program.symlink_to(sys.executable)
    request = stage.request(argv=("bin/game", "-c", "raise SystemExit(5)"))
    process = stage.keep(await stage.launcher.spawn(request))
    assert await process.wait() == ExitStatus(code=5)


async def test_ten_at_once(stage: Stage) -> None:
    roles = [f"game-{number}" for number in range(10)]
    played = await asyncio.gather(*(stage.play(role) for role in roles))
    assert len({process.identity for process, _ in played}) == 10
    for number, (_, puppet) in enumerate(played):
        puppet.send(f"exit {number}")
    async with asyncio.timeout(LIMIT_S):
        ends = await asyncio.gather(*(process.wait() for process, _ in played))
    assert ends == [ExitStatus(code=number) for number in range(10)]


LONG = "x" * 300
"""A longer name than any system takes; looking for it fails otherwise than by finding nothing."""
Case = Callable[[Path], tuple[dict[str, Any], LaunchFault, str]]

CASES: dict[str, Case] = {
    "no argv": lambda _: ({"argv": ()}, LaunchFault.BAD_ARGUMENT, "argv[0]"),
    "missing in PATH": lambda _: ({"argv": ("no-such-game",)}, LaunchFault.NOT_FOUND, "no-such-game"),
    "missing file": lambda f: ({"argv": ("missing/game",)}, LaunchFault.NOT_FOUND, str(f / "missing/game")),
    "not executable": lambda f: ({"argv": ("./plain",)}, LaunchFault.NOT_EXECUTABLE, str(f / "plain")),
    "a folder": lambda f: ({"argv": (str(f),)}, LaunchFault.NOT_EXECUTABLE, str(f)),
    "not a program": lambda f: ({"argv": ("./garbage",)}, LaunchFault.NOT_EXECUTABLE, str(f / "garbage")),
    "no interpreter": lambda f: ({"argv": ("./script",)}, LaunchFault.NOT_FOUND, str(f / "script")),
    "no such cwd": lambda f: ({"cwd": f / "nowhere"}, LaunchFault.NO_SUCH_FOLDER, str(f / "nowhere")),
    "cwd no system takes": lambda f: ({"cwd": f / LONG}, LaunchFault.NO_SUCH_FOLDER, str(f / LONG)),
    "program no system takes": lambda f: ({"argv": (f"./{LONG}",)}, LaunchFault.NOT_FOUND, str(f / LONG)),
    "cwd is a file": lambda f: ({"cwd": f / "plain"}, LaunchFault.NO_SUCH_FOLDER, str(f / "plain")),
    "NUL in argv": lambda _: ({"argv": (sys.executable, "a\0b")}, LaunchFault.BAD_ARGUMENT, "argv[1]"),
    "NUL in env": lambda _: ({"env": {"KEY": "a\0b"}}, LaunchFault.BAD_ARGUMENT, "env['KEY']"),
    "bad name in env": lambda _: ({"env": {"A=B": "c"}}, LaunchFault.BAD_ARGUMENT, "env['A=B']"),
    "argv too long": lambda _: (
        {"argv": ("true", "x" * 8_000_000)},
        LaunchFault.BAD_ARGUMENT,
        shutil.which("true") or "",
    ),
    "log below a file": lambda f: ({"log": f / "plain/log"}, LaunchFault.NO_LOG, str(f / "plain/log")),
    "log is a folder": lambda f: ({"log": f}, LaunchFault.NO_LOG, str(f)),
}


@pytest.fixture
def bad_files(tmp_path: Path) -> Path:
    (tmp_path / "plain").write_text("not a program")
    (tmp_path / "garbage").write_bytes(b"\x00\x01\x02")
    (tmp_path / "script").write_text("#!/no/such/interpreter\n")
    (tmp_path / "plain").chmod(0o644)
    (tmp_path / "garbage").chmod(0o755)
    (tmp_path / "script").chmod(0o755)
    return tmp_path


@posix
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_fault_15_refused_with_the_reason_and_nothing_left_behind(
    stage: Stage, bad_files: Path, case: Case
) -> None:
    changes, fault, subject = case(bad_files)
    us = psutil.Process()
    before = us.children(), us.num_fds()
    with pytest.raises(LaunchRefused) as refusal:
        await stage.launcher.spawn(stage.request(**changes))
    assert (refusal.value.server_id, refusal.value.fault, refusal.value.subject) == ("survival", fault, subject)
    assert (us.children(), us.num_fds()) == before


@posix
async def test_fault_55_out_of_descriptors_is_refused_as_such(stage: Stage) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    probe = os.dup(0)
    os.close(probe)
    resource.setrlimit(resource.RLIMIT_NOFILE, (probe, hard))
    try:
        with pytest.raises(LaunchRefused) as refusal:
            await stage.launcher.spawn(stage.request())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert refusal.value.fault is LaunchFault.NO_RESOURCES
    _, puppet = await stage.play()
    assert puppet.pid
