"""Linux: reads process trees straight from `/proc`."""

from __future__ import annotations

import os
import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from monitor.local import procfs
from monitor.model import ProcessId, TreeReading

_TRIES = 3
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

Children = Callable[[int], list[int]]


class _Moved(Exception):
    """The tree changed while it was read."""


class ProcReader:
    """Walks each tree from its root by `/proc/PID/task/TID/children`; without that file, by one pass over everybody.

    Raises nothing: a tree that keeps changing under it, that is gone, or that is hidden from us is left out.
    """

    def __init__(self, proc: Path = procfs.PROC) -> None:
        self._has_children = (proc / "thread-self/children").exists()

    def read(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        children = listed_children if self._has_children else scanned_children()
        readings = ((server_id, _read_tree(root, children)) for server_id, root in roots.items())
        return {server_id: reading for server_id, reading in readings if reading is not None}


def listed_children(pid: int) -> list[int]:
    """Ask the kernel for the children of each thread."""
    tasks = f"{procfs.PROC}/{pid}/task"
    found: list[int] = []
    for thread in os.listdir(tasks):  # noqa: PTH208 - strings: this runs for every process, every second
        with open(f"{tasks}/{thread}/children", "rb", buffering=0) as file:  # noqa: PTH123
            found.extend(int(child) for child in file.read().split())
    return found


def scanned_children() -> Children:
    """Read everybody's parent once, and answer from that."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for stat in procfs.all_stats():
        children[stat.ppid].append(stat.pid)
    return lambda pid: children.get(pid, [])


def _read_tree(root: ProcessId, children: Children) -> TreeReading | None:
    for _ in range(_TRIES):
        stat = procfs.read_stat(root.pid)
        if stat is None or not stat.alive or procfs.identify(root.pid) != root:
            return None
        try:
            return _read_once(root, children)
        except (_Moved, FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError:
            return None
    return None


def _read_once(root: ProcessId, children: Children) -> TreeReading:
    """Add up a tree. A process's children are listed before its own counters are read.

    A child that ends in between is either still there to be read, or missing, which starts the reading again: its
    time is never counted twice and never left out.
    """
    at = time.monotonic()
    ticks = pages = threads = processes = 0
    io: tuple[int, int] | None = (0, 0)
    front = [(root.pid, 0)]
    while front:
        pid, parent = front.pop()
        front.extend((child, pid) for child in children(pid))
        stat = procfs.read_stat(pid)
        if stat is None or parent not in (0, stat.ppid):
            raise _Moved
        ticks += stat.cpu_ticks
        io = _add(io, _read_io(pid))
        if stat.alive:
            pages, threads, processes = pages + stat.rss_pages, threads + stat.threads, processes + 1
    return TreeReading(
        at_monotonic_s=at,
        cpu_time_s=ticks / _TICKS_PER_S,
        rss_bytes=pages * _PAGE_BYTES,
        read_bytes=None if io is None else io[0],
        write_bytes=None if io is None else io[1],
        threads=threads,
        processes=processes,
    )


def _add(total: tuple[int, int] | None, more: tuple[int, int] | None) -> tuple[int, int] | None:
    return None if total is None or more is None else (total[0] + more[0], total[1] + more[1])


def _read_io(pid: int) -> tuple[int, int] | None:
    """Give the bytes read from and written to disks; `None` where we may not know. Fields: proc_pid_io(5)."""
    try:
        with open(f"{procfs.PROC}/{pid}/io", "rb", buffering=0) as file:  # noqa: PTH123 - hot
            fields = dict(line.split(b": ") for line in file.read().splitlines())
    except PermissionError:
        return None
    return int(fields[b"read_bytes"]), int(fields[b"write_bytes"])
