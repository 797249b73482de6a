"""How much memory a process and its descendants hold now. For rare questions: samples are taken by the probe."""

from __future__ import annotations

import psutil

from monitor.model import ProcessId


def tree_memory_bytes(identity: ProcessId) -> int | None:
    """Add up the resident memory of the tree under this pid; `None` where its root cannot be read. Blocking."""
    try:
        root = psutil.Process(identity.pid)
        held = int(root.memory_info().rss)
        return held + sum(_held(child) for child in root.children(recursive=True))
    except psutil.Error:
        return None


def _held(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
