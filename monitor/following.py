"""One server's process, whichever process that is at the moment.

A launcher script starts the game and ends; a daemon's parent exits at once; a game starts itself again under a new
pid. None of these is an exit of the server. So the end of its process is only believed once nothing that could be the
server is left of the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from monitor.model import ExitStatus, ProcessId
from monitor.ports import Launcher, ServerProcess

MAIN_SHARE = 0.5
"""What outlives a process that failed is taken for the server itself only where it holds at least this much of the
memory that all of them held: a crash reporter or a forgotten helper is small."""

log = structlog.get_logger(__name__)

Moved = Callable[[ProcessId], None]
"""Told that the server is another process now. Called on the event loop; must return at once."""


@dataclass(eq=False)
class FollowedProcess:
    """Is a `ServerProcess` to everybody else. One task awaits `follow`; anybody may await `wait`."""

    current: ServerProcess
    marker: str
    launcher: Launcher
    moved: Moved
    last_memory_bytes: Callable[[], int | None]
    """What the whole server held when it was last measured."""
    _polite: str | None = None
    """The polite signal that it was last sent."""
    _ending: bool = False
    """Whether we are about to end it: then whatever is left has to end as well."""
    _status: asyncio.Future[ExitStatus] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def identity(self) -> ProcessId:
        return self.current.identity

    async def follow(self) -> ExitStatus:
        """Watch until the server has ended, from one process to the next."""
        while True:
            status = await self.current.wait()
            successor = await self._successor(status)
            if successor is None:
                self._status.set_result(status)
                return status
            log.info("server_followed", pid=successor.identity.pid, after=self.current.identity.pid)
            self.current.close()
            self.current = successor
            self.moved(successor.identity)
            if self._polite is not None:
                await successor.interrupt(self._polite)

    async def _successor(self, status: ExitStatus) -> ServerProcess | None:
        survivor = await self.launcher.find(self.marker)
        if survivor is None:
            return None
        if self._ending or status.code == 0 or await self._is_main(survivor):
            return survivor
        # What a server that failed leaves behind would stand in the way of the next one.
        await survivor.kill_tree()
        survivor.close()
        return None

    async def _is_main(self, survivor: ServerProcess) -> bool:
        whole = self.last_memory_bytes()
        held = await survivor.memory_bytes()
        return whole is not None and held is not None and held >= MAIN_SHARE * whole

    async def wait(self) -> ExitStatus:
        return await asyncio.shield(self._status)

    async def interrupt(self, signal_name: str) -> None:
        self._polite, self._ending = signal_name, True
        await self.current.interrupt(signal_name)

    async def type_line(self, text: str) -> None:
        await self.current.type_line(text)

    async def terminate_tree(self) -> None:
        self._ending = True
        await self.current.terminate_tree()

    async def kill_tree(self) -> None:
        self._ending = True
        await self.current.kill_tree()

    async def memory_bytes(self) -> int | None:
        return await self.current.memory_bytes()

    async def out_of_memory(self) -> str | None:
        return await self.current.out_of_memory()

    def close(self) -> None:
        self.current.close()
        self._status.cancel()
