"""Linux: reads process trees straight from `/proc`. Why so is in `docs/decisions/0005-sampling.md`."""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from monitor.local import procfs
from monitor.local.kept_files import KeptFiles
from monitor.local.probe import CpuTimes, HostCounters
from monitor.local.proc_search import StraySearch
from monitor.local.proc_tree import TICKS_PER_S, Children, Member, ProcTree
from monitor.model import ProcessId, TreeReading

_LEISURE_S = 4.5
"""How often there is time for all that is not read at every tick: at every one of five seconds."""
_QUICK_PROCESSES = 150
"""What may be read on the event loop at once: about 10 µs each where the caches are cold."""


class ProcReader:
    """Keeps each tree's members and their open files from one reading to the next.

    At every tick only that is read which is needed at every tick. Every five seconds bytes are counted and the
    members that ended are made up for; children are looked for every ten seconds, and those that left their tree
    (daemons) are searched for every 30 s.

    Raises nothing: a tree that is gone or hidden from us is left out.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        files: KeptFiles | None = None,
        lists_children: bool | None = None,
    ) -> None:
        self._now = now
        self._files = KeptFiles() if files is None else files
        self._lists_children = _kernel_lists_children() if lists_children is None else lists_children
        self._trees: dict[str, ProcTree] = {}
        self._roots: Mapping[str, ProcessId] = {}
        """Those of the trees."""
        self._search = StraySearch(self._files)
        self._leisure_s = now()
        """When there is time again for all that is not read at every tick."""
        self._slow_s = self._leisure_s
        """When a reading next does more than read a handful of counters."""

    def blocks(self, roots: Mapping[str, ProcessId]) -> bool:
        """Whether the next reading does more than read a handful of counters."""
        return self._now() >= self._slow_s or roots != self._roots

    def read(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        now_s, at_leisure = self._now(), False
        if now_s >= self._slow_s or roots != self._roots:
            at_leisure = self._look_round(roots, now_s)
        at = _ticks_since_boot()
        readings = [(i, tree.read(at, with_io=at_leisure)) for i, tree in self._trees.items()]
        return {server_id: reading for server_id, reading in readings if reading is not None}

    def _look_round(self, roots: Mapping[str, ProcessId], now_s: float) -> bool:
        """Bring the trees up to date as far as it is time for that, and tell whether there is leisure for more."""
        begun = self._follow(roots, now_s)
        at_leisure = begun or now_s >= self._leisure_s
        self._walk(now_s, at_leisure=at_leisure)
        if at_leisure:
            self._leisure_s = now_s + _LEISURE_S
            self._search.run(self._trees.values(), now_s, afresh=begun)
        trees = self._trees.values()
        many = sum(len(tree.members) for tree in trees) > _QUICK_PROCESSES
        self._slow_s = -math.inf if many else min([self._leisure_s, *(tree.early_walk_s for tree in trees)])
        return at_leisure

    def host(self) -> HostCounters:
        """Read the machine's counters.

        Raises:
            OSError: `/proc` cannot be read.
        """
        busy, total = procfs.parse_cpu(self._files.read(f"{procfs.PROC}/stat"))
        memory = procfs.parse_memory(self._files.read(f"{procfs.PROC}/meminfo"))
        return HostCounters(CpuTimes(busy / TICKS_PER_S, total / TICKS_PER_S), *memory)

    def close(self) -> None:
        """Close every file. The next reading begins anew."""
        self._trees.clear()
        self._roots = {}
        self._files.close()

    def _follow(self, roots: Mapping[str, ProcessId], now_s: float) -> bool:
        """Drop the trees that nobody asks for any more, begin those that are new, and tell whether there were any."""
        if roots == self._roots:
            return False
        for server_id, tree in list(self._trees.items()):
            if roots.get(server_id) != tree.root:
                self._trees.pop(server_id).close()
        new = [(i, root) for i, root in roots.items() if i not in self._trees and procfs.identify(root.pid) == root]
        for server_id, root in new:
            marker = procfs.marker_of(root.pid)
            self._trees[server_id] = ProcTree(root, marker, self._files, now_s)
        self._roots = {server_id: tree.root for server_id, tree in self._trees.items()}
        return bool(new)

    def _walk(self, now_s: float, *, at_leisure: bool) -> None:
        due = [tree for tree in self._trees.values() if tree.walk_due(now_s, at_leisure=at_leisure)]
        if not due:
            return
        children = self._listed_children if self._lists_children else scanned_children()
        for tree in due:
            tree.walk(children, now_s)

    def _listed_children(self, member: Member) -> list[int]:
        """Ask the kernel for the children of each thread."""
        if member.usage.threads == 1:
            return [int(child) for child in self._files.read(member.children_path).split()]
        tasks = f"{procfs.PROC}/{member.pid}/task"
        threads = self._files.names(tasks)
        return [int(child) for tid in threads for child in self._files.peek(f"{tasks}/{tid}/children").split()]


def scanned_children() -> Children:
    """Read everybody's parent once, and answer from that: for kernels without `/proc/PID/task/TID/children`."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for stat in procfs.all_stats():
        children[stat.ppid].append(stat.pid)
    return lambda member: children.get(member.pid, [])


def _ticks_since_boot() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) * TICKS_PER_S // 1_000_000_000


def _kernel_lists_children() -> bool:
    return (procfs.PROC / "thread-self/children").exists()
