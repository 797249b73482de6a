"""A grip on a Windows process.

Sources: the Win32 pages on WaitForMultipleObjects, GetExitCodeProcess, TerminateProcess, AttachConsole and
GenerateConsoleCtrlEvent.
"""

from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("Windows only")

import _winapi
import asyncio
import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable
from ctypes import wintypes

import structlog

from monitor.errors import NotSupported
from monitor.local import windows_memory
from monitor.local.tree import members
from monitor.local.windows_handles import TERMINATE, WindowsTable, kernel, open_identity
from monitor.local.windows_values import console_event, exit_status
from monitor.model import ExitStatus, ProcessId

_ENDED_BY_US = 1
_KILL_LIMIT_S = 5.0
_KILL_PAUSE_S = 0.01
_CONSOLE_LIMIT_S = 10.0

log = structlog.get_logger(__name__)

_SEND_EVENT = """
import ctypes, sys
kernel = ctypes.WinDLL("kernel32", use_last_error=True)
kernel.FreeConsole()
if kernel.AttachConsole(int(sys.argv[1])):
    kernel.SetConsoleCtrlHandler(None, True)
    kernel.GenerateConsoleCtrlEvent(int(sys.argv[2]), 0)
"""
"""A process can be attached to one console only, so one that is not the bot goes to the server's."""


class WindowsHold:
    """A grip by a process handle, which also tells the exit code whoever the parent is."""

    def __init__(self, identity: ProcessId, table: WindowsTable, handle: int, marker: str | None) -> None:
        self.identity = identity
        self._table = table
        self._marker = marker
        self._handle = handle
        self._closing = kernel.CreateEventW(None, True, False, None)  # noqa: FBT003 - takes no keywords
        self._watcher: threading.Thread | None = None

    def watch(self, loop: asyncio.AbstractEventLoop, ended: Callable[[ExitStatus], None]) -> None:
        def wait() -> None:
            first = _winapi.WaitForMultipleObjects([self._handle, self._closing], False, _winapi.INFINITE)  # noqa: FBT003
            if first == _winapi.WAIT_OBJECT_0:
                status = exit_status(_winapi.GetExitCodeProcess(self._handle))
                with contextlib.suppress(RuntimeError):  # the loop closed before the process ended
                    loop.call_soon_threadsafe(ended, status)

        self._watcher = threading.Thread(target=wait, name=f"exit-of-{self.identity.pid}", daemon=True)
        self._watcher.start()

    def interrupt(self, signal_name: str) -> None:
        """Send Ctrl+C or Ctrl+Break to its console, which is its own; what it started in that console gets it too."""
        event = console_event(signal_name)
        if not self._table.is_live(self.identity):
            return
        python = getattr(sys, "_base_executable", sys.executable)
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(  # noqa: S603 - our own script
                [python, "-I", "-S", "-c", _SEND_EVENT, str(self.identity.pid), str(event)],
                creationflags=subprocess.DETACHED_PROCESS,
                timeout=_CONSOLE_LIMIT_S,
                check=False,
            )

    def type_line(self, text: str) -> None:  # noqa: ARG002 - there is nowhere to type it
        """Refuse: what it could read lines from, a pipe or a pseudoconsole of ours, would end with the bot."""
        raise NotSupported("console")

    def terminate_tree(self) -> None:
        for member in self._members():
            _end(member)

    def kill_tree(self) -> None:
        deadline = time.monotonic() + _KILL_LIMIT_S
        left, over = self._members(), False
        while left and not over:  # at least once, however long it took to find them
            for member in left:
                _end(member)
            time.sleep(_KILL_PAUSE_S)
            over = time.monotonic() >= deadline
            left = self._members()
        if left:  # such as one that runs elevated, where the bot does not
            log.warning("not_ours_to_kill", pids=sorted(member.pid for member in left))

    def out_of_memory(self) -> str | None:
        return None if self._table.is_live(self.identity) else windows_memory.evidence_on(self.identity.pid)

    def close(self) -> None:
        handle, self._handle = self._handle, 0
        if not handle:
            return
        kernel.SetEvent(wintypes.HANDLE(self._closing))
        if self._watcher is not None:
            self._watcher.join()
        kernel.CloseHandle(wintypes.HANDLE(self._closing))
        _winapi.CloseHandle(handle)

    def _members(self) -> list[ProcessId]:
        own = os.getpid()
        found = members(self.identity, self._marker, self._table.rows(markers=True))
        return [member for member in found if member.pid != own and self._table.is_live(member)]


def _end(identity: ProcessId) -> None:
    handle = open_identity(identity, TERMINATE)
    if handle is None:
        return
    try:
        _winapi.TerminateProcess(handle, _ENDED_BY_US)
    except OSError:  # it is ending already
        return
    finally:
        _winapi.CloseHandle(handle)
