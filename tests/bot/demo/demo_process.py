"""The demo's game server as a real process, and its log as it is written."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from monitor.spec import AdminEndpoint, Secret, ServerSpec
from tests.fakes.waiting import PATIENCE_S

PASSWORD = "demo password"
ROOT = Path(__file__).parents[3]


class DemoProcess:
    """One run of `python -m bot.demo.game`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        self.process = process
        self.lines: list[str] = []
        self._stdout = process.stdout
        self._more = asyncio.Condition()

    async def follow(self) -> None:
        async for line in self._stdout:
            async with self._more:
                self.lines.append(line.decode().rstrip())
                self._more.notify_all()

    async def line(self, pattern: str, timeout_s: float = PATIENCE_S) -> re.Match[str]:
        """Give the first line with the pattern, waiting for it."""

        def found() -> re.Match[str] | None:
            return next((match for line in self.lines if (match := re.search(pattern, line))), None)

        async with self._more:
            await asyncio.wait_for(self._more.wait_for(lambda: found() is not None), timeout_s)
        match = found()
        assert match is not None
        return match

    async def exit_code(self, timeout_s: float = PATIENCE_S) -> int:
        return await asyncio.wait_for(self.process.wait(), timeout_s)

    async def spec(self) -> ServerSpec:
        """The server as a servers file would describe it, once it is ready."""
        port = int((await self.line(r"RCON running on 127\.0\.0\.1:(\d+)"))[1])
        await self.line(r"Done \(")
        admin = AdminEndpoint("127.0.0.1", port, Secret(PASSWORD))
        return ServerSpec(id="demo", name="Demo", game="demo", argv=("python",), cwd=ROOT, admin=admin)


@asynccontextmanager
async def demo_process(world: Path, *options: str, password: str = PASSWORD) -> AsyncIterator[DemoProcess]:
    """Run it with its world in a folder; it is dead when the block ends."""
    arguments = ("-m", "bot.demo.game", "--password-env", "DEMO_PW", "--world", str(world), *options)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**os.environ, "DEMO_PW": password},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running = DemoProcess(process)
    following = asyncio.create_task(running.follow())
    try:
        yield running
    finally:
        await end(process)
        await following


async def end(process: asyncio.subprocess.Process) -> None:
    """End it, politely at first: a process that is killed leaves no coverage behind."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
    await process.wait()
