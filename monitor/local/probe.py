"""Reads the counters of whole process trees and of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from monitor.model import HostReading, ProcessId, TreeReading


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds since boot, all cores together."""

    busy_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class HostCounters:
    """What the operating system counts for the whole machine."""

    cpu: CpuTimes
    memory_total_bytes: int
    memory_available_bytes: int


class TreeReader(Protocol):
    """The operating system's own way of reading trees and the machine."""

    def close(self) -> None: ...

    def blocks(self, roots: Mapping[str, ProcessId]) -> bool:
        """Whether the next `read` may take longer than an event loop can wait: some milliseconds."""
        ...

    def read(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        """Read every tree as it is now; one that cannot be read whole is left out."""
        ...

    def host(self) -> HostCounters: ...


class Ledger:
    """Keeps the cumulative counters of one tree from going backwards.

    What a process used moves to its parent when the parent collects it, so the sum over a tree stays whole. It
    drops when a process leaves the tree uncollected: its parent ignores SIGCHLD, it became a child of init, or the
    system (Windows) keeps no account of ended children. Such a drop is remembered and added from then on, so that
    differences between readings stay right but for the moment of the loss itself.
    """

    __slots__ = ("_cpu_s", "_lost_cpu_s", "_lost_read", "_lost_written", "_read", "_written")

    def __init__(self) -> None:
        self._cpu_s = self._lost_cpu_s = 0.0
        self._read = self._written = self._lost_read = self._lost_written = 0

    def carry(self, raw: TreeReading) -> TreeReading:
        """Give the reading with what the tree has lost so far."""
        if raw.cpu_time_s < self._cpu_s:
            self._lost_cpu_s += self._cpu_s - raw.cpu_time_s
        self._cpu_s = raw.cpu_time_s
        if raw.read_bytes is not None:
            self._lost_read += max(0, self._read - raw.read_bytes)
            self._read = raw.read_bytes
        if raw.write_bytes is not None:
            self._lost_written += max(0, self._written - raw.write_bytes)
            self._written = raw.write_bytes
        if not (self._lost_cpu_s or self._lost_read or self._lost_written):
            return raw
        return raw._replace(
            cpu_time_s=raw.cpu_time_s + self._lost_cpu_s,
            read_bytes=None if raw.read_bytes is None else raw.read_bytes + self._lost_read,
            write_bytes=None if raw.write_bytes is None else raw.write_bytes + self._lost_written,
        )


def cpu_percent(before: CpuTimes, now: CpuTimes) -> float | None:
    """Give the share of busy time between two readings, 0 to 100; `None` when the counters have not moved."""
    total = now.total_s - before.total_s
    if total <= 0:
        return None
    return min(100.0, max(0.0, 100.0 * (now.busy_s - before.busy_s) / total))


class TreeProbe:
    """The probe of this machine. Not for use from two threads at once."""

    def __init__(self, reader: TreeReader) -> None:
        self._reader = reader
        self._roots: Mapping[str, ProcessId] = {}
        self._ledgers: Mapping[str, Ledger] = {}
        self._cpu = reader.host().cpu
        self._cpu_pct = 0.0

    def close(self) -> None:
        """Let go of what is kept open between readings."""
        self._reader.close()

    def blocks(self, roots: Mapping[str, ProcessId]) -> bool:
        return self._reader.blocks(roots)

    def read(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        """Read every tree in one pass. A server whose tree could not be read whole is left out.

        `cpu_time_s` is user and system time in seconds of all live members and of the children they have collected,
        so that a child's share stays in the sum when it ends; see `Ledger`.
        """
        if roots != self._roots:
            kept = {i: ledger for i, ledger in self._ledgers.items() if roots.get(i) == self._roots[i]}
            self._ledgers = {i: kept.get(i) or Ledger() for i in roots}
            self._roots = dict(roots)
        return {i: self._ledgers[i].carry(raw) for i, raw in self._reader.read(roots).items()}

    def host(self) -> HostReading:
        """Read the machine's load since the reading before, or since the probe was made."""
        now = self._reader.host()
        percent = cpu_percent(self._cpu, now.cpu)
        if percent is not None:
            self._cpu, self._cpu_pct = now.cpu, percent
        return HostReading(self._cpu_pct, now.memory_total_bytes, now.memory_available_bytes)
