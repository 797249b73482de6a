"""One server's process tree by `/proc`: who belongs to it, kept from one reading to the next, and what they used."""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import math
import os
import time
from collections.abc import Callable, Iterable

from monitor.local import procfs
from monitor.local.kept_files import KeptFiles
from monitor.local.procfs import Usage
from monitor.model import ProcessId, TreeReading

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_WALK_S = 9.0
_YOUNG_S = 10.0


class Member:
    """One process of a tree."""

    __slots__ = (
        "children_path",
        "clock",
        "cpu_counted",
        "io",
        "io_counted",
        "io_counted_ns",
        "io_path",
        "line",
        "listed_ns",
        "pid",
        "ran_ns",
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
        self.clock = procfs.cpu_clock(pid)
        self.ran_ns: int | None = None
        """What its clock said when `line` was read."""
        self.listed_ns: int | None = None
        """What it said when its children were last looked for."""
        self.line = b""
        self.usage = Usage(started=started)
        """What `line` says. Most helpers of a game have nothing to do, and say the same thing again."""
        self.io: tuple[int, int] | None = None
        """The bytes that it had read and written when they were last counted; `None` where we may not know."""
        self.io_counted_ns: int | None = None
        """What its clock said then."""
        self.cpu_counted = False
        self.io_counted = False
        """Whether it is in the sums of its tree."""

    @property
    def paths(self) -> tuple[str, ...]:
        return self.stat_path, self.io_path, self.children_path

    def read(self, files: KeptFiles) -> bool:
        """Read its line if it has run since, and tell whether that is a new one.

        Raises:
            ProcessLookupError: somebody else has the pid by now.
            OSError: the file cannot be read.
        """
        try:
            ran_ns = time.clock_gettime_ns(self.clock)
        except OSError:
            ran_ns = None
        if ran_ns == self.ran_ns and ran_ns is not None:
            return False
        line = files.read(self.stat_path)
        changed = line != self.line
        if changed:
            usage = procfs.parse_usage(line)
            if usage.started != self.started:
                raise ProcessLookupError(self.pid)
            self.line, self.usage = line, usage
        self.ran_ns = ran_ns  # as it was before the line, and after no failure: neither is to be missed
        return changed

    def count_io(self, files: KeptFiles) -> None:
        """Count its bytes anew if it has run since. Raises as the file does, unless that is hidden from us."""
        if self.io is not None and self.io_counted_ns == self.ran_ns and self.ran_ns is not None:
            return
        try:
            self.io = procfs.parse_io(files.read(self.io_path))
        except PermissionError:
            self.io = None
        self.io_counted_ns = self.ran_ns

    def has_ended(self, files: KeptFiles) -> bool:
        """Whether that very process is gone: ended and collected. Not known is no."""
        try:
            self.read(files)
        except OSError as error:
            return isinstance(error, FileNotFoundError | ProcessLookupError)
        return False


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
        self._sums: tuple[int, int, int, int] | None = None
        """CPU ticks, pages, threads and processes of all members, until one of them says something new."""
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

    @property
    def early_walk_s(self) -> float:
        """When to look for children without waiting for leisure, as in its first seconds, in which it grows."""
        half_its_age_later_s = 2 * self._walked_s - self._born_s
        return half_its_age_later_s if half_its_age_later_s < self._born_s + _YOUNG_S else math.inf

    def walk_due(self, now_s: float, *, at_leisure: bool) -> bool:
        """Whether to look for children now."""
        at_leisure = at_leisure and (now_s - self._walked_s >= _WALK_S or self.lost_members)
        return at_leisure or now_s >= self.early_walk_s

    def walk(self, children: Children, now_s: float) -> None:
        """Look for children that are new. Who has not run has none but strays that were handed to it."""
        self._walked_s = now_s
        for member in self.members:  # grows while it is gone through
            ran_ns = procfs.ran_ns(member.pid)
            if ran_ns == member.listed_ns and ran_ns is not None:
                continue
            try:
                for pid in children(member):
                    self.admit(pid, member)
            except OSError:
                continue  # it is gone or hidden: reading it tells which
            member.listed_ns = ran_ns

    def searched(self) -> None:
        """Be told that strays were searched for; with that, all are read anew: memory goes also from who sleeps."""
        self.lost_members = False
        for member in self.members:
            member.ran_ns = None

    def read(self, at: int, *, with_io: bool) -> TreeReading | None:
        """Add everything up; `None` when the root has ended, or something is hidden from us.

        Args:
            at: now, in clock ticks since boot.
            with_io: count bytes too, which need not be done at every tick.
        """
        at_s = time.monotonic()
        try:
            for member in self.members:
                if member.read(self._files):
                    self._sums = None
                if with_io:
                    member.count_io(self._files)
        except OSError:
            return self.read(at, with_io=with_io) if self._parted() else None
        if self._sums is None:
            self._sums = self._added_up()
        if with_io:
            self._io, self._io_at_s, self._io_read_at = self._added_up_io(), at_s, at
        self._read_at = at
        if not self.members[0].usage.alive:
            return None
        ticks, pages, threads, processes = self._sums
        read, written = (None, None) if self._io is None else self._io
        cpu_s = (ticks - self._earlier_cpu) / TICKS_PER_S
        return TreeReading(at_s, cpu_s, pages * _PAGE_BYTES, read, written, threads, processes, self._io_at_s)

    def _parted(self) -> bool:
        """Forget the members that have ended, and tell whether there were any, and the root is not among them."""
        self._sums = None
        ended = [member for member in self.members if member.has_ended(self._files)]
        if not ended or ended[0] is self.members[0]:
            return False
        for member in ended:
            self.members.remove(member)
            self._files.let_go(member.paths)
        self.lost_members = True
        return True

    def _added_up(self) -> tuple[int, int, int, int]:
        ticks = pages = threads = processes = 0
        for member in self.members:
            usage = member.usage
            if not member.cpu_counted:
                member.cpu_counted = True
                self._earlier_cpu += usage.cpu_ticks if member.started < self._read_at else 0
            ticks += usage.cpu_ticks
            if usage.alive:
                pages, threads, processes = pages + usage.rss_pages, threads + usage.threads, processes + 1
        return ticks, pages, threads, processes

    def _added_up_io(self) -> tuple[int, int] | None:
        """Give the bytes; what we may not know of one member, we do not know of the tree."""
        read = written = 0
        hidden = False
        for member in self.members:
            if member.io is None:
                hidden = True
                continue
            more_read, more_written = member.io
            if not member.io_counted:
                member.io_counted = True
                if member.started < self._io_read_at:
                    self._earlier_read += more_read
                    self._earlier_written += more_written
            read, written = read + more_read, written + more_written
        return None if hidden else (read - self._earlier_read, written - self._earlier_written)
