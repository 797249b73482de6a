"""A grip on one process on POSIX."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("POSIX only")

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import structlog

from monitor.errors import GameFault, GameUnavailable, NotSupported
from monitor.local import fifo
from monitor.local.console_line import refuse_unless_line
from monitor.local.exits import UNKNOWN, from_waitid
from monitor.local.records import RecordFile
from monitor.local.tree import ProcessTable, members
from monitor.model import ExitStatus, ProcessId

_KILL_LIMIT_S = 5.0
_KILL_PAUSE_S = 0.01
_NAMES = {"CTRL_C_EVENT": "SIGINT", "CTRL_BREAK_EVENT": "SIGINT"}
"""What a servers file written on Windows means here."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a process besides its identity."""

    marker: str | None = None
    console: Path | None = None
    """`None` when it was started by an earlier bot."""
    record: RecordFile | None = None
    """Where the end of this very process is written down."""


def signal_number(name: str) -> int:
    """Give the number of a signal by its name.

    Raises:
        ValueError: there is no such signal here.
    """
    try:
        return signal.Signals[_NAMES.get(name, name)].value
    except KeyError as error:
        raise ValueError(name) from error


class PosixHold:
    """A grip by pid and start time. Its watch is a thread that waits."""

    def __init__(self, identity: ProcessId, table: ProcessTable, kept: Kept, collect: Callable[[], None]) -> None:
        self.identity = identity
        self._table = table
        self._kept = kept
        self._collect = collect
        """Called once the process has ended."""
        self._witness = table.witness(identity.pid)
        self._status: ExitStatus | None = None
        self._denied: set[ProcessId] = set()
        """Whom the system did not let us signal."""

    def watch(self, loop: asyncio.AbstractEventLoop, ended: Callable[[ExitStatus], None]) -> None:
        self._in_thread(loop, ended, self._wait)

    def interrupt(self, signal_name: str) -> None:
        self._send(self.identity, signal_number(signal_name))

    def type_line(self, text: str) -> None:
        line = refuse_unless_line(text)
        if not self._table.is_live(self.identity):
            raise GameUnavailable(GameFault.CLOSED, "console")
        console = self._kept.console or fifo.standard_input(self.identity.pid)
        if console is None:
            raise NotSupported("console")
        fifo.write(console, line)

    def terminate_tree(self) -> None:
        self._send_all(self._members(), signal.SIGTERM)

    def kill_tree(self) -> None:
        self._denied.clear()
        deadline = time.monotonic() + _KILL_LIMIT_S
        left = self._members()
        while left:  # at least once, however long it took to find them
            self._send_all(left, signal.SIGKILL)
            time.sleep(_KILL_PAUSE_S)
            left = self._members() if time.monotonic() < deadline else []
        if self._denied:
            log.warning("not_ours_to_kill", pids=sorted(identity.pid for identity in self._denied))

    def out_of_memory(self) -> str | None:
        return None if self._status is None else self._witness.testimony(self._status)

    def close(self) -> None:
        """Let go. The thread, where there is one, ends with the process."""
        self._witness.close()

    def _members(self) -> list[ProcessId]:
        own = os.getpid()
        rows = self._table.rows(markers=True, since=self.identity.started)
        return [member for member in members(self.identity, self._kept.marker, rows) if member.pid != own]

    def _send_all(self, identities: Iterable[ProcessId], number: int) -> None:
        """Signal each of them that we may: one that runs as somebody else, by sudo perhaps, spares no other."""
        for identity in identities:
            try:
                self._send(identity, number)
            except PermissionError:
                self._denied.add(identity)

    def _send(self, identity: ProcessId, number: int) -> None:
        if self._table.identify(identity.pid) != identity:
            return
        with suppress(ProcessLookupError):
            os.kill(identity.pid, number)

    def _in_thread(
        self,
        loop: asyncio.AbstractEventLoop,
        ended: Callable[[ExitStatus], None],
        wait: Callable[[], ExitStatus],
    ) -> None:
        def run() -> None:
            status = self._over(wait())
            with suppress(RuntimeError):  # the loop closed before the process ended
                loop.call_soon_threadsafe(ended, status)

        threading.Thread(target=run, name=f"exit-of-{self.identity.pid}", daemon=True).start()

    def _over(self, status: ExitStatus) -> ExitStatus:
        self._status = status
        self._collect()
        return status

    def _recorded(self) -> ExitStatus:
        """Give what the recorder wrote down, which it does a moment after the end. Blocking."""
        return UNKNOWN if self._kept.record is None else self._kept.record.wait_for_end() or UNKNOWN

    def _wait(self) -> ExitStatus:
        try:
            result = os.waitid(os.P_PID, self.identity.pid, os.WEXITED)
        except ChildProcessError:
            return self._wait_for_stranger()
        return UNKNOWN if result is None else from_waitid(result.si_code, result.si_status)

    def _wait_for_stranger(self) -> ExitStatus:
        with suppress(psutil.Error):
            process = psutil.Process(self.identity.pid)
            if self._table.is_live(self.identity):
                process.wait()
        return self._recorded()
