"""The bot steps back, the games do not, and each game gets the share that its owner wants for it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sys
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from monitor.errors import LaunchFault, LaunchRefused
from monitor.local.machine import local_system
from monitor.local.priority import NICE, NICENESS
from monitor.local.system import System
from monitor.spec import Priority
from tests.monitor.local.stage import Stage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nice values of threads are Linux's")

BOT = """
import asyncio, json, os, sys, threading
from pathlib import Path
from monitor.local.machine import local_machine
from monitor.local.priority import lower_own_priority
from monitor.ports import LaunchRequest

async def main(argv, folder):
    machine = local_machine()
    lower_own_priority()
    request = LaunchRequest("survival", tuple(argv), Path(folder), {}, "run-1", Path(folder, "game.log"))
    process = await machine.launcher.spawn(request)
    nice = lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    later = await asyncio.to_thread(nice)
    autogroup = Path("/proc/self/autogroup")
    group = autogroup.read_text() if autogroup.exists() else ""
    print(json.dumps({"loop": nice(), "worker": later, "session": group}), flush=True)
    await process.wait()

asyncio.run(main(json.loads(sys.argv[1]), sys.argv[2]))
"""


def session_nice(pid: int) -> str:
    """Give the nice value of a session; nothing where the kernel does not share by sessions."""
    path = Path(f"/proc/{pid}/autogroup")
    return path.read_text().split()[-1] if path.exists() else ""


async def test_only_the_bot_is_below_normal_priority(stage: Stage) -> None:
    argv = json.dumps(stage.request("game").argv)
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BOT, argv, str(stage.folder),
        cwd=Path(__file__).parents[3], stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    game = await stage.enters("game")
    assert bot.stdout is not None
    said = json.loads(await bot.stdout.readline())
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert (said["loop"], said["worker"]) == (max(NICE, ours), max(NICE, ours))
    assert game.facts["nice"] == ours
    if said["session"]:
        assert (session_nice(bot.pid), session_nice(game.pid)) == (str(NICE), "0")
    game.send("exit 0")
    assert await bot.wait() == 0


@pytest.fixture(params=[True, False], ids=["with a recorder", "without"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    return local_system(tmp_path / "runs" if request.param else None)


def is_privileged() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


@pytest.mark.parametrize(
    "priority",
    [
        Priority.BELOW_NORMAL,
        *(
            pytest.param(priority, marks=pytest.mark.skipif(not is_privileged(), reason="takes a privilege"))
            for priority in (Priority.ABOVE_NORMAL, Priority.HIGH)
        ),
    ],
)
async def test_a_game_gets_its_priority_and_so_do_its_children(stage: Stage, priority: Priority) -> None:
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    _, game = await stage.play(priority=priority)
    await game.order("child worker")
    worker = await stage.enters("worker")
    for puppet in (game, worker):
        assert os.getpriority(os.PRIO_PROCESS, puppet.pid) == NICENESS[priority]
    assert session_nice(game.pid) in (str(NICENESS[priority]), "")
    assert os.getpriority(os.PRIO_PROCESS, 0) == ours, "ours stays as it was"


async def test_without_the_privilege_it_runs_at_normal_and_one_line_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    with capture_logs() as logs:
        _, game = await stage.play(priority=Priority.HIGH)
    assert os.getpriority(os.PRIO_PROCESS, game.pid) == os.getpriority(os.PRIO_PROCESS, 0)
    said = [line for line in logs if line["event"] == "priority_needs_privilege"]
    assert [(line["log_level"], line["pid"], line["wanted"]) for line in said] == [("warning", game.pid, "high")]


async def test_a_game_and_its_children_stay_on_their_processors(stage: Stage) -> None:
    ours = os.sched_getaffinity(0)
    wanted = {max(ours)}
    _, game = await stage.play(cpus=tuple(wanted))
    await game.order("child worker")
    worker = await stage.enters("worker")
    assert os.sched_getaffinity(game.pid) == os.sched_getaffinity(worker.pid) == wanted
    _, other = await stage.play("other")
    assert os.sched_getaffinity(other.pid) == os.sched_getaffinity(0) == ours


async def test_fault_15_a_processor_that_is_not_there_is_refused_and_named(stage: Stage) -> None:
    with pytest.raises(LaunchRefused) as refusal:
        await stage.play(cpus=(0, 4096))
    assert (refusal.value.fault, refusal.value.subject) == (LaunchFault.BAD_ARGUMENT, "cpus: 4096")


async def test_fault_15_a_processor_that_the_kernel_refuses_starts_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    us = psutil.Process()
    before = us.children(), us.num_fds()
    with pytest.raises(LaunchRefused) as refusal:
        await stage.play(cpus=(0,))
    assert refusal.value.fault is LaunchFault.BAD_ARGUMENT
    assert (us.children(), us.num_fds()) == before
    assert not list((stage.folder / "logs").glob("*.console"))
