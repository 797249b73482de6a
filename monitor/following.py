"""One server's process, whichever process that is at the moment.

A launcher script starts the game and ends; a daemon's parent exits at once; a game starts itself again under a new
pid. None of these is an exit of the server. So the end of its process is only believed once nothing that could be the
server is left of the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from monitor.model import ExitStatus, ProcessId
from monitor.ports import Launcher, ServerProcess
from monitor.rules import may_be_out_of_memory

MAIN_SHARE = 0.5
"""What outlives a process that failed is taken for the server itself only where it holds at least this much of the
memory that all of them held: a crash reporter or a forgotten helper is small."""

SURELY_MAIN_BYTES = 512 << 20
"""Where the whole was not measured yet, as right after a bot has come: what holds this much is no crash reporter."""

log = structlog.get_logger(__name__)

Moved = Callable[[ProcessId], None]
"""Told that the server is another process now. Called on the event loop; must return at once."""

Push = Callable[[ServerProcess], Awaitable[None]]
"""Something that is to make a process end."""


@dataclass(eq=False)
class FollowedProcess:
    """Is a `ServerProcess` to everybody else. One task awaits `follow`; anybody may await `wait`."""

    current: ServerProcess
    marker: str
    launcher: Launcher
    moved: Moved
    last_memory_bytes: Callable[[], int | None]
    """What the whole server held when it was last measured."""
    _push: Push | None = None
    """The last thing we did to end it: whatever is left then has to end as well, and by the same means."""
    _killed: str | None = None
    """What the system said, when the process ended, of killing it for want of memory."""
    _status: asyncio.Future[ExitStatus] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def identity(self) -> ProcessId:
        return self.current.identity

    async def follow(self) -> ExitStatus:
        """Watch until the server has ended, from one process to the next."""
        while True:
            status = await self.current.wait()
            # Together: both take a moment, and whoever is to come back waits for them.
            successor, self._killed = await asyncio.gather(self._successor(status), self._memory_evidence(status))
            if successor is None:
                self._status.set_result(status)
                return status
            log.info("server_followed", pid=successor.identity.pid, after=self.current.identity.pid)
            self.current.close()
            self.current = successor
            self.moved(successor.identity)
            await self._push_on()

    async def _successor(self, status: ExitStatus) -> ServerProcess | None:
        try:
            return await self._survivor(status)
        except Exception:
            # Whatever the machine says of what is left, the end of this process was seen: it is not lost for that.
            log.exception("not_followed", after=self.current.identity.pid)
            return None

    async def _survivor(self, status: ExitStatus) -> ServerProcess | None:
        survivor = await self.launcher.find(self.marker)
        if survivor is None or self._push is not None or status.code == 0 or await self._is_main(survivor):
            return survivor
        # What a server that failed leaves behind would stand in the way of the next one.
        await survivor.kill_tree()
        survivor.close()
        return None

    async def _is_main(self, survivor: ServerProcess) -> bool:
        whole = self.last_memory_bytes()
        held = await survivor.memory_bytes()
        return held is not None and held >= (SURELY_MAIN_BYTES if whole is None else MAIN_SHARE * whole)

    async def _push_on(self) -> None:
        if self._push is None:
            return
        try:
            await self._push(self.current)
        except Exception:
            # The stop procedure has ruder steps for what does not end by this one.
            log.exception("survivor_not_asked_to_end", pid=self.current.identity.pid)

    async def wait(self) -> ExitStatus:
        return await asyncio.shield(self._status)

    async def interrupt(self, signal_name: str) -> None:
        await self._end_by(lambda process: process.interrupt(signal_name))

    async def type_line(self, text: str) -> None:
        await self.current.type_line(text)

    async def terminate_tree(self) -> None:
        await self._end_by(lambda process: process.terminate_tree())

    async def kill_tree(self) -> None:
        await self._end_by(lambda process: process.kill_tree())

    async def _end_by(self, push: Push) -> None:
        self._push = push
        await push(self.current)

    async def memory_bytes(self) -> int | None:
        return await self.current.memory_bytes()

    async def out_of_memory(self) -> str | None:
        return self._killed

    async def _memory_evidence(self, status: ExitStatus) -> str | None:
        try:
            return await self.current.out_of_memory() if may_be_out_of_memory(status) else None
        except Exception:
            # It explains an exit; that it cannot be had must not keep the exit from being told.
            log.exception("memory_evidence_unread", pid=self.current.identity.pid)
            return None

    def close(self) -> None:
        self.current.close()
        self._status.cancel()
