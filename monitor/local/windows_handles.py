"""Processes by their handles: who they are, whether they run, how they ended.

Sources: the Win32 pages on OpenProcess, GetProcessTimes, QueryFullProcessImageName, CreateToolhelp32Snapshot and
CreateProcess.
"""

from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("Windows only")

import _winapi
import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import wintypes
from typing import NamedTuple

from monitor.local.psutil_table import PsutilTable
from monitor.local.tree import Row
from monitor.local.windows_values import filetime
from monitor.model import ProcessId

SYNCHRONIZE = 0x00100000
TERMINATE = 0x0001
_QUERY_LIMITED_INFORMATION = 0x1000
_SNAP_PROCESS = 0x2
_LONGEST_PATH = 32_768
_CONSOLE_HOST = "conhost.exe"

kernel = ctypes.WinDLL("kernel32", use_last_error=True)
kernel.CreateEventW.restype = wintypes.HANDLE
kernel.CreateToolhelp32Snapshot.restype = wintypes.HANDLE


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


class Listed(NamedTuple):
    """A process as the system lists it."""

    pid: int
    ppid: int
    name: str


def listed() -> Iterator[Listed]:
    """Give every process, by one call of the system.

    The host of a program's console counts as the system's: it is a child of the program, and ends with it.
    """
    snapshot = wintypes.HANDLE(kernel.CreateToolhelp32Snapshot(_SNAP_PROCESS, 0))
    entry = _ProcessEntry(dwSize=ctypes.sizeof(_ProcessEntry))
    try:
        more = kernel.Process32FirstW(snapshot, ctypes.byref(entry))
        while more:
            if entry.szExeFile.lower() != _CONSOLE_HOST:
                yield Listed(entry.th32ProcessID, entry.th32ParentProcessID, entry.szExeFile)
            more = kernel.Process32NextW(snapshot, ctypes.byref(entry))
    finally:
        kernel.CloseHandle(snapshot)


def created(handle: int) -> int | None:
    """Give the creation FILETIME."""
    times = [wintypes.FILETIME() for _ in range(4)]
    if not kernel.GetProcessTimes(wintypes.HANDLE(handle), *(ctypes.byref(t) for t in times)):
        return None
    return filetime(times[0].dwLowDateTime, times[0].dwHighDateTime)


def open_identity(identity: ProcessId, access: int) -> int | None:
    """Open that very process; the handle goes on meaning it. `None` when it is gone or closed to us."""
    if identity.boot_id:  # one of another system
        return None
    handle = _open(identity.pid, access | _QUERY_LIMITED_INFORMATION)
    if handle is None:
        return None
    if created(handle) == identity.started:
        return handle
    _winapi.CloseHandle(handle)
    return None


def has_ended(handle: int) -> bool:
    """Tell whether the process of a handle opened with SYNCHRONIZE has ended."""
    return _winapi.WaitForSingleObject(handle, 0) == _winapi.WAIT_OBJECT_0


def image_of(pid: int) -> str | None:
    """Give the path of the file that a process runs; `None` when it is gone or closed to us."""
    with _opened(pid) as handle:
        if handle is None:
            return None
        path, size = ctypes.create_unicode_buffer(_LONGEST_PATH), wintypes.DWORD(_LONGEST_PATH)
        found = kernel.QueryFullProcessImageNameW(wintypes.HANDLE(handle), 0, path, ctypes.byref(size))
        return path.value if found else None


class WindowsTable(PsutilTable):
    """Who is running: identities by creation FILETIME, parents by one snapshot."""

    def identify(self, pid: int) -> ProcessId | None:
        with _opened(pid) as handle:
            started = None if handle is None else created(handle)
        return None if started is None else ProcessId(pid, started)

    def is_live(self, identity: ProcessId) -> bool:
        handle = open_identity(identity, SYNCHRONIZE)
        if handle is None:
            return False
        try:
            return not has_ended(handle)
        finally:
            _winapi.CloseHandle(handle)

    def rows(self, *, markers: bool, since: int = 0) -> list[Row]:
        return [
            Row(
                identity,
                process.ppid,
                None,
                self.marker_of(process.pid) if markers and identity.started >= since else None,
            )
            for process in listed()
            if (identity := self.identify(process.pid)) is not None
        ]


def _open(pid: int, access: int) -> int | None:
    try:
        return _winapi.OpenProcess(access, False, pid)  # noqa: FBT003 - takes no keywords
    except OSError:
        return None


@contextmanager
def _opened(pid: int) -> Iterator[int | None]:
    handle = _open(pid, _QUERY_LIMITED_INFORMATION)
    try:
        yield handle
    finally:
        if handle is not None:
            _winapi.CloseHandle(handle)
