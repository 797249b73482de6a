"""A port for a program that is told its port, and binds it a moment later."""

from __future__ import annotations

import os
import socket
from itertools import count

_LOWEST, _MANY = 20_000, 10_000
"""Below those that a system gives to whoever asks for any: 32768 and up on Linux, 49152 and up on Windows."""
_next = count()


def free_port() -> int:
    """Give one that nobody has, and that is given to nobody else meanwhile, nor by a run beside this one."""
    for number in _next:
        port = _LOWEST + (os.getpid() * 37 + number) % _MANY
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError
