"""Makes the bot step back behind the games.

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
from pathlib import Path

import psutil

NICE = 5
_AUTOGROUP = Path("/proc/self/autogroup")


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
