"""Who is running, by `psutil`: for systems without `/proc`."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from pathlib import Path

import psutil

from monitor.local import neighbours
from monitor.local.environment import MARKER
from monitor.local.system import PortHolder
from monitor.local.tree import Row, Witness
from monitor.model import ExitStatus, ProcessId


class SilentWitness:
    """For systems that say nothing about memory."""

    def testimony(self, _: ExitStatus) -> str | None:
        return None

    def close(self) -> None:
        """Nothing is held."""


class PsutilTable:
    """Identities by creation time, in microseconds since the epoch."""

    def identify(self, pid: int) -> ProcessId | None:
        try:
            return ProcessId(pid, round(psutil.Process(pid).create_time() * 1e6))
        except psutil.Error:
            return None

    def is_live(self, identity: ProcessId) -> bool:
        try:
            zombie = psutil.Process(identity.pid).status() == psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False
        return not zombie and self.identify(identity.pid) == identity

    def rows(self, *, markers: bool, since: int = 0) -> list[Row]:
        del since  # one call reads everything
        wanted = ["ppid", "status", "environ"] if markers else ["ppid", "status"]
        return [
            Row(identity, found.info["ppid"], _session_of(found.pid), (found.info.get("environ") or {}).get(MARKER))
            for found in psutil.process_iter(wanted)
            if found.info["ppid"] is not None
            and found.info["status"] != psutil.STATUS_ZOMBIE
            and (identity := self.identify(found.pid)) is not None
        ]

    def boot_id(self) -> str:
        return ""

    def marker_of(self, pid: int) -> str | None:
        try:
            return psutil.Process(pid).environ().get(MARKER)
        except (psutil.Error, OSError):
            return None

    def port_holder(self, ports: Collection[int]) -> PortHolder | None:
        return neighbours.port_holder(ports)

    def twin(self, argv: tuple[str, ...], cwd: Path, ours: Collection[ProcessId]) -> str | None:
        return neighbours.twin(argv, cwd, ours, self)

    def witness(self, _: int) -> Witness:
        return SilentWitness()


def _session_of(pid: int) -> int | None:
    if sys.platform == "win32":
        return None
    try:
        return os.getsid(pid)
    except OSError:
        return None
