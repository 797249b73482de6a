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
_FORGET_S = 299.0


class StraySearch:
    """Goes through everybody now and then, but looks closely only at those it has not seen before.

    A process that was a stranger stays one: whoever belongs to a server was born in its tree. A stranger's pid may
    be given to another process, though, so strangers are looked at again every five minutes.
    """

    def __init__(self, files: KeptFiles) -> None:
        self._files = files
        self._searched_s = self._forgot_s = -_FORGET_S
        self._strangers: frozenset[int] = frozenset()

    def run(self, trees: Collection[ProcTree], now_s: float, *, afresh: bool) -> None:
        """Take the strays of all trees into them, where it is time for that.

        It is as soon as a member ended, as one does whose child is to be a daemon. `afresh`: it is time in any case,
        and nobody counts as a stranger yet.
        """
        lost = any(tree.lost_members for tree in trees)
        if not (afresh or lost or now_s - self._searched_s >= _EVERY_S):
            return
        self._searched_s = now_s
        for tree in trees:
            tree.lost_members = False
        if afresh or now_s - self._forgot_s >= _FORGET_S:
            self._forgot_s, self._strangers = now_s, frozenset()
        try:
            pids = frozenset(int(name) for name in self._files.names(str(procfs.PROC)) if name.isdigit())
        except OSError:
            return
        ours = {member.pid for tree in trees for member in tree.members} | {os.getpid()}
        for pid in pids - self._strangers - ours:
            home = self._tree_of(pid, trees)
            if home is not None:
                self._admit(pid, home)
        self._strangers = pids - ours

    @staticmethod
    def _admit(pid: int, home: ProcTree) -> None:
        with contextlib.suppress(OSError):
            home.admit(pid)

    def _tree_of(self, pid: int, trees: Collection[ProcTree]) -> ProcTree | None:
        folder = f"{procfs.PROC}/{pid}"
        try:
            session = procfs.parse_stat(self._files.peek(f"{folder}/stat").decode("utf-8", "replace")).session
            for tree in trees:
                if tree.root.pid == session:
                    return tree
            marker = procfs.parse_marker(self._files.peek(f"{folder}/environ"))
        except OSError:
            return None
        return next((tree for tree in trees if marker is not None and tree.marker == marker), None)
