"""Starting, holding and finding processes on POSIX: Linux at its best, the rest by `psutil`."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("POSIX only")

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from monitor.local.exits import UNKNOWN, from_waitid
from monitor.local.system import Hold
from monitor.local.tree import ProcessTable, marked_root, members
from monitor.model import ExitStatus, ProcessId

_KILL_LIMIT_S = 5.0
_KILL_PAUSE_S = 0.01
_LOG_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_NAMES = {"CTRL_C_EVENT": "SIGINT", "CTRL_BREAK_EVENT": "SIGINT"}
"""What a servers file written on Windows means here."""


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

    def __init__(self, identity: ProcessId, table: ProcessTable) -> None:
        self.identity = identity
        self._table = table
        self._marker = table.marker_of(identity.pid)

    def watch(self, loop: asyncio.AbstractEventLoop, ended: Callable[[ExitStatus], None]) -> None:
        def wait() -> None:
            status = self._wait()
            with contextlib.suppress(RuntimeError):  # the loop closed before the process ended
                loop.call_soon_threadsafe(ended, status)

        threading.Thread(target=wait, name=f"exit-of-{self.identity.pid}", daemon=True).start()

    def interrupt(self, signal_name: str) -> None:
        self._send(self.identity, signal_number(signal_name))

    def terminate_tree(self) -> None:
        for member in self._members():
            self._send(member, signal.SIGTERM)

    def kill_tree(self) -> None:
        deadline = time.monotonic() + _KILL_LIMIT_S
        while (left := self._members()) and time.monotonic() < deadline:
            for member in left:
                self._send(member, signal.SIGKILL)
            time.sleep(_KILL_PAUSE_S)

    def close(self) -> None:
        """Nothing is lent: the thread ends with the process."""

    def _members(self) -> list[ProcessId]:
        own = os.getpid()
        rows = self._table.rows(markers=True)
        return [member for member in members(self.identity, self._marker, rows) if member.pid != own]

    def _send(self, identity: ProcessId, number: int) -> None:
        if self._table.identify(identity.pid) != identity:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, number)

    def _wait(self) -> ExitStatus:
        try:
            result = os.waitid(os.P_PID, self.identity.pid, os.WEXITED)
        except ChildProcessError:
            return self._wait_for_stranger()
        return UNKNOWN if result is None else from_waitid(result.si_code, result.si_status)

    def _wait_for_stranger(self) -> ExitStatus:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.identity.pid)
            if self._table.is_live(self.identity):
                process.wait()
        return UNKNOWN


class PosixSystem:
    """A POSIX machine."""

    def __init__(self, table: ProcessTable) -> None:
        self._table = table

    def spawn(self, argv: tuple[str, ...], cwd: Path, env: Mapping[str, str], log: int) -> Hold:
        blocked = signal.pthread_sigmask(signal.SIG_SETMASK, ())  # a child inherits what its thread blocks
        try:
            child = subprocess.Popen(  # noqa: S603 - argv comes from the owner's servers file, and no shell reads it
                argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        identity = self._table.identify(child.pid)
        if identity is None:
            child.kill()
            child.wait()
            raise ProcessLookupError(child.pid)
        # The hold collects the child, so subprocess must neither do that too nor complain that nobody did.
        child.returncode = 0
        return self._hold(identity)

    def open_log(self, path: Path) -> int:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, _LOG_FLAGS, 0o600)

    def hold(self, identity: ProcessId) -> Hold | None:
        return self._hold(identity) if self._table.is_live(identity) else None

    def find(self, marker: str) -> ProcessId | None:
        return marked_root(marker, self._table.rows(markers=True))

    def boot_id(self) -> str:
        return self._table.boot_id()

    def _hold(self, identity: ProcessId) -> Hold:
        return PosixHold(identity, self._table)
