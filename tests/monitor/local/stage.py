"""Where puppets play: a socket on loopback on which they report, and the real launcher that starts them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.local.launcher import LocalLauncher
from monitor.model import ProcessId
from monitor.ports import LaunchRequest, ServerProcess
from tests.monitor.local.puppet import COMMAND

LIMIT_S = 20.0


@dataclass(eq=False)
class Puppet:
    """One process at the other end of a connection."""

    facts: Mapping[str, Any]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def pid(self) -> int:
        return int(self.facts["pid"])

    async def order(self, order: str) -> None:
        """Return once it has done it."""
        self.send(order)
        async with asyncio.timeout(LIMIT_S):
            assert await self.reader.readline() == b"done\n", order

    def send(self, order: str) -> None:
        """Give an order that it will not live to confirm."""
        self.writer.write(f"{order}\n".encode())

    async def gone(self) -> None:
        """Return once the operating system has closed its end, which it does when the process ends."""
        async with asyncio.timeout(LIMIT_S):
            try:
                while await self.reader.readline():
                    pass
            except ConnectionError:
                return

    async def leave(self) -> None:
        """Let it end, whatever signals it ignores: its socket is its life."""
        with contextlib.suppress(OSError):
            self.writer.write_eof()
        await self.gone()
        self.writer.close()


@dataclass(eq=False)
class Stage:
    folder: Path
    launcher: LocalLauncher
    port: int = 0
    puppets: list[Puppet] = field(default_factory=list)
    processes: list[ServerProcess] = field(default_factory=list)
    strangers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    """Processes that were started without the launcher."""
    _entering: dict[str, asyncio.Future[Puppet]] = field(default_factory=dict)

    async def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        facts = json.loads(await reader.readline())
        puppet = Puppet(facts, reader, writer)
        self.puppets.append(puppet)
        self._seat(facts["role"]).set_result(puppet)

    async def enters(self, role: str) -> Puppet:
        """Wait until the puppet of that role has reported."""
        async with asyncio.timeout(LIMIT_S):
            return await self._seat(role)

    def request(self, role: str = "game", **changes: Any) -> LaunchRequest:
        base: dict[str, Any] = {
            "server_id": "survival",
            "argv": (*COMMAND, str(self.port), role),
            "cwd": self.folder,
            "env": {},
            "marker": f"run-{role}",
            "log": self.folder / "logs" / f"{role}.log",
        }
        return LaunchRequest(**(base | changes))

    async def play(self, role: str = "game", **changes: Any) -> tuple[ServerProcess, Puppet]:
        process = self.keep(await self.launcher.spawn(self.request(role, **changes)))
        return process, await self.enters(role)

    def keep(self, process: ServerProcess) -> ServerProcess:
        """Have it closed at the end of the test."""
        self.processes.append(process)
        return process

    async def adopt(self, identity: ProcessId) -> ServerProcess:
        process = await self.launcher.adopt(identity)
        assert process is not None
        return self.keep(process)

    async def clear(self) -> None:
        """End every puppet, and let go of all processes."""
        for process in self.processes:
            await process.kill_tree()
            with contextlib.suppress(asyncio.CancelledError):  # the test has closed it
                await asyncio.wait_for(process.wait(), LIMIT_S)
            process.close()
        for puppet in self.puppets:
            await puppet.leave()
        for stranger in self.strangers:
            stranger.kill()
            await asyncio.to_thread(stranger.wait)
        self.launcher.close()

    def _seat(self, role: str) -> asyncio.Future[Puppet]:
        return self._entering.setdefault(role, asyncio.get_running_loop().create_future())
