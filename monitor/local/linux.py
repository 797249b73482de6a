"""Linux: processes by `/proc`, signals and exits by process descriptors where the kernel has them."""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import asyncio
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path

from monitor.local import pidfd, proc_neighbours, procfs
from monitor.local.exits import UNKNOWN
from monitor.local.memory_kills import MemoryWitness
from monitor.local.posix import PosixSystem
from monitor.local.posix_hold import Kept, PosixHold
from monitor.local.records import Records
from monitor.local.system import Hold, PortHolder
from monitor.local.tree import ProcessTable, Row
from monitor.model import ExitStatus, ProcessId

_NEWS_S = 0.25
_RECORD_S = 1.0
_NEWS_PAUSE_S = 0.0002
_COLLECT_AFTER_S = 0.05


class ProcfsTable:
    """Who is running, by `/proc`."""

    def identify(self, pid: int) -> ProcessId | None:
        return procfs.identify(pid)

    def is_live(self, identity: ProcessId) -> bool:
        stat = procfs.read_stat(identity.pid)
        return stat is not None and stat.alive and procfs.identify(identity.pid) == identity

    def rows(self, *, markers: bool, since: int = 0) -> list[Row]:
        boot = procfs.boot_id()
        return [
            Row(
                ProcessId(stat.pid, stat.started, boot),
                stat.ppid,
                stat.session,
                procfs.marker_of(stat.pid) if markers else None,
            )
            for stat in (procfs.stats_since(since) if since else procfs.all_stats())
            if stat.alive
        ]

    def boot_id(self) -> str:
        return procfs.boot_id()

    def marker_of(self, pid: int) -> str | None:
        return procfs.marker_of(pid)

    def port_holder(self, ports: Collection[int]) -> PortHolder | None:
        return proc_neighbours.port_holder(ports)

    def twin(self, argv: tuple[str, ...], cwd: Path, ours: Collection[ProcessId]) -> str | None:
        return proc_neighbours.twin(argv, cwd, ours)

    def witness(self, pid: int) -> MemoryWitness:
        return MemoryWitness(pid)


class PidfdHold(PosixHold):
    """A grip by a process descriptor."""

    def __init__(
        self, identity: ProcessId, table: ProcessTable, kept: Kept, collect: Callable[[], None], descriptor: int
    ) -> None:
        super().__init__(identity, table, kept, collect)
        self._descriptor: int | None = descriptor
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self, loop: asyncio.AbstractEventLoop, ended: Callable[[ExitStatus], None]) -> None:
        if self._descriptor is not None:
            self._loop = loop
            loop.add_reader(self._descriptor, self._readable, loop, ended)

    def close(self) -> None:
        super().close()
        self._close_descriptor()

    def _close_descriptor(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(descriptor)
        os.close(descriptor)

    def _readable(self, loop: asyncio.AbstractEventLoop, ended: Callable[[ExitStatus], None]) -> None:
        if self._descriptor is None:
            return
        status = pidfd.collect(self._descriptor, self.identity)
        if status == UNKNOWN:
            descriptor, self._descriptor = self._descriptor, None
            loop.remove_reader(descriptor)
            self._in_thread(loop, ended, lambda: self._wait_for_news(descriptor))
        else:
            self._close_descriptor()
            self._status = status
            ended(status)
            # It is in nobody's way meanwhile, and whoever waits for the end is to know it first.
            loop.call_later(_COLLECT_AFTER_S, self._collect)

    def _wait_for_news(self, descriptor: int) -> ExitStatus:
        """Ask on until its parent has collected it: only then does the kernel tell everybody. Blocking.

        Root need not wait, for `/proc` shows it the code of what is not collected yet.
        """
        record = self._kept.record
        deadline = time.monotonic() + (_NEWS_S if record is None else _RECORD_S)
        try:
            while (status := pidfd.collect(descriptor, self.identity)) == UNKNOWN and time.monotonic() < deadline:
                read = None if record is None else record.read()
                if read is not None and read.end is not None:
                    return read.end
                time.sleep(_NEWS_PAUSE_S)
        finally:
            os.close(descriptor)
        return status

    def _send(self, identity: ProcessId, number: int) -> None:
        pidfd.send(identity, number)


class LinuxSystem(PosixSystem):
    """A Linux machine whose kernel has process descriptors."""

    def _hold(self, identity: ProcessId, kept: Kept) -> Hold:
        try:
            descriptor = pidfd.open_identity(identity)
        except OSError:
            descriptor = None
        if descriptor is None:
            return super()._hold(identity, kept)
        return PidfdHold(identity, self._table, kept, lambda: self._collect(identity), descriptor)


def linux_system(records: Records | None = None) -> PosixSystem:
    """Give this Linux machine; without process descriptors where it has none."""
    form = LinuxSystem if pidfd.available() else PosixSystem
    return form(ProcfsTable(), records)
