"""Whether a program can be started as described, found out before anything is started."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from monitor.errors import LaunchFault, LaunchRefused
from monitor.local import windows_values
from monitor.ports import LaunchRequest

_FAULTS = {
    errno.ENOENT: LaunchFault.NOT_FOUND,
    errno.ENOTDIR: LaunchFault.NOT_FOUND,
    errno.EACCES: LaunchFault.NOT_EXECUTABLE,
    errno.EPERM: LaunchFault.NOT_EXECUTABLE,
    errno.ENOEXEC: LaunchFault.NOT_EXECUTABLE,
    errno.EISDIR: LaunchFault.NOT_EXECUTABLE,
    errno.E2BIG: LaunchFault.BAD_ARGUMENT,
    errno.EINVAL: LaunchFault.BAD_ARGUMENT,
    errno.EAGAIN: LaunchFault.NO_RESOURCES,
    errno.ENOMEM: LaunchFault.NO_RESOURCES,
    errno.EMFILE: LaunchFault.NO_RESOURCES,
    errno.ENFILE: LaunchFault.NO_RESOURCES,
}
_WINDOWS_FAULTS = {
    87: LaunchFault.BAD_ARGUMENT,
    206: LaunchFault.OTHER,
    1450: LaunchFault.NO_RESOURCES,
    1455: LaunchFault.NO_RESOURCES,
}
"""ERROR_INVALID_PARAMETER, ERROR_FILENAME_EXCED_RANGE (which Python calls ENOENT), ERROR_NO_SYSTEM_RESOURCES,
ERROR_COMMITMENT_LIMIT.

Source: https://learn.microsoft.com/windows/win32/debug/system-error-codes
"""
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def fault_of(error: OSError) -> LaunchFault:
    """Name what the system said when it was asked to start a program.

    Python calls all EINVAL of which it knows nothing on Windows, such as that the program wants to be elevated.
    """
    windows = getattr(error, "winerror", None)
    if windows is not None and (windows in _WINDOWS_FAULTS or error.errno == errno.EINVAL):
        return _WINDOWS_FAULTS.get(windows, LaunchFault.OTHER)
    return _FAULTS.get(error.errno or 0, LaunchFault.OTHER)


def log_fault_of(error: OSError) -> LaunchFault:
    """Name what the system said when it was asked to open the log."""
    return LaunchFault.NO_RESOURCES if error.errno in _SHORTAGES else LaunchFault.NO_LOG


def check(request: LaunchRequest, env: Mapping[str, str]) -> tuple[str, ...]:
    """Give the argv to start, its program as a path that no later search can change.

    A program with a folder in it is taken from the server's folder, a bare name from the `PATH` of `env`.

    Raises:
        LaunchRefused: for the first thing found wrong. An argument or variable is named, its value is not shown.
    """
    _check_texts(request)
    # pathlib's own would raise what it is told of a folder that cannot be got at.
    if not os.path.isdir(request.cwd) or not os.access(request.cwd, os.X_OK):  # noqa: PTH112
        raise LaunchRefused(request.server_id, LaunchFault.NO_SUCH_FOLDER, str(request.cwd))
    absent = next((cpu for cpu in request.cpus if not 0 <= cpu < (os.cpu_count() or 1)), None)
    if absent is not None:
        raise LaunchRefused(request.server_id, LaunchFault.BAD_ARGUMENT, f"cpus: {absent}")
    program = request.argv[0]
    path = find(program, request.cwd, env)
    if path is None:
        raise LaunchRefused(request.server_id, *_why_not(program, request.cwd))
    return (path, *request.argv[1:])


def _check_texts(request: LaunchRequest) -> None:
    if not request.argv or not request.argv[0]:
        raise LaunchRefused(request.server_id, LaunchFault.BAD_ARGUMENT, "argv[0]")
    for number, argument in enumerate(request.argv):
        if "\0" in argument:
            raise LaunchRefused(request.server_id, LaunchFault.BAD_ARGUMENT, f"argv[{number}]")
    for name, value in request.env.items():
        if not name or "=" in name or "\0" in name + value:
            raise LaunchRefused(request.server_id, LaunchFault.BAD_ARGUMENT, f"env[{name!r}]")


def find(program: str, cwd: Path, env: Mapping[str, str]) -> str | None:
    """Give the path of a program that may be run: below `cwd`, a bare name from `PATH`. Blocking, short."""
    if sys.platform == "win32":
        return windows_values.find(program, cwd, env, os.path.isfile)
    if Path(program).name != program:
        return shutil.which(str(cwd / program))
    return shutil.which(program, path=env.get("PATH"))


def _why_not(program: str, cwd: Path) -> tuple[LaunchFault, str]:
    if Path(program).name == program:
        return LaunchFault.NOT_FOUND, program
    path = cwd / program
    there = os.path.exists(path)  # noqa: PTH110 - as above
    return (LaunchFault.NOT_EXECUTABLE if there else LaunchFault.NOT_FOUND), str(path)
