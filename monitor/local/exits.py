"""How POSIX says that a process ended, turned into an `ExitStatus`."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("POSIX only")

import os

from monitor.model import ExitStatus

UNKNOWN = ExitStatus()


def from_wait_status(status: int) -> ExitStatus:
    """Read the 16 bits that wait(2) gives."""
    if os.WIFSIGNALED(status):
        return ExitStatus(signal=os.WTERMSIG(status), core_dumped=os.WCOREDUMP(status))
    return ExitStatus(code=os.WEXITSTATUS(status))


def from_waitid(si_code: int, si_status: int) -> ExitStatus:
    """Read what waitid(2) gives."""
    if si_code == os.CLD_EXITED:
        return ExitStatus(code=si_status)
    return ExitStatus(signal=si_status, core_dumped=si_code == os.CLD_DUMPED)
