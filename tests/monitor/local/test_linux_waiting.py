"""A recorder that was started ahead, before it is known whose it will be."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

import psutil
import pytest

from monitor.errors import LaunchRefused
from monitor.local import procfs, recorder
from monitor.local.launcher import LocalLauncher
from monitor.local.log import CapturedLog
from monitor.local.machine import local_system
from monitor.local.posix import PosixSystem
from monitor.local.recorder import Recorder
from monitor.local.records import Records
from monitor.model import ExitStatus
from monitor.ports import ServerProcess
from tests.monitor.local.little_bot import start_bot
from tests.monitor.local.stage import LIMIT_S, Stage

ALL_BYTES = os.fsdecode(bytes(range(1, 256)))


async def waiting(stage: Stage) -> Recorder:
    """Give the one that waits for the next start."""
    system = stage.launcher._system
    assert isinstance(system, PosixSystem)
    await stage.launcher._in_thread(lambda: None)  # what it does when nobody waits is done by then
    assert system._waiting is not None
    return system._waiting


def parent_of(process: ServerProcess) -> int:
    stat = procfs.read_stat(process.identity.pid)
    assert stat is not None
    return stat.ppid


async def ended(process: ServerProcess) -> ExitStatus:
    async with asyncio.timeout(LIMIT_S):
        return await process.wait()


async def test_the_next_server_begins_under_the_one_that_waits(stage: Stage) -> None:
    await stage.play("one", server_id="one")
    keeper = await waiting(stage)
    pid = keeper.game_pid()
    process, puppet = await stage.play("two", server_id="two", marker="run-two")
    assert process.identity.pid == puppet.pid == pid
    assert parent_of(process) == keeper.pid
    puppet.send("exit 7")
    assert await ended(process) == ExitStatus(code=7)
    assert await stage.launcher.ended("run-two") == ExitStatus(code=7)
    assert (await waiting(stage)).pid != keeper.pid


async def test_it_belongs_to_no_server(stage: Stage) -> None:
    process, game = await stage.play()
    keeper = await waiting(stage)
    both = (keeper.pid, keeper.game_pid())
    assert [procfs.marker_of(pid) for pid in both] == [None, None]
    assert game.pid not in {os.getsid(pid) for pid in both}
    assert [folder_of(pid) for pid in both] == ["/", "/"]
    await process.kill_tree()
    assert await ended(process) == ExitStatus(signal=9)
    assert await stage.launcher.find("run-game") is None
    assert all(psutil.pid_exists(pid) for pid in both)


async def test_fault_17_it_ends_with_its_bot_and_the_next_one_removes_its_record(stage: Stage) -> None:
    bot = await start_bot(stage)
    game = await stage.enters("game")
    mine = str(stage.folder / "runs")
    found = [each for each in psutil.process_iter() if written_to(each.pid).startswith(mine)]
    alone = [each for each in found if written_to(each.pid).endswith(".waiting")]
    await bot.kill()
    await asyncio.to_thread(psutil.wait_procs, alone, LIMIT_S)
    assert not any(each.is_running() for each in alone)
    await game.order("burn 0")
    await stage.play("other", server_id="other")
    assert sum(name.endswith(".waiting") for name in names_in(Path(mine))) <= 1
    assert (await waiting(stage)).pid not in {each.pid for each in alone}


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def folder_of(pid: int) -> str:
    return str(Path(f"/proc/{pid}/cwd").readlink())


def environment_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def written_to(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/fd/2").readlink())
    except OSError:
        return ""


@pytest.mark.parametrize("which", ["recorder", "game to be"])
async def test_one_that_was_killed_is_not_relied_on(stage: Stage, which: str) -> None:
    await stage.play("one", server_id="one")
    keeper = await waiting(stage)
    os.kill(keeper.pid if which == "recorder" else keeper.game_pid(), signal.SIGKILL)
    await asyncio.to_thread(os.waitid, os.P_PID, keeper.pid, os.WEXITED | os.WNOWAIT)
    process, puppet = await stage.play("two", server_id="two", marker="run-two")
    assert parent_of(process) not in (keeper.pid, os.getpid())
    puppet.send("exit 7")
    assert await ended(process) == ExitStatus(code=7)


async def test_one_that_is_forgotten_ends_and_leaves_no_file(tmp_path: Path) -> None:
    keeper = Recorder(Records(tmp_path))
    pid, game = keeper.pid, keeper.game_pid()
    del keeper
    await asyncio.to_thread(os.waitpid, pid, 0)
    assert not psutil.pid_exists(game)
    assert names_in(tmp_path) == []


async def test_a_folder_that_was_replaced_while_it_waited_is_the_one_that_counts(
    stage: Stage, tmp_path: Path
) -> None:
    (tmp_path / "world").mkdir()
    process, game = await stage.play("one", server_id="one", cwd=tmp_path / "world")
    game.send("exit 0")
    await ended(process)
    await waiting(stage)
    (tmp_path / "world").rename(tmp_path / "old world")
    (tmp_path / "world").mkdir()
    _, game = await stage.play("two", server_id="one", cwd=tmp_path / "world")
    assert folder_of(game.pid) == str(tmp_path / "world")


async def test_half_an_order_begins_nothing(stage: Stage) -> None:
    records = Records(stage.folder / "runs")
    keeper = Recorder(records)
    identity = procfs.identify(keeper.game_pid())
    assert identity is not None
    records.begin(keeper._path, "survival", "m", identity)
    os.write(keeper._go, b"go\n{\nexec touch " + os.fsencode(stage.folder / "begun"))
    keeper.abandon()
    assert not (stage.folder / "begun").exists()
    assert await stage.launcher.find("m") is None
    assert await stage.launcher.ended("m") is None


async def test_an_order_that_is_too_long_is_carried_out_without_a_recorder(stage: Stage) -> None:
    process, puppet = await stage.play(env={"LONG": "x" * 60_000})
    assert parent_of(process) == os.getpid()
    assert f"LONG={'x' * 60_000}".encode() in environment_of(puppet.pid)


async def test_a_record_that_somebody_removed_is_made_anew(stage: Stage) -> None:
    await stage.play("one", server_id="one")
    keeper = await waiting(stage)
    keeper._path.unlink()
    process, puppet = await stage.play("two", server_id="two", marker="run-two")
    puppet.send("exit 7")
    assert await ended(process) == ExitStatus(code=7)
    assert await stage.launcher.ended("run-two") == ExitStatus(code=7)


SHELLS = [path for name in ("dash", "bash", "busybox") if (path := shutil.which(name))]


@pytest.fixture(params=SHELLS, ids=lambda path: Path(path).name)
def shell(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`/bin/sh`, as other systems have it."""
    link = tmp_path / "sh"
    link.symlink_to(request.param)
    monkeypatch.setattr(recorder, "_SHELL", str(link))
    return link


async def test_whatever_the_shell_the_program_gets_every_byte(stage: Stage, shell: Path) -> None:
    words = (ALL_BYTES, "", " ", "-n", "$HOME `id` \"'\\", "한글\n둘째")
    wanted = {"BYTES": ALL_BYTES, "EMPTY": "", "IFS": "x", "UID": "7", "OPTIND": "a", "a.b": "c", "PWD": "/nowhere"}
    process, puppet = await stage.play(env=wanted)
    assert parent_of(process) != os.getpid()
    told = environment_of(puppet.pid)
    assert {os.fsencode(f"{name}={value}") for name, value in wanted.items() if name != "PWD"} <= set(told)
    assert os.fsencode(f"PWD={stage.folder}") in told
    assert not [word for word in told if word.startswith(b"OLDPWD=")]
    puppet.send("exit 7")
    assert await ended(process) == ExitStatus(code=7)
    request = stage.request(argv=("/usr/bin/printf", "<%s>", *words), marker="printed", log=stage.folder / "printed")
    process = stage.keep(await stage.launcher.spawn(request))
    assert await ended(process) == ExitStatus(code=0)
    assert request.log.read_bytes() == b"".join(b"<" + os.fsencode(word) + b">" for word in words)


@pytest.mark.parametrize("env", [{}, {"a.b": "1"}], ids=["by the shell", "by env"])
async def test_whatever_the_shell_what_the_system_does_not_take_is_refused(
    stage: Stage, shell: Path, env: dict[str, str]
) -> None:
    program = stage.folder / "broken"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    with pytest.raises(LaunchRefused):
        await stage.launcher.spawn(stage.request(argv=(str(program),), env=env))


async def test_a_script_that_exits_with_127_is_run_once_whatever_the_shell(stage: Stage, shell: Path) -> None:
    request = stage.request(argv=("/bin/sh", "-c", "echo ran; exit 127"))
    process = stage.keep(await stage.launcher.spawn(request))
    assert await ended(process) == ExitStatus(code=127)
    assert CapturedLog(request.log).tail(5) == ("ran",)


async def test_when_the_bot_lets_go_nothing_waits_any_more_and_the_server_goes_on(stage: Stage) -> None:
    first, stage.launcher = stage.launcher, LocalLauncher(local_system(stage.folder / "apart"), os.environ)
    process, puppet = await stage.play()
    keeper = await waiting(stage)
    stage.launcher.close()
    stage.launcher = first
    assert keeper.has_ended()
    assert not psutil.pid_exists(keeper.pid)
    await puppet.order("burn 0")
    assert process.identity.pid == puppet.pid
