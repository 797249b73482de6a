"""Reads the counters of whole process trees and of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import psutil

from monitor.model import HostReading, ProcessId, TreeReading


class TreeReader(Protocol):
    """The operating system's own way of reading trees."""

    def read(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        """Read every tree as it is now; one that cannot be read whole is left out."""
        ...


@dataclass(frozen=True, slots=True)
class Carried:
    """What the counters of a tree have lost so far, and where they stood."""

    identity: ProcessId
    cpu_time_s: float
    read_bytes: int | None
    write_bytes: int | None
    lost_cpu_s: float = 0.0
    lost_read_bytes: int = 0
    lost_write_bytes: int = 0


def carry(before: Carried | None, identity: ProcessId, raw: TreeReading) -> tuple[Carried, TreeReading]:
    """Keep a tree's cumulative counters from going backwards.

    What a process used moves to its parent when the parent collects it, so the sum over a tree stays whole. It
    drops when a process leaves the tree uncollected: its parent ignores SIGCHLD, it became a child of init, or the
    system (Windows) keeps no account of ended children. Such a drop is remembered and added from then on, so that
    differences between readings stay right but for the moment of the loss itself.
    """
    if before is None or before.identity != identity:
        return Carried(identity, raw.cpu_time_s, raw.read_bytes, raw.write_bytes), raw
    after = Carried(
        identity,
        raw.cpu_time_s,
        before.read_bytes if raw.read_bytes is None else raw.read_bytes,
        before.write_bytes if raw.write_bytes is None else raw.write_bytes,
        before.lost_cpu_s + max(0.0, before.cpu_time_s - raw.cpu_time_s),
        before.lost_read_bytes + _drop(before.read_bytes, raw.read_bytes),
        before.lost_write_bytes + _drop(before.write_bytes, raw.write_bytes),
    )
    return after, replace(
        raw,
        cpu_time_s=raw.cpu_time_s + after.lost_cpu_s,
        read_bytes=None if raw.read_bytes is None else raw.read_bytes + after.lost_read_bytes,
        write_bytes=None if raw.write_bytes is None else raw.write_bytes + after.lost_write_bytes,
    )


def _drop(before: int | None, now: int | None) -> int:
    return 0 if before is None or now is None else max(0, before - now)


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds since boot, all cores together."""

    busy_s: float
    total_s: float


def cpu_percent(before: CpuTimes, now: CpuTimes) -> float | None:
    """Give the share of busy time between two readings, 0 to 100; `None` when the counters have not moved."""
    total = now.total_s - before.total_s
    if total <= 0:
        return None
    return min(100.0, max(0.0, 100.0 * (now.busy_s - before.busy_s) / total))


def _cpu_times() -> CpuTimes:
    times = psutil.cpu_times()
    # Linux counts a guest's time in user and nice as well.
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    idle = times.idle + getattr(times, "iowait", 0.0)
    return CpuTimes(total - idle, total)


class TreeProbe:
    """The probe of this machine. Not for use from two threads at once."""

    def __init__(self, reader: TreeReader) -> None:
        self._reader = reader
        self._carried: dict[str, Carried] = {}
        self._cpu = _cpu_times()
        self._cpu_pct = 0.0

    def read(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        """Read every tree in one pass. A server whose tree could not be read whole is left out.

        `cpu_time_s` is user and system time in seconds of all live members and of the children they have collected,
        so that a child's share stays in the sum when it ends; see `carry`.
        """
        self._carried = {server_id: past for server_id, past in self._carried.items() if server_id in roots}
        readings: dict[str, TreeReading] = {}
        for server_id, raw in self._reader.read(roots).items():
            past = self._carried.get(server_id)
            self._carried[server_id], readings[server_id] = carry(past, roots[server_id], raw)
        return readings

    def host(self) -> HostReading:
        """Read the machine's load since the reading before, or since the probe was made."""
        now = _cpu_times()
        percent = cpu_percent(self._cpu, now)
        if percent is not None:
            self._cpu, self._cpu_pct = now, percent
        memory = psutil.virtual_memory()
        return HostReading(self._cpu_pct, memory.total, memory.available)
