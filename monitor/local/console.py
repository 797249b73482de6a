"""The Windows console that the bot may have been started in."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import ctypes
    from collections.abc import Callable, Iterator
    from contextlib import contextmanager
    from ctypes import wintypes

    CTRL_CLOSE_EVENT = 2
    CTRL_LOGOFF_EVENT = 5
    CTRL_SHUTDOWN_EVENT = 6
    ADD, REMOVE = 1, 0
    ENDING = (CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT)

    _HANDLER = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)

    @contextmanager
    def on_console_close(closed: Callable[[], None]) -> Iterator[None]:
        """Call `closed`, in a thread of the system's, when the console or the session is about to end.

        The system ends the process when `closed` returns, or after five seconds.
        Source: https://learn.microsoft.com/windows/console/setconsolectrlhandler
        """

        def handle(event: int) -> bool:
            if event not in ENDING:
                return False
            closed()
            return True

        handler = _HANDLER(handle)
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.SetConsoleCtrlHandler(handler, ADD)
        try:
            yield
        finally:
            kernel32.SetConsoleCtrlHandler(handler, REMOVE)
