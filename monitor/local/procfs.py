"""What Linux tells of processes under `/proc`; the fields are those of proc_pid_stat(5)."""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from monitor.local.environment import MARKER
from monitor.model import ProcessId

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Stat:
    """One line of `/proc/PID/stat`, as far as it is of use here."""

    pid: int
    state: str
    """`R`, `S`, `D`, `Z` (ended, not yet collected), `X`, …"""
    ppid: int
    session: int
    cpu_ticks: int
    """User and system time of the process and of the children that it has collected."""
    threads: int
    started: int
    """Clock ticks since boot."""
    rss_pages: int
    exit_code: int
    """The wait status, once it has ended; 0 also where we may not know."""

    @property
    def alive(self) -> bool:
        return self.state not in "ZXx"


STAT_BYTES = 4096
"""More than a line of `/proc/PID/stat` ever has: some fifty numbers and a name of 64 bytes."""


def parse_stat(text: str) -> Stat:
    """Read a line of `/proc/PID/stat`. The name in it may hold spaces, parentheses and newlines."""
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return Stat(
        pid=int(head.partition(" ")[0]),
        state=fields[0],
        ppid=int(fields[1]),
        session=int(fields[3]),
        cpu_ticks=sum(int(field) for field in fields[11:15]),
        threads=int(fields[17]),
        started=int(fields[19]),
        rss_pages=int(fields[21]),
        exit_code=int(fields[49]) if len(fields) > 49 else 0,  # noqa: PLR2004 - field 52, since Linux 3.5
    )


class Usage(NamedTuple):
    """What of that line is read every second of every process: made from bytes, in a fraction of the time."""

    started: int
    alive: bool = True
    cpu_ticks: int = 0
    rss_pages: int = 0
    threads: int = 0


def parse_usage(line: bytes) -> Usage:
    """Read a line of `/proc/PID/stat`, as `parse_stat` does."""
    fields = line[line.rindex(b")") + 2 :].split(None, 22)
    return Usage(
        int(fields[19]),
        fields[0] not in b"ZXx",
        int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14]),
        int(fields[21]),
        int(fields[17]),
    )


def parse_io(text: bytes) -> tuple[int, int]:
    """Give the bytes read from and written to disks by `/proc/PID/io`, proc_pid_io(5)."""
    fields = text.split()
    return int(fields[fields.index(b"read_bytes:") + 1]), int(fields[fields.index(b"write_bytes:") + 1])


def parse_cpu(text: bytes) -> tuple[int, int]:
    """Give the busy and all ticks of all processors together by `/proc/stat`, proc_stat(5).

    The first line is the sum: user, nice, system, idle, iowait, irq, softirq, steal; a guest's time, which comes
    after these, is in user and nice already.
    """
    fields = [int(field) for field in text[: text.index(b"\n")].split()[1:9]]
    total = sum(fields)
    return total - fields[3] - fields[4], total


def parse_memory(text: bytes) -> tuple[int, int]:
    """Give the total and the available memory in bytes by `/proc/meminfo`, proc_meminfo(5)."""
    fields = text.split()
    total, available = (int(fields[fields.index(name) + 1]) for name in (b"MemTotal:", b"MemAvailable:"))
    return total * 1024, available * 1024


def read_stat(pid: int) -> Stat | None:
    """Give a process's line; `None` when there is no such process, or it is hidden from us."""
    line = _stat_line(pid)
    return parse_stat(line.decode("utf-8", "replace")) if line else None


def all_stats() -> Iterator[Stat]:
    """Give the line of every process that we may see."""
    return (stat for pid in _pids() if (stat := read_stat(pid)) is not None)


def stats_since(since: int) -> Iterator[Stat]:
    """Give the line of every process that began then or later and has a session: the kernel's own have none."""
    for pid in _pids():
        if _has_session(pid) and (line := _stat_line(pid)) and _started(line) >= since:
            yield parse_stat(line.decode("utf-8", "replace"))


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - there are thousands


def _has_session(pid: int) -> bool:
    """Whether it has one that is known here: a fraction of the cost of reading its line."""
    try:
        return os.getsid(pid) != 0
    except OSError:  # it ended
        return False


def _stat_line(pid: int) -> bytes:
    """Give a process's line as it stands, or nothing."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, STAT_BYTES)
    except OSError:  # it ended between the two
        return b""
    finally:
        os.close(descriptor)


def _started(line: bytes) -> int:
    """Read of that line only when the process began."""
    return int(line[line.rindex(b")") + 2 :].split(None, 20)[19])


def parse_newest(text: bytes) -> int:
    """Give the number that was given out last, to a process or a thread, by `/proc/loadavg`, proc_loadavg(5)."""
    return int(text.rsplit(None, 1)[1])


def cpu_clock(pid: int) -> int:
    """Give the id of the clock by which a process runs, all its threads together, for `time.clock_gettime_ns`.

    It is what clock_getcpuclockid(3) gives, which Python has for threads alone. The kernel's `posix-timers.h`: the
    complement of the pid over three bits, which say that it is a process's, and that the scheduler counts. Anybody
    may read it; there is none (`OSError`) where there is no such process, or where a sandbox knows no such clocks.
    """
    return ~pid << 3 | 2


def ran_ns(pid: int) -> int | None:
    """Give for how long a process has run; `None` where it has no clock. A thread is no process but to itself."""
    try:
        return time.clock_gettime_ns(cpu_clock(pid))
    except OSError:
        return None


@cache
def boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()


def identify(pid: int) -> ProcessId | None:
    """Say who has that pid now, ended but uncollected processes included."""
    stat = read_stat(pid)
    return None if stat is None else ProcessId(pid, stat.started, boot_id())


def marker_of(pid: int) -> str | None:
    """Give the process's `GAMEKEEPER_RUN`; `None` without one, or where we may not look."""
    try:
        return parse_marker((PROC / str(pid) / "environ").read_bytes())
    except OSError:
        return None


def parse_marker(environ: bytes) -> str | None:
    """Give the `GAMEKEEPER_RUN` in the content of `/proc/PID/environ`."""
    prefix = f"{MARKER}=".encode()
    variables = environ.split(b"\0")
    return next((v.removeprefix(prefix).decode("utf-8", "replace") for v in variables if v.startswith(prefix)), None)
