"""One server's process tree by `/proc`: who belongs to it, kept from one reading to the next, and what they used."""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import os
import time
from collections.abc import Callable, Iterable

from monitor.local import procfs
from monitor.local.kept_files import KeptFiles
from monitor.local.procfs import Usage
from monitor.model import ProcessId, TreeReading

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TRIES = 3
_WALK_S = 9.0
_YOUNG_S = 10.0


class _Ended(Exception):
    """Some members are gone: what they used is with their parents now, so the tree has to be read again."""


class Member:
    """One process of a tree."""

    __slots__ = (
        "children_path",
        "cpu_counted",
        "io_counted",
        "io_path",
        "line",
        "pid",
        "started",
        "stat_path",
        "usage",
    )

    def __init__(self, pid: int, started: int) -> None:
        self.pid = pid
        self.started = started
        self.stat_path = f"{procfs.PROC}/{pid}/stat"
        self.io_path = f"{procfs.PROC}/{pid}/io"
        self.children_path = f"{procfs.PROC}/{pid}/task/{pid}/children"
        """Those of its first thread."""
        self.line = b""
        self.usage = Usage(started=started)
        """What `line` says. Most helpers of a game have nothing to do, and say the same thing again."""
        self.cpu_counted = False
        self.io_counted = False

    @property
    def paths(self) -> tuple[str, ...]:
        return self.stat_path, self.io_path, self.children_path

    def read(self, files: KeptFiles) -> Usage:
        """Raises `ProcessLookupError` where somebody else has the pid by now, or what reading the file raises."""
        line = files.read(self.stat_path)
        if line != self.line:
            usage = procfs.parse_usage(line)
            if usage.started != self.started:
                raise ProcessLookupError(self.pid)
            self.line, self.usage = line, usage
        return self.usage


Children = Callable[[Member], Iterable[int]]
"""Gives the children of all threads of a process. May raise `OSError`."""


class ProcTree:
    """A tree from its root down. Parents come before their children in `members`.

    A child's time moves to its parent when the parent collects it. Parents are read first: a child that is still to
    be read after that had not been collected, and one that is missing starts the reading again, so its time is never
    counted twice and never left out.
    """

    def __init__(self, root: ProcessId, marker: str | None, files: KeptFiles, born_s: float) -> None:
        self.root = root
        self.marker = marker
        self.members = [Member(root.pid, root.started)]
        self.lost_members = False
        """Whether some ended since strays were last searched for."""
        self._files = files
        self._born_s = born_s
        self._walked_s = -_WALK_S
        self._io: tuple[int, int] | None = None
        self._io_at_s: float | None = None
        self._read_at = self._io_read_at = 0
        """When it was last read, in clock ticks since boot."""
        self._earlier_cpu = self._earlier_read = self._earlier_written = 0
        """What members had used when they were found, long after they began: it belongs to no interval."""

    def close(self) -> None:
        for member in self.members:
            self._files.let_go(member.paths)

    def admit(self, pid: int, parent: Member | None = None) -> None:
        """Take in a process, unless it is one already, is gone, or is no child of its parent.

        A process older than its "parent" has a parent that got a reused pid.

        Raises:
            OSError: it is hidden from us.
        """
        if any(member.pid == pid for member in self.members):
            return
        try:
            stat = procfs.parse_stat(self._files.peek(f"{procfs.PROC}/{pid}/stat").decode("utf-8", "replace"))
        except (FileNotFoundError, ProcessLookupError):
            return
        if parent is None or (stat.ppid == parent.pid and stat.started >= parent.started):
            self.members.append(Member(pid, stat.started))

    def walk_due(self, now_s: float, *, at_leisure: bool) -> bool:
        """Whether to look for children now; in its first seconds, in which it grows, it does not wait for leisure."""
        since_s, age_s = now_s - self._walked_s, now_s - self._born_s
        if age_s < _YOUNG_S:
            return since_s >= age_s / 2
        return at_leisure and (since_s >= _WALK_S or self.lost_members)

    def walk(self, children: Children, now_s: float) -> None:
        """Look for children that are new."""
        self._walked_s = now_s
        for member in self.members:  # grows while it is gone through
            try:
                for pid in children(member):
                    self.admit(pid, member)
            except OSError:
                continue  # it is gone or hidden: reading it tells which

    def read(self, *, with_io: bool) -> TreeReading | None:
        """Add everything up; `None` when the root has ended, or something is hidden from us or in constant change."""
        for _ in range(_TRIES):
            try:
                return self._read_once(with_io=with_io)
            except _Ended:
                continue
            except OSError:
                return None
        return None

    def _read_once(self, *, with_io: bool) -> TreeReading | None:
        at_s, at = time.monotonic(), _ticks_since_boot()
        ticks = pages = threads = processes = 0
        ended = []
        for member in self.members:
            try:
                usage = member.read(self._files)
            except (FileNotFoundError, ProcessLookupError):
                ended.append(member)
                continue
            if not member.cpu_counted:
                member.cpu_counted = True
                self._earlier_cpu += usage.cpu_ticks if member.started < self._read_at else 0
            ticks += usage.cpu_ticks
            if usage.alive:
                pages, threads, processes = pages + usage.rss_pages, threads + usage.threads, processes + 1
        self._part_with(ended)
        if with_io:
            self._count_io(at_s, at)
        self._read_at = at
        if not self.members[0].usage.alive:
            return None
        read, written = (None, None) if self._io is None else self._io
        cpu_s = (ticks - self._earlier_cpu) / TICKS_PER_S
        return TreeReading(at_s, cpu_s, pages * _PAGE_BYTES, read, written, threads, processes, self._io_at_s)

    def _part_with(self, ended: list[Member]) -> None:
        """Forget the members that are gone.

        Raises:
            ProcessLookupError: the root is among them.
            _Ended: others are.
        """
        if self.members[0] in ended:
            raise ProcessLookupError(self.root.pid)
        for member in ended:
            self.members.remove(member)
            self._files.let_go(member.paths)
        if ended:
            self.lost_members = True
            raise _Ended

    def _count_io(self, at_s: float, at: int) -> None:
        """Count the bytes; what we may not know of one member, we do not know of the tree."""
        read = written = 0
        ended, hidden = [], False
        for member in self.members:
            try:
                more_read, more_written = procfs.parse_io(self._files.read(member.io_path))
            except PermissionError:
                hidden = True
                continue
            except (FileNotFoundError, ProcessLookupError):
                ended.append(member)
                continue
            if not member.io_counted:
                member.io_counted = True
                if member.started < self._io_read_at:
                    self._earlier_read += more_read
                    self._earlier_written += more_written
            read, written = read + more_read, written + more_written
        self._part_with(ended)
        self._io = None if hidden else (read - self._earlier_read, written - self._earlier_written)
        self._io_at_s, self._io_read_at = at_s, at


def _ticks_since_boot() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) * TICKS_PER_S // 1_000_000_000
