"""Reads process trees by `psutil`: Windows, and POSIX without `/proc`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import psutil

from monitor.local.probe import CpuTimes, HostCounters
from monitor.local.tree import ProcessTable, descendants
from monitor.model import ProcessId, TreeReading


class PsutilReader:
    """Lists everybody once, then reads the members of each tree."""

    def __init__(self, table: ProcessTable) -> None:
        self._table = table

    def close(self) -> None:
        """There is nothing to close: nothing is kept open."""

    def blocks(self, roots: Mapping[str, ProcessId]) -> bool:  # noqa: ARG002 - it lists everybody, whatever is asked
        return True

    def read(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        try:
            rows = self._table.rows(markers=False)
        except (psutil.Error, OSError):
            return {}
        live = {row.identity for row in rows}
        readings: dict[str, TreeReading] = {}
        for server_id, root in roots.items():
            members = [root, *(row.identity for row in descendants(root, rows))]
            reading = _read(members) if root in live else None
            if reading is not None:
                readings[server_id] = reading
        return readings

    def host(self) -> HostCounters:
        times, memory = psutil.cpu_times(), psutil.virtual_memory()
        # Linux counts a guest's time in user and nice as well.
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        idle = times.idle + getattr(times, "iowait", 0.0)
        return HostCounters(CpuTimes(total - idle, total), memory.total, memory.available)


def _read(members: Sequence[ProcessId]) -> TreeReading | None:
    total = TreeReading(
        at_monotonic_s=time.monotonic(),
        cpu_time_s=0.0,
        rss_bytes=0,
        read_bytes=0,
        write_bytes=0,
        threads=0,
        processes=0,
    )
    try:
        for member in members:
            total = _add(total, psutil.Process(member.pid))
    except (psutil.Error, OSError):
        return None
    return total


def _add(total: TreeReading, process: psutil.Process) -> TreeReading:
    with process.oneshot():
        times = process.cpu_times()
        io = _io(process)
        return total._replace(
            cpu_time_s=total.cpu_time_s + times.user + times.system + times.children_user + times.children_system,
            rss_bytes=total.rss_bytes + process.memory_info().rss,
            threads=total.threads + process.num_threads(),
            read_bytes=None if io is None or total.read_bytes is None else total.read_bytes + io[0],
            write_bytes=None if io is None or total.write_bytes is None else total.write_bytes + io[1],
            processes=total.processes + 1,
        )


def _io(process: psutil.Process) -> tuple[int, int] | None:
    if not hasattr(process, "io_counters"):
        return None
    try:
        counters = process.io_counters()
    except psutil.AccessDenied:
        return None
    return counters.read_bytes, counters.write_bytes
