"""A bot of a few lines, to be killed. Run as `python -m tests.monitor.local.little_bot FOLDER FORM ARGV…`.

It starts one server under the marker `run-99`, says what identity it has, and waits for its end.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import astuple
from pathlib import Path

from monitor.local.launcher import LocalLauncher
from monitor.local.machine import local_machine
from monitor.local.psutil_table import PsutilTable
from monitor.local.records import Records
from monitor.model import ProcessId
from monitor.ports import LaunchRequest
from tests.monitor.local.stage import Stage

ROOT = Path(__file__).parents[3]
MARKER = "run-99"


class LittleBot:
    """A running one, seen from the test."""

    def __init__(self, process: asyncio.subprocess.Process, identity: ProcessId) -> None:
        self._process = process
        self.identity = identity
        """Of the server that it started."""

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()


async def start_bot(stage: Stage, role: str = "game", *, form: str = "", before: tuple[str, ...] = ()) -> LittleBot:
    """Start one that starts a puppet. `before` are the words of a program that starts it."""
    argv = (*before, sys.executable, "-m", __name__, str(stage.folder), form, *stage.request(role).argv)
    bot = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert bot.stdout is not None
    return LittleBot(bot, ProcessId(*json.loads(await bot.stdout.readline())))


async def main(folder: Path, form: str, argv: tuple[str, ...]) -> None:
    launcher = local_machine(folder / "runs").launcher
    if form == "by-psutil" and sys.platform != "win32":
        from monitor.local.posix import PosixSystem  # noqa: PLC0415 - exists on POSIX alone

        launcher = LocalLauncher(PosixSystem(PsutilTable(), Records(folder / "runs")), os.environ)
    request = LaunchRequest("survival", argv, folder, {}, MARKER, folder / "bot.log")
    process = await launcher.spawn(request)
    sys.stdout.write(json.dumps(astuple(process.identity)) + "\n")
    sys.stdout.flush()
    await process.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], tuple(sys.argv[3:])))
