"""Windows: starting, holding and finding processes by handles.

Sources: the Win32 pages on CreateProcess and its creation flags, GetProcessTimes, WaitForMultipleObjects,
GenerateConsoleCtrlEvent and SetErrorMode.

A server gets a console of its own, without a window: closing the bot's terminal does not close it, and Ctrl+C and
Ctrl+Break can be sent to it alone. It gets no process group of its own, for that would switch its Ctrl+C off.
"""

from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("Windows only")

import _winapi
import asyncio
import contextlib
import ctypes
import msvcrt
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from ctypes import wintypes
from pathlib import Path

from monitor.local.psutil_table import PsutilTable
from monitor.local.system import Hold
from monitor.local.tree import Row, marked_root, members
from monitor.model import ExitStatus, ProcessId

_SYNCHRONIZE = 0x00100000
_QUERY_LIMITED_INFORMATION = 0x1000
_TERMINATE = 0x0001
_FILE_APPEND_DATA = 0x0004
_SHARE_ALL = 0x1 | 0x2 | 0x4
_OPEN_ALWAYS = 4
_SNAP_PROCESS = 0x2
_NO_DIALOGS = 0x0001 | 0x0002 | 0x8000
"""SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SEM_NOOPENFILEERRORBOX; inherited by what is started."""
_FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.NORMAL_PRIORITY_CLASS
_BREAKAWAY = subprocess.CREATE_BREAKAWAY_FROM_JOB
_CONSOLE_HOST = "conhost.exe"
_ENDED_BY_US = 1
_KILL_LIMIT_S = 5.0
_KILL_PAUSE_S = 0.01
_CONSOLE_LIMIT_S = 10.0
_EVENTS = {"SIGINT": 0, "CTRL_C_EVENT": 0, "SIGTERM": 1, "SIGBREAK": 1, "CTRL_BREAK_EVENT": 1}

_SEND_EVENT = """
import ctypes, sys
kernel = ctypes.WinDLL("kernel32", use_last_error=True)
kernel.FreeConsole()
if kernel.AttachConsole(int(sys.argv[1])):
    kernel.SetConsoleCtrlHandler(None, True)
    kernel.GenerateConsoleCtrlEvent(int(sys.argv[2]), 0)
"""
"""A process can be attached to one console only, so one that is not the bot goes to the server's."""

_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.CreateEventW.restype = wintypes.HANDLE
_kernel.CreateToolhelp32Snapshot.restype = wintypes.HANDLE


class _ProcessEntry(ctypes.Structure):
    """`PROCESSENTRY32W` of tlhelp32.h."""

    _fields_ = (
        ("dwSize", wintypes.DWORD),
        ("cntUsage", wintypes.DWORD),
        ("th32ProcessID", wintypes.DWORD),
        ("th32DefaultHeapID", ctypes.c_size_t),
        ("th32ModuleID", wintypes.DWORD),
        ("cntThreads", wintypes.DWORD),
        ("th32ParentProcessID", wintypes.DWORD),
        ("pcPriClassBase", wintypes.LONG),
        ("dwFlags", wintypes.DWORD),
        ("szExeFile", wintypes.WCHAR * 260),
    )


def _parents() -> Iterator[tuple[int, int]]:
    """Give pid and parent's pid of every process, by one call of the system.

    The host of a program's console counts as the system's: it is a child of the program, and ends with it.
    """
    snapshot = wintypes.HANDLE(_kernel.CreateToolhelp32Snapshot(_SNAP_PROCESS, 0))
    entry = _ProcessEntry(dwSize=ctypes.sizeof(_ProcessEntry))
    try:
        more = _kernel.Process32FirstW(snapshot, ctypes.byref(entry))
        while more:
            if entry.szExeFile.lower() != _CONSOLE_HOST:
                yield entry.th32ProcessID, entry.th32ParentProcessID
            more = _kernel.Process32NextW(snapshot, ctypes.byref(entry))
    finally:
        _kernel.CloseHandle(snapshot)


def _open(pid: int, access: int) -> int | None:
    try:
        return _winapi.OpenProcess(access, False, pid)  # noqa: FBT003 - takes no keywords
    except OSError:
        return None


def _created(handle: int) -> int | None:
    """Give the creation FILETIME: units of 100 ns since 1601."""
    times = [wintypes.FILETIME() for _ in range(4)]
    if not _kernel.GetProcessTimes(wintypes.HANDLE(handle), *(ctypes.byref(t) for t in times)):
        return None
    return (times[0].dwHighDateTime << 32) | times[0].dwLowDateTime


def _open_identity(identity: ProcessId, access: int) -> int | None:
    """Open that very process; the handle goes on meaning it. `None` when it is gone or closed to us."""
    if identity.boot_id:  # one of another system
        return None
    handle = _open(identity.pid, access | _QUERY_LIMITED_INFORMATION)
    if handle is None:
        return None
    if _created(handle) == identity.started:
        return handle
    _winapi.CloseHandle(handle)
    return None


def _has_ended(handle: int) -> bool:
    return _winapi.WaitForSingleObject(handle, 0) == _winapi.WAIT_OBJECT_0


class WindowsTable(PsutilTable):
    """Who is running: identities by creation FILETIME, parents by one snapshot."""

    def identify(self, pid: int) -> ProcessId | None:
        handle = _open(pid, _QUERY_LIMITED_INFORMATION)
        if handle is None:
            return None
        try:
            started = _created(handle)
        finally:
            _winapi.CloseHandle(handle)
        return None if started is None else ProcessId(pid, started)

    def is_live(self, identity: ProcessId) -> bool:
        handle = _open_identity(identity, _SYNCHRONIZE)
        if handle is None:
            return False
        try:
            return not _has_ended(handle)
        finally:
            _winapi.CloseHandle(handle)

    def rows(self, *, markers: bool) -> list[Row]:
        return [
            Row(identity, ppid, None, self.marker_of(pid) if markers else None)
            for pid, ppid in _parents()
            if (identity := self.identify(pid)) is not None
        ]


class WindowsHold:
    """A grip by a process handle, which also tells the exit code whoever the parent is."""

    def __init__(self, identity: ProcessId, table: WindowsTable, handle: int) -> None:
        self.identity = identity
        self._table = table
        self._marker = table.marker_of(identity.pid)
        self._handle = handle
        self._closing = _kernel.CreateEventW(None, True, False, None)  # noqa: FBT003 - takes no keywords
        self._watcher: threading.Thread | None = None

    def watch(self, loop: asyncio.AbstractEventLoop, ended: Callable[[ExitStatus], None]) -> None:
        def wait() -> None:
            first = _winapi.WaitForMultipleObjects([self._handle, self._closing], False, _winapi.INFINITE)  # noqa: FBT003
            if first == _winapi.WAIT_OBJECT_0:
                status = ExitStatus(code=_winapi.GetExitCodeProcess(self._handle) & 0xFFFFFFFF)
                with contextlib.suppress(RuntimeError):  # the loop closed before the process ended
                    loop.call_soon_threadsafe(ended, status)

        self._watcher = threading.Thread(target=wait, name=f"exit-of-{self.identity.pid}", daemon=True)
        self._watcher.start()

    def interrupt(self, signal_name: str) -> None:
        if signal_name not in _EVENTS:
            raise ValueError(signal_name)
        if not self._table.is_live(self.identity):
            return
        python = getattr(sys, "_base_executable", sys.executable)
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(  # noqa: S603 - our own script
                [python, "-I", "-c", _SEND_EVENT, str(self.identity.pid), str(_EVENTS[signal_name])],
                creationflags=subprocess.DETACHED_PROCESS,
                timeout=_CONSOLE_LIMIT_S,
                check=False,
            )

    def terminate_tree(self) -> None:
        for member in self._members():
            self._end(member)

    def kill_tree(self) -> None:
        deadline = time.monotonic() + _KILL_LIMIT_S
        while (left := self._members()) and time.monotonic() < deadline:
            for member in left:
                self._end(member)
            time.sleep(_KILL_PAUSE_S)

    def close(self) -> None:
        handle, self._handle = self._handle, 0
        if not handle:
            return
        _kernel.SetEvent(wintypes.HANDLE(self._closing))
        if self._watcher is not None:
            self._watcher.join()
        _kernel.CloseHandle(wintypes.HANDLE(self._closing))
        _winapi.CloseHandle(handle)

    def _members(self) -> list[ProcessId]:
        own = os.getpid()
        found = members(self.identity, self._marker, self._table.rows(markers=True))
        return [member for member in found if member.pid != own and self._table.is_live(member)]

    def _end(self, identity: ProcessId) -> None:
        handle = _open_identity(identity, _TERMINATE)
        if handle is None:
            return
        try:
            _winapi.TerminateProcess(handle, _ENDED_BY_US)
        except OSError:
            return
        finally:
            _winapi.CloseHandle(handle)


class WindowsSystem:
    """A Windows machine."""

    def __init__(self) -> None:
        self._table = WindowsTable()
        _kernel.SetErrorMode(_kernel.GetErrorMode() | _NO_DIALOGS)

    def spawn(self, argv: tuple[str, ...], cwd: Path, env: Mapping[str, str], log: int) -> Hold:
        try:
            child = _start(argv, cwd, env, log, _FLAGS | _BREAKAWAY)
        except PermissionError:  # the job we are in lets nobody leave
            child = _start(argv, cwd, env, log, _FLAGS)
        identity = self._table.identify(child.pid)
        hold = None if identity is None else self._hold(identity)
        if hold is None:
            child.kill()
            child.wait()
            raise ProcessLookupError(child.pid)
        # The hold watches the child from here on; subprocess must not complain that nobody does.
        child.returncode = 0
        return hold

    def open_log(self, path: Path) -> int:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _winapi.CreateFile(
            str(path), _FILE_APPEND_DATA | _SYNCHRONIZE, _SHARE_ALL, _winapi.NULL, _OPEN_ALWAYS, 0, _winapi.NULL
        )
        return msvcrt.open_osfhandle(handle, os.O_APPEND)

    def hold(self, identity: ProcessId) -> Hold | None:
        return self._hold(identity) if self._table.is_live(identity) else None

    def find(self, marker: str) -> ProcessId | None:
        live = [row for row in self._table.rows(markers=True) if self._table.is_live(row.identity)]
        return marked_root(marker, live)

    def boot_id(self) -> str:
        return ""

    def _hold(self, identity: ProcessId) -> Hold | None:
        handle = _open_identity(identity, _SYNCHRONIZE)
        return None if handle is None else WindowsHold(identity, self._table, handle)


def _start(argv: tuple[str, ...], cwd: Path, env: Mapping[str, str], log: int, flags: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - argv comes from the owner's servers file, and no shell reads it
        argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, creationflags=flags
    )
