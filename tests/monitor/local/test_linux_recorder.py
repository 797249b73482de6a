"""The shell that waits for a server and writes down how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from monitor.local import linux, pidfd, procfs, recorder, records
from monitor.local.log import CapturedLog
from monitor.local.machine import local_system
from monitor.local.recorder import Recorder, split_environment
from monitor.local.records import Records
from monitor.local.system import Start
from monitor.model import ExitStatus
from monitor.ports import ServerProcess
from monitor.spec import Priority
from tests.fakes.waiting import until
from tests.monitor.local.little_bot import MARKER, begin_bot, start_bot
from tests.monitor.local.stage import LIMIT_S, Stage


async def ended(process: ServerProcess) -> ExitStatus:
    async with asyncio.timeout(LIMIT_S):
        return await process.wait()


def parent_of(process: ServerProcess) -> int:
    stat = procfs.read_stat(process.identity.pid)
    assert stat is not None
    return stat.ppid


def record_of(stage: Stage, server_id: str = "survival") -> str:
    return (stage.folder / "runs" / f"{server_id}.run").read_text()


async def test_it_is_the_parent_and_no_part_of_the_server(stage: Stage) -> None:
    process, puppet = await stage.play()
    keeper = parent_of(process)
    assert keeper != os.getpid()
    assert procfs.marker_of(keeper) is None
    assert os.getsid(keeper) == keeper != os.getsid(puppet.pid) == puppet.pid
    found = await stage.launcher.find("run-game")
    assert found is not None
    assert stage.keep(found).identity.pid == puppet.pid


async def test_it_costs_less_than_a_megabyte(stage: Stage) -> None:
    process, _ = await stage.play()
    assert psutil.Process(parent_of(process)).memory_full_info().pss < 1 << 20


async def test_it_ends_with_the_server_and_leaves_no_zombie(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux, "_COLLECT_AFTER_S", 0.0)
    process, puppet = await stage.play()
    keeper = parent_of(process)
    puppet.send("exit 0")
    await ended(process)
    await until(lambda: not psutil.pid_exists(keeper))
    await until(lambda: not psutil.pid_exists(puppet.pid))


async def test_one_whose_end_nobody_saw_is_collected_at_the_next_start(stage: Stage) -> None:
    process, puppet = await stage.play("one", server_id="one")
    keeper = parent_of(process)
    process.close()
    puppet.send("exit 0")
    await asyncio.to_thread(os.waitid, os.P_PID, keeper, os.WEXITED | os.WNOWAIT)
    await stage.play("two")
    assert not psutil.pid_exists(keeper)


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGPIPE", "SIGALRM"])
async def test_signals_do_not_end_it_and_do_not_reach_the_server(stage: Stage, name: str) -> None:
    process, puppet = await stage.play()
    os.kill(parent_of(process), signal.Signals[name])
    await puppet.order("burn 0")
    puppet.send("exit 9")
    assert await ended(process) == ExitStatus(code=9)
    assert await stage.launcher.ended("run-game") == ExitStatus(code=9)


async def test_killing_it_leaves_the_server_alive_and_watched(stage: Stage) -> None:
    process, puppet = await stage.play()
    os.kill(parent_of(process), signal.SIGKILL)
    await puppet.order("burn 0")
    puppet.send("exit 9")
    assert await ended(process) in (ExitStatus(code=9), ExitStatus())


async def test_stopping_it_hides_no_end(stage: Stage) -> None:
    process, puppet = await stage.play()
    keeper = parent_of(process)
    os.kill(keeper, signal.SIGSTOP)
    puppet.send("exit 9")
    # What nobody has collected yet is shown to root alone.
    assert await ended(process) in ([ExitStatus(code=9)] if os.geteuid() == 0 else [ExitStatus()])
    os.kill(keeper, signal.SIGCONT)


ENDS: dict[str, tuple[str, ExitStatus]] = {
    "a clean exit": ("exit 0", ExitStatus(code=0)),
    "a code": ("exit 7", ExitStatus(code=7)),
    "143 by itself": ("exit 143", ExitStatus(code=143)),
    "SIGTERM": ("raise SIGTERM", ExitStatus(signal=15)),
    "SIGSEGV": ("raise SIGSEGV", ExitStatus(signal=11)),
    "SIGKILL": ("raise SIGKILL", ExitStatus(signal=9)),
    "SIGINT": ("raise SIGINT", ExitStatus(signal=2)),
}


@pytest.mark.parametrize(("order", "status"), ENDS.values(), ids=ENDS.keys())
async def test_fault_18_how_a_game_ended_while_the_bot_was_down_is_known(
    stage: Stage, order: str, status: ExitStatus
) -> None:
    bot = await start_bot(stage)
    game = await stage.enters("game")
    await bot.kill()
    game.send(order)
    await game.gone()
    descriptor = pidfd.open_identity(bot.identity)
    if descriptor is not None:  # its socket goes a moment before it does
        await asyncio.to_thread(select.select, [descriptor], [], [], LIMIT_S)
        os.close(descriptor)
    told = await stage.launcher.ended(MARKER)
    assert told is not None
    assert (told.code, told.signal) == (status.code, status.signal)


async def test_a_record_of_an_earlier_boot_is_believed_but_not_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_PATIENCE_S", 10 * LIMIT_S)
    earlier = "marker old\ngame 1 80103 another-boot\n"
    folder = stage.folder / "runs"
    folder.mkdir()
    (folder / "a.run").write_text(earlier)
    (folder / "b.run").write_text(earlier.replace("old", "older") + "exit 3\n")
    async with asyncio.timeout(LIMIT_S):
        assert await stage.launcher.ended("old") is None
        assert await stage.launcher.ended("older") == ExitStatus(code=3)
        assert await stage.launcher.find("old") is None


async def test_without_the_kernels_help_the_record_tells_the_code(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.local.pidfd._from_kernel", lambda _: None)
    monkeypatch.setattr("monitor.local.pidfd._from_zombie", lambda _: None)
    process, puppet = await stage.play()
    puppet.send("exit 7")
    assert await ended(process) == ExitStatus(code=7)


@pytest.mark.parametrize("ignored", ["HUP", "INT QUIT", "TERM USR1"])
async def test_what_the_bot_was_told_to_ignore_its_servers_do_not_ignore(stage: Stage, ignored: str) -> None:
    nohup = ("/bin/sh", "-c", f'trap "" {ignored}; exec "$@"', "nohup")
    bot = await start_bot(stage, before=nohup)
    game = await stage.enters("game")
    assert game.facts["ignored"] == []
    game.send("exit 0")
    await game.gone()
    await bot.kill()


def start(stage: Stage, output: int, **changes: object) -> Start:
    base: dict[str, object] = {
        "server_id": "survival",
        "argv": ("/bin/sh", "-c", "echo it ran"),
        "cwd": stage.folder,
        "env": dict(os.environ),
        "marker": "m",
        "log": stage.folder / "game.log",
        "output": output,
        "priority": Priority.NORMAL,
        "cpus": (),
    }
    return Start(**(base | changes))  # type: ignore[arg-type]


async def test_fault_17_a_bot_that_dies_before_it_knows_the_pid_has_started_nothing(stage: Stage) -> None:
    keeper = Recorder(Records(stage.folder / "runs"))
    pid = keeper.game_pid()
    assert recorder.has_yet_to_begin(pid)
    keeper.abandon()  # closes what a dying bot closes
    assert not psutil.pid_exists(pid)
    assert not psutil.pid_exists(keeper.pid)
    assert list((stage.folder / "runs").iterdir()) == []


@dataclass
class Waiting:
    """A recorder that has been started and written down, and waits to be told to begin."""

    stage: Stage
    keeper: Recorder

    def __post_init__(self) -> None:
        self.log = (self.stage.folder / "game.log").open("wb")
        self.start = start(self.stage, self.log.fileno(), argv=("/bin/sleep", "60"))
        identity = procfs.identify(self.keeper.game_pid())
        assert identity is not None
        self.record = self.keeper.record(self.start, identity)

    def begin(self) -> None:
        self.keeper.begin(self.start, Path(os.devnull), self.record)

    def abandon(self) -> None:
        self.keeper.abandon()


@pytest.fixture
def waiting(stage: Stage) -> Iterator[Waiting]:
    waiting = Waiting(stage, Recorder(Records(stage.folder / "runs")))
    yield waiting
    waiting.abandon()
    waiting.log.close()


async def found_after(stage: Stage, what: Callable[[], object]) -> ServerProcess | None:
    """Give what a bot finds that looks for the server before `what` is done."""
    search = asyncio.create_task(stage.launcher.find("m"))
    early, _ = await asyncio.wait([search], timeout=0.1)
    assert not early, "it cannot be known yet"
    await asyncio.to_thread(what)
    async with asyncio.timeout(LIMIT_S):
        return await search


async def test_fault_17_what_a_dying_bot_did_not_let_begin_is_no_server_and_no_crash(
    stage: Stage, waiting: Waiting
) -> None:
    assert await found_after(stage, waiting.abandon) is None
    assert await stage.launcher.ended("m") is None


async def test_fault_17_what_a_dying_bot_let_begin_at_the_last_moment_is_found(
    stage: Stage, waiting: Waiting
) -> None:
    found = await found_after(stage, waiting.begin)
    assert found is not None
    assert await stage.launcher.ended("m") is None
    await stage.keep(found).kill_tree()
    assert await ended(found) == ExitStatus(signal=9)


@pytest.mark.parametrize("after_ms", [0, 1, 2, 3, 4, 5, 6, 8, 12, 20])
async def test_fault_17_a_bot_killed_at_any_moment_of_a_start_has_started_one_server_or_none(
    stage: Stage, after_ms: int
) -> None:
    bot = await begin_bot(stage)
    await bot.starts()
    await asyncio.sleep(after_ms / 1000)  # this is the moment, not a wait for something
    await bot.kill()
    found = await asyncio.wait_for(settled(stage), LIMIT_S)
    carriers = [pid for pid in psutil.pids() if procfs.marker_of(pid) == MARKER]
    assert carriers == ([] if found is None else [found.identity.pid])
    assert await stage.launcher.ended(MARKER) is None
    if found is not None:
        stage.keep(found)
        await stage.enters("game")


async def settled(stage: Stage) -> ServerProcess | None:
    """Give the server once it runs, or `None` once it is certain that there will be none."""
    while (found := await stage.launcher.find(MARKER)) is None:
        record = stage.folder / "runs" / "survival.run"
        text = record.read_text() if record.exists() else ""
        if "exit" in text or not recorders(stage):
            return await stage.launcher.find(MARKER)
    return found


def recorders(stage: Stage) -> list[int]:
    """Those that write into the records of this stage."""
    folder = str(stage.folder / "runs")
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if str(Path(f"/proc/{pid}/fd/2").readlink()).startswith(folder):
                found.append(pid)
    return found


async def test_a_game_that_ends_at_once_has_an_identity_and_a_code_all_the_same(stage: Stage) -> None:
    for number in range(20):
        request = stage.request(argv=("/bin/sh", "-c", f"exit {number}"), marker=f"m-{number}")
        process = stage.keep(await stage.launcher.spawn(request))
        assert process.identity.started > 0
        assert await ended(process) == ExitStatus(code=number)


@pytest.mark.parametrize("seen", [True, False], ids=["seen to run", "over before it was seen"])
async def test_a_script_that_exits_with_127_is_run_once(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    seen: bool,  # noqa: FBT001
) -> None:
    script = "echo ran; exit 127"
    if not seen:
        monkeypatch.setattr(Recorder, "is_preparing", lambda *_: True)
    request = stage.request(argv=("/bin/sh", "-c", script))
    process = stage.keep(await stage.launcher.spawn(request))
    assert await ended(process) == ExitStatus(code=127)
    assert CapturedLog(request.log).tail(5) == ("ran",)


async def test_the_log_holds_nothing_but_what_the_game_said(stage: Stage) -> None:
    process, puppet = await stage.play()
    await puppet.order("print hello")
    puppet.send("raise SIGSEGV")
    await ended(process)
    await stage.launcher.ended("run-game")
    assert (stage.folder / "logs" / "game.log").read_text() == "hello\n"
    assert "Segmentation fault" in record_of(stage)


def environment_of(pid: int) -> dict[str, str]:
    words = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(word.split("=", 1) for word in words if word)


async def test_every_variable_reaches_the_game_and_none_that_could_hurt_the_recorder(stage: Stage) -> None:
    wanted = {"LD_LIBRARY_PATH": "/game/lib", "Logging:Level": "a b", "a.b": "=c=", "한글": "값", "EMPTY": ""}
    process, puppet = await stage.play(env=wanted)
    theirs = environment_of(puppet.pid)
    assert wanted.items() <= theirs.items()
    assert theirs["GAMEKEEPER_RUN"] == "run-game"
    assert "LD_LIBRARY_PATH" not in environment_of(parent_of(process))


SPLITS: dict[str, tuple[Mapping[str, str], Mapping[str, str], list[str]]] = {
    "plain": ({"A": "1", "_b2": ""}, {"A": "1", "_b2": ""}, []),
    "the loader's": ({"LD_PRELOAD": "x.so", "A": "1"}, {"A": "1"}, ["LD_PRELOAD=x.so"]),
    "no name for a shell": ({"a.b": "1", "2x": "y"}, {}, ["a.b=1", "2x=y"]),
    "what not every shell lets be set": ({"UID": "1", "OPTIND": "x"}, {}, ["UID=1", "OPTIND=x"]),
}


@pytest.mark.parametrize(("env", "own", "apart"), SPLITS.values(), ids=SPLITS.keys())
def test_variables_are_split(env: Mapping[str, str], own: Mapping[str, str], apart: list[str]) -> None:
    assert split_environment(env) == (own, apart)


async def test_without_its_tools_the_server_is_a_child_of_ours(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_tools", lambda: None)
    process, puppet = await stage.play()
    assert parent_of(process) == os.getpid()
    puppet.send("exit 7")
    assert await ended(process) == ExitStatus(code=7)


async def test_where_nothing_can_be_written_down_it_starts_all_the_same(stage: Stage) -> None:
    (stage.folder / "runs").write_text("in the way")
    process, puppet = await stage.play()
    assert parent_of(process) == os.getpid()
    puppet.send("exit 7")
    assert await ended(process) == ExitStatus(code=7)


async def test_a_log_that_cannot_be_opened_again_falls_back_too(stage: Stage, tmp_path: Path) -> None:
    log = tmp_path / "game.log"
    with log.open("wb") as output:
        log.unlink()
        log.mkdir()  # what the recorder would open is not what the bot has open
        hold = local_system(tmp_path / "runs").spawn(
            start(stage, output.fileno(), argv=(sys.executable, "-c", "import time; time.sleep(60)"), log=log)
        )
    stat = procfs.read_stat(hold.identity.pid)
    assert stat is not None
    assert stat.ppid == os.getpid()
    hold.kill_tree()
    await asyncio.to_thread(os.waitpid, hold.identity.pid, 0)
    hold.close()
