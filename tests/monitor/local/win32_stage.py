"""What the tests of Windows have in common."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("Windows only")

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor.local.log import CapturedLog
from monitor.model import ExitStatus, ProcessId
from monitor.ports import LaunchRequest, ServerProcess
from tests.monitor.local.machines import UNDER_WINE
from tests.monitor.local.stage import LIMIT_S, Stage

ROOT = Path(__file__).parents[3]
_BOT = """
import asyncio, ctypes, json, sys
from pathlib import Path
from monitor.local.machine import local_machine
from monitor.ports import LaunchRequest

async def main(argv, folder):
    machine = local_machine()
    request = LaunchRequest("survival", tuple(argv), Path(folder), {}, "run-1", Path(folder, "game.log"))
    process = await machine.launcher.spawn(request)
    print(json.dumps([process.identity.pid, process.identity.started]), flush=True)
    sys.stdin.readline()
    await process.interrupt("SIGINT")
    sys.stdin.readline()

sys.stdin.readline()
asyncio.run(main(json.loads(sys.argv[1]), sys.argv[2]))
"""


def not_under_wine(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(UNDER_WINE, reason=f"wine: {reason}")


async def ended(process: ServerProcess) -> ExitStatus:
    async with asyncio.timeout(LIMIT_S):
        return await process.wait()


def python(stage: Stage, script: str, *arguments: str, **changes: Any) -> LaunchRequest:
    """Ask for a short Python program instead of a puppet."""
    return stage.request(argv=(sys.executable, "-I", "-S", "-c", script, *arguments), **changes)


async def run(stage: Stage, request: LaunchRequest) -> tuple[ExitStatus, tuple[str, ...]]:
    """Give how it ended and what it printed."""
    process = stage.keep(await stage.launcher.spawn(request))
    return await ended(process), CapturedLog(request.log).tail(100)


class Bot:
    """Another process that starts the game, as the bot does, and holds it until it is killed."""

    def __init__(self, stage: Stage, flags: int) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", _BOT, json.dumps(stage.request("game").argv), str(stage.folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            creationflags=flags,
        )

    async def start(self) -> ProcessId:
        """Have it start the game."""
        assert self.popen.stdout is not None
        self._go_on()
        line = await asyncio.to_thread(self.popen.stdout.readline)
        return ProcessId(*json.loads(line))

    def interrupt(self) -> None:
        """Have it send Ctrl+C to the game."""
        self._go_on()

    def _go_on(self) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write(b"\n")
        self.popen.stdin.flush()


@contextmanager
def bot_of(stage: Stage, flags: int = 0) -> Iterator[Bot]:
    bot = Bot(stage, flags)
    try:
        yield bot
    finally:
        bot.popen.kill()
        bot.popen.communicate()
