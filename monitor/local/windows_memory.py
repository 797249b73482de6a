"""What Windows says about running out of memory: its resource exhaustion detector names programs, and ends none.

A program that gets no memory ends by itself, mostly by a crash. Event 2004 of the System log is then written at most
every few minutes, with the programs that held the most. Source: "Event ID 2004 - Windows Resource Exhaustion
Diagnosis" in Microsoft's documentation of Windows Server.
"""

from __future__ import annotations

import re
import subprocess
import sys

if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NO_WINDOW
else:
    _FLAGS = 0
_RECENT_MS = 5 * 60 * 1000
_LIMIT_S = 5.0
_QUERY = (
    "*[System[Provider[@Name='Microsoft-Windows-Resource-Exhaustion-Detector'] and EventID=2004"
    f" and TimeCreated[timediff(@SystemTime) <= {_RECENT_MS}]]]"
)
_COMMAND = ("wevtutil", "qe", "System", f"/q:{_QUERY}", "/c:1", "/rd:true", "/f:xml")
_TIME = re.compile(r"SystemTime=['\"]([^'\"]+)['\"]")
_PID = re.compile(r"<ID>\s*(\d+)\s*</ID>")


def evidence(event: str, pid: int) -> str | None:
    """Give what one such event, as XML, has to say about a process; `None` when that is nothing."""
    if str(pid) not in _PID.findall(event):
        return None
    time = _TIME.search(event)
    return f"System event 2004{f' of {time[1]}' if time else ''}: low on virtual memory, pid {pid} among the largest"


def evidence_on(pid: int) -> str | None:
    """Look through the last five minutes of the System log; `None` also where it cannot be read. Blocking."""
    try:
        said = subprocess.run(  # noqa: S603 - nothing of it comes from elsewhere
            _COMMAND,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            creationflags=_FLAGS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return evidence(said.stdout.decode("utf-8", "replace"), pid)
