"""A bot of a few lines, to be killed. Run as `python -m tests.monitor.local.little_bot FOLDER FORM ARGV…`.

It says that it starts a server, under the marker `run-99`, then what identity that has, and waits for its end.
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
from tests.monitor.local.stage import LIMIT_S, Stage

ROOT = Path(__file__).parents[3]
MARKER = "run-99"


class LittleBot:
    """A running one, seen from the test."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._identity: ProcessId | None = None

    @property
    def identity(self) -> ProcessId:
        """Of the server that it has started."""
        assert self._identity is not None
        return self._identity

    async def starts(self) -> None:
        """Return when it is about to start its server."""
        assert await self._says() == "starting"

    async def has_started(self) -> None:
        self._identity = ProcessId(*json.loads(await self._says()))

    async def _says(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(LIMIT_S):
            return (await self._process.stdout.readline()).decode().strip()

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()


async def begin_bot(stage: Stage, role: str = "game", *, form: str = "", before: tuple[str, ...] = ()) -> LittleBot:
    """Start one that starts a puppet. `before` are the words of a program that starts it."""
    argv = (*before, sys.executable, "-m", __name__, str(stage.folder), form, *stage.request(role).argv)
    return LittleBot(await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdout=asyncio.subprocess.PIPE))


async def start_bot(stage: Stage, role: str = "game", *, form: str = "", before: tuple[str, ...] = ()) -> LittleBot:
    """Start one, and wait until its server runs."""
    bot = await begin_bot(stage, role, form=form, before=before)
    await bot.starts()
    await bot.has_started()
    return bot


async def main(folder: Path, form: str, argv: tuple[str, ...]) -> None:
    launcher = local_machine(folder / "runs").launcher
    if form == "by-psutil" and sys.platform != "win32":
        from monitor.local.posix import PosixSystem  # noqa: PLC0415 - exists on POSIX alone

        launcher = LocalLauncher(PosixSystem(PsutilTable(), Records(folder / "runs")), os.environ)
    request = LaunchRequest("survival", argv, folder, {}, MARKER, folder / "bot.log")
    sys.stdout.write("starting\n")
    sys.stdout.flush()
    process = await launcher.spawn(request)
    sys.stdout.write(json.dumps(astuple(process.identity)) + "\n")
    sys.stdout.flush()
    await process.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], tuple(sys.argv[3:])))
