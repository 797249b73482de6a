"""Finds the processes of a server that left its tree: daemons, and whatever lost its parent, on Linux."""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import contextlib
import os
from collections.abc import Collection

from monitor.local import procfs
from monitor.local.kept_files import KeptFiles
from monitor.local.proc_tree import ProcTree

_EVERY_S = 29.0
_EVERYBODY_S = 299.0
_FEW = 300
"""So many numbers are tried one by one: that takes as long as a list of some 600 processes."""
_NUMBERS = 1 << 22
"""The most that there are of processes and threads, on any machine."""


class StraySearch:
    """Looks now and then for strays among those that are new on the machine.

    Who is a stranger once stays one: whoever belongs to a server was born in its tree. Numbers are given out in a
    circle, so those that are new bear the ones after the last that was given out before. But a number can be asked
    for, and a container may be told of others than its own, so everybody is looked at every five minutes.
    """

    def __init__(self, files: KeptFiles) -> None:
        self._files = files
        self._searched_s = self._saw_everybody_s = -_EVERYBODY_S
        self._newest = 0

    def run(self, trees: Collection[ProcTree], now_s: float, *, afresh: bool) -> None:
        """Take the strays of all trees into them, where it is time for that.

        It is as soon as a member ended, as one does whose child is to be a daemon. `afresh`: it is time in any case,
        and for everybody: the trees are not those that they were.
        """
        lost = any(tree.lost_members for tree in trees)
        if not (afresh or lost or now_s - self._searched_s >= _EVERY_S):
            return
        self._searched_s = now_s
        for tree in trees:
            tree.searched()
        everybody = afresh or now_s - self._saw_everybody_s >= _EVERYBODY_S
        try:
            pids = self._pids(everybody=everybody)
        except OSError:
            return
        if everybody:
            self._saw_everybody_s = now_s
        ours = {member.pid for tree in trees for member in tree.members} | {os.getpid()}
        for pid in pids:
            home = None if pid in ours else self._tree_of(pid, trees)
            if home is not None:
                self._admit(pid, home)

    def _pids(self, *, everybody: bool) -> list[int]:
        """Give everybody's, or only those of who is new since this was asked before."""
        newest = procfs.parse_newest(self._files.peek(f"{procfs.PROC}/loadavg"))
        since = self._newest
        given_out = (newest - since) % _NUMBERS
        if not everybody and given_out <= _FEW and procfs.ran_ns(os.getpid()) is not None:
            pids = [pid for pid in range(since + 1, newest + 1) if procfs.ran_ns(pid) is not None]
        else:
            pids = [int(name) for name in self._files.names(str(procfs.PROC)) if name.isdigit()]
        self._newest = newest
        return pids if everybody else [pid for pid in pids if (pid - since - 1) % _NUMBERS < given_out]

    @staticmethod
    def _admit(pid: int, home: ProcTree) -> None:
        with contextlib.suppress(OSError):
            home.admit(pid)

    def _tree_of(self, pid: int, trees: Collection[ProcTree]) -> ProcTree | None:
        try:
            session = os.getsid(pid)
            for tree in trees:
                if tree.root.pid == session:
                    return tree
            marker = procfs.parse_marker(self._files.peek(f"{procfs.PROC}/{pid}/environ"))
        except OSError:
            return None
        return next((tree for tree in trees if marker is not None and tree.marker == marker), None)
