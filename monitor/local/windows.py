"""Windows: starting and finding processes.

Sources: the Win32 pages on CreateProcess, its creation flags and attribute list, on SetProcessAffinityMask,
SetErrorMode and SetConsoleCtrlHandler.

A server gets a console of its own, without a window: closing the bot's terminal does not close it, and Ctrl+C and
Ctrl+Break can be sent to it alone. It gets no process group of its own, for that would switch its Ctrl+C off.
"""

from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("Windows only")

import _winapi
import ctypes
import msvcrt
import os
import subprocess
from collections.abc import Collection
from ctypes import wintypes
from pathlib import Path

import psutil

from monitor.errors import LaunchFault, LaunchRefused
from monitor.local import neighbours
from monitor.local.system import Hold, PortHolder, Start
from monitor.local.tree import marked_root
from monitor.local.windows_handles import (
    SYNCHRONIZE,
    WindowsTable,
    created,
    image_of,
    kernel,
    listed,
    open_identity,
)
from monitor.local.windows_hold import WindowsHold
from monitor.local.windows_values import affinity_mask, command_line, environment, priority_class, unfit_argument
from monitor.model import ExitStatus, ProcessId
from monitor.spec import Priority

_FILE_APPEND_DATA = 0x0004
_SHARE_ALL = 0x1 | 0x2 | 0x4
_OPEN_ALWAYS = 4
_NO_DIALOGS = 0x0001 | 0x0002 | 0x8000
"""SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SEM_NOOPENFILEERRORBOX; inherited by what is started."""
_SUSPENDED = 0x4
_ENDED_BY_US = 1


class WindowsSystem:
    """A Windows machine."""

    def __init__(self) -> None:
        self._table = WindowsTable()
        kernel.SetErrorMode(kernel.GetErrorMode() | _NO_DIALOGS)
        # Whoever started the bot may have switched Ctrl+C off in it, and what it starts would inherit that.
        kernel.SetConsoleCtrlHandler(None, False)  # noqa: FBT003 - takes no keywords

    def prepare(self) -> None:
        """There is nothing to be spared."""

    def close(self) -> None:
        """Nothing was prepared."""

    def spawn(self, start: Start) -> Hold:
        """Start it.

        It waits only where its share of the machine is not the usual one, and has to be set before it runs: a bot
        that dies meanwhile leaves one behind that waits for ever.

        Raises:
            LaunchRefused: a batch file would not get an argument as it is.
        """
        unfit = unfit_argument(start.argv)
        if unfit is not None:
            raise LaunchRefused(start.server_id, LaunchFault.BAD_ARGUMENT, f"argv[{unfit}]")
        process, thread, pid = _create(start)
        try:
            started = created(process)
            if started is None:
                raise ctypes.WinError(ctypes.get_last_error())
            if _waits(start):
                _give_share(process, start)
                if kernel.ResumeThread(wintypes.HANDLE(thread)) < 0:
                    raise ctypes.WinError(ctypes.get_last_error())
        except OSError:
            _winapi.TerminateProcess(process, _ENDED_BY_US)
            _winapi.CloseHandle(process)
            raise
        finally:
            _winapi.CloseHandle(thread)
        return WindowsHold(ProcessId(pid, started), self._table, process, start.marker)

    def port_holder(self, ports: Collection[int]) -> PortHolder | None:
        return neighbours.port_holder(ports)

    def twin(self, argv: tuple[str, ...], cwd: Path, ours: Collection[ProcessId]) -> str | None:
        for process in listed():
            if _is_twin(process.pid, argv, cwd):
                identity = self._table.identify(process.pid)
                if identity is not None and identity not in ours:
                    return f"{process.name}, pid {process.pid}"
        return None

    def open_log(self, path: Path) -> int:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _winapi.CreateFile(
            str(path), _FILE_APPEND_DATA | SYNCHRONIZE, _SHARE_ALL, _winapi.NULL, _OPEN_ALWAYS, 0, _winapi.NULL
        )
        return msvcrt.open_osfhandle(handle, os.O_APPEND)

    def hold(self, identity: ProcessId) -> Hold | None:
        handle = open_identity(identity, SYNCHRONIZE) if self._table.is_live(identity) else None
        if handle is None:
            return None
        return WindowsHold(identity, self._table, handle, self._table.marker_of(identity.pid))

    def find(self, marker: str) -> Hold | None:
        live = [row for row in self._table.rows(markers=True) if self._table.is_live(row.identity)]
        found = marked_root(marker, live)
        return None if found is None else self.hold(found)

    def ended(self, marker: str) -> ExitStatus | None:  # noqa: ARG002 - whoever asks
        """Nobody writes it down: an exit code is told to who holds a handle, and in the bot's absence nobody does."""
        return None

    def boot_id(self) -> str:
        return ""


def _create(start: Start) -> tuple[int, int, int]:
    """Give handles of the new process and its first thread, and the pid."""
    flags = subprocess.CREATE_NO_WINDOW | priority_class(start.priority) | (_SUSPENDED if _waits(start) else 0)
    try:
        return _create_process(start, flags | subprocess.CREATE_BREAKAWAY_FROM_JOB)
    except PermissionError:  # the job we are in lets nobody leave
        return _create_process(start, flags)


def _create_process(start: Start, flags: int) -> tuple[int, int, int]:
    """Start it with three standard handles and nothing else of ours."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        for descriptor in (nothing, start.output):
            os.set_inheritable(descriptor, True)  # noqa: FBT003 - takes no keywords
        source, output = msvcrt.get_osfhandle(nothing), msvcrt.get_osfhandle(start.output)
        startup = subprocess.STARTUPINFO(
            dwFlags=subprocess.STARTF_USESTDHANDLES,
            hStdInput=source,
            hStdOutput=output,
            hStdError=output,
            lpAttributeList={"handle_list": [source, output]},
        )
        process, thread, pid, _ = _winapi.CreateProcess(
            None,
            command_line(start.argv),
            None,
            None,
            True,  # noqa: FBT003 - takes no keywords; it means the two handles of the list
            flags,
            environment(start.env),
            str(start.cwd),
            startup,
        )
    finally:
        os.close(nothing)
    return process, thread, pid


def _waits(start: Start) -> bool:
    return bool(start.cpus) or start.priority is not Priority.NORMAL


def _give_share(process: int, start: Start) -> None:
    handle, mask = wintypes.HANDLE(process), ctypes.c_size_t(affinity_mask(start.cpus))
    if not kernel.SetPriorityClass(handle, priority_class(start.priority)):
        raise ctypes.WinError(ctypes.get_last_error())
    if start.cpus and not kernel.SetProcessAffinityMask(handle, mask):
        raise ctypes.WinError(ctypes.get_last_error())


def _is_twin(pid: int, argv: tuple[str, ...], cwd: Path) -> bool:
    try:
        process = psutil.Process(pid)
        return Path(process.cwd()).samefile(cwd) and neighbours.same_program(
            process.cmdline(), image_of(pid), argv, cwd
        )
    except (psutil.Error, OSError):  # not ours to look at
        return False
