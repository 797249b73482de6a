"""What signals do to the bot, as far as the servers inherit it."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType


def heed_ignored_signals() -> None:
    """Catch the signals that the bot was told to ignore, and do nothing about them.

    It comes to the same for the bot, but not for the servers: what a process ignores its children ignore too, what
    it catches is at its default in them. `nohup` ignores SIGHUP, a shell's `&` SIGINT and SIGQUIT, and many a game
    is asked to save by SIGINT. SIGPIPE and SIGXFSZ, which Python itself ignores, are put back at each start.
    Only the main thread may do so; in another one this does nothing.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _do_nothing)


def _do_nothing(_: int, __: FrameType | None) -> None:
    """Catch it, and no more."""
