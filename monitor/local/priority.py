"""Makes the bot step back behind the games, and gives each game its own share.

Linux keeps the nice value for each thread, a new thread takes it from the one that starts it, and a new process
from the thread that started it. Nobody but root may take it back. So only the calling thread is lowered (call it
from the event loop's, after the launcher was made): what that thread starts later is lowered too, and servers come
from the launcher's own thread, which is not. With autogroup scheduling a nice value counts only inside its session,
so a bot that leads one lowers the whole session; servers have sessions of their own. Windows has a class for the
whole process; there the launcher asks for the normal class by name. Other systems keep their priority: on them a
child could not be given back what its parent gave up.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import structlog

from monitor.spec import Priority

NICE = 5
NICENESS = {Priority.BELOW_NORMAL: 5, Priority.ABOVE_NORMAL: -5, Priority.HIGH: -10}
"""Normal is whatever the bot was started with."""
_AUTOGROUP = Path("/proc/self/autogroup")

log = structlog.get_logger(__name__)


def lower_own_priority() -> None:
    """Put the bot below normal priority. Does nothing where the system refuses, or where it is lower already."""
    if sys.platform == "win32":
        with contextlib.suppress(psutil.Error):
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    elif sys.platform == "linux":
        _lower_thread()
        _lower_session()


def _lower_thread() -> None:
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, max(NICE, os.getpriority(os.PRIO_PROCESS, thread)))


def _lower_session() -> None:
    if sys.platform == "linux" and os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            _AUTOGROUP.write_text(str(NICE), "ascii")


def give(pid: int, priority: Priority, cpus: tuple[int, ...]) -> None:
    """Give a process that has just been made its priority and its processors.

    A priority that takes a privilege which the bot does not have is left at normal, and logged.

    Raises:
        OSError: it cannot have those processors.
    """
    if cpus and sys.platform == "linux":
        os.sched_setaffinity(pid, cpus)
    if sys.platform != "win32" and priority in NICENESS:
        try:
            os.setpriority(os.PRIO_PROCESS, pid, NICENESS[priority])
        except PermissionError:
            log.warning("priority_needs_privilege", pid=pid, wanted=priority.value, given=Priority.NORMAL.value)


def set_for_session(pid: int, priority: Priority) -> None:
    """Give the session that a process leads its weight among the others, where the system shares by sessions."""
    if sys.platform == "linux" and priority in NICENESS:
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS[priority]), "ascii")


@contextlib.contextmanager
def processors(cpus: tuple[int, ...]) -> Iterator[None]:
    """Keep the calling thread, and what it starts meanwhile, on some processors. Other systems than Linux ignore it.

    Raises:
        OSError: the thread cannot have those processors.
    """
    if sys.platform != "linux" or not cpus:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
