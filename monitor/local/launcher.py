"""Starts servers on this machine, and takes hold again of those that it started before."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from monitor.errors import LaunchFault, LaunchRefused
from monitor.local.environment import server_environment
from monitor.local.program import check, fault_of, log_fault_of
from monitor.local.system import Hold, Start, System
from monitor.local.tree_memory import tree_memory_bytes
from monitor.model import ExitStatus, ProcessId
from monitor.ports import LaunchRequest

T = TypeVar("T")


class LocalProcess:
    """A process on this machine. Belongs to the event loop on which it was spawned or adopted."""

    def __init__(self, hold: Hold, loop: asyncio.AbstractEventLoop) -> None:
        self._hold = hold
        self._ended: asyncio.Future[ExitStatus] = loop.create_future()
        hold.watch(loop, self._on_end)

    @property
    def identity(self) -> ProcessId:
        return self._hold.identity

    async def wait(self) -> ExitStatus:
        return await asyncio.shield(self._ended)

    async def interrupt(self, signal_name: str) -> None:
        """Send the polite signal to the process itself.

        Raises:
            ValueError: this system knows no such signal.
        """
        await asyncio.to_thread(self._hold.interrupt, signal_name)

    async def type_line(self, text: str) -> None:
        await asyncio.to_thread(self._hold.type_line, text)

    async def memory_bytes(self) -> int | None:
        return await asyncio.to_thread(tree_memory_bytes, self._hold.identity)

    async def out_of_memory(self) -> str | None:
        return await asyncio.to_thread(self._hold.out_of_memory)

    @property
    def live(self) -> bool:
        """Whether it is watched, and has not ended."""
        return not self._ended.done()

    async def terminate_tree(self) -> None:
        await asyncio.to_thread(self._hold.terminate_tree)

    async def kill_tree(self) -> None:
        await asyncio.to_thread(self._hold.kill_tree)

    def close(self) -> None:
        """Let go. Whoever still waits is cancelled."""
        self._hold.close()
        self._ended.cancel()

    def _on_end(self, status: ExitStatus) -> None:
        if not self._ended.done():
            self._ended.set_result(status)


class LocalLauncher:
    """Starts processes through one thread of its own.

    That thread is started at once, at the priority of whoever makes the launcher: on Linux a child has the
    priority of the thread that started it, so servers stay at normal priority when the bot later lowers its own.
    """

    def __init__(self, system: System, inherited: Mapping[str, str]) -> None:
        self._system = system
        self._inherited = inherited
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="launcher")
        self._held: weakref.WeakSet[LocalProcess] = weakref.WeakSet()
        self._thread.submit(os.getpid).result()

    async def spawn(self, request: LaunchRequest) -> LocalProcess:
        """Start it.

        Raises:
            LaunchRefused: it cannot be started, somebody has its port, or somebody else has started it.
        """
        ours = tuple(process.identity for process in self._held if process.live)
        return self._watch(await self._in_thread(lambda: self._spawn(request, ours)))

    async def adopt(self, identity: ProcessId) -> LocalProcess | None:
        hold = await self._in_thread(lambda: self._system.hold(identity))
        return None if hold is None else self._watch(hold)

    async def find(self, marker: str) -> LocalProcess | None:
        hold = await self._in_thread(lambda: self._system.find(marker))
        return None if hold is None else self._watch(hold)

    async def ended(self, marker: str) -> ExitStatus | None:
        return await self._in_thread(lambda: self._system.ended(marker))

    def boot_id(self) -> str:
        return self._system.boot_id()

    def close(self) -> None:
        """Take back what was prepared for a next start. Servers are left alone. Blocking, short."""
        self._thread.submit(self._system.close)
        self._thread.shutdown()

    def _watch(self, hold: Hold) -> LocalProcess:
        process = LocalProcess(hold, asyncio.get_running_loop())
        self._held.add(process)
        self._thread.submit(self._system.prepare)
        return process

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _spawn(self, request: LaunchRequest, ours: Collection[ProcessId]) -> Hold:
        env = server_environment(self._inherited, request.env, request.marker)
        argv = check(request, env)
        try:
            self._check_machine(request, argv, ours)
        except OSError as error:
            raise LaunchRefused(request.server_id, fault_of(error), argv[0]) from error
        output = self._open_log(request)
        start = Start(
            request.server_id,
            argv,
            request.cwd,
            env,
            request.marker,
            request.log,
            output,
            request.priority,
            request.cpus,
        )
        try:
            return self._system.spawn(start)
        except OSError as error:
            raise LaunchRefused(request.server_id, fault_of(error), argv[0]) from error
        finally:
            os.close(output)

    def _check_machine(self, request: LaunchRequest, argv: tuple[str, ...], ours: Collection[ProcessId]) -> None:
        twin = self._system.twin(argv, request.cwd, ours)
        if twin is not None:
            raise LaunchRefused(request.server_id, LaunchFault.ALREADY_RUNNING, argv[0], twin)
        holder = self._system.port_holder(request.ports) if request.ports else None
        if holder is not None:
            raise LaunchRefused(request.server_id, LaunchFault.PORT_HELD, str(holder.port), holder.name)

    def _open_log(self, request: LaunchRequest) -> int:
        try:
            return self._system.open_log(request.log)
        except OSError as error:
            raise LaunchRefused(request.server_id, log_fault_of(error), str(request.log)) from error
