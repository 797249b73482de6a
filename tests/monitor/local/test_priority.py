"""The bot steps back, the games do not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from monitor.local.priority import NICE
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
    return Path(f"/proc/{pid}/autogroup").read_text().split()[-1]


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
