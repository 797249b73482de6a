"""A real server program that ends the way it is told. Run as `python -I -S mortal.py ON_TERM AT_START`, on POSIX.

A way to end is a list of steps with semicolons between them: `say TEXT`, `exit CODE`, `raise SIGNAL`. What it does
on SIGTERM is one (or nothing: it dies of it; or `ignore`), what it does first is one, and so is a line typed to it.
"""

from __future__ import annotations

import os
import resource
import signal
import sys


def take(step: str) -> None:
    verb, _, rest = step.partition(" ")
    match verb:
        case "say":
            os.write(1, f"{rest}\n".encode())
        case "exit":
            os._exit(int(rest))
        case "raise":
            signal.signal(signal.Signals[rest], signal.SIG_DFL)
            os.kill(os.getpid(), signal.Signals[rest])


def go(way: str) -> None:
    for step in way.strip().split(";"):
        take(step)


def main(on_term: str, at_start: str) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if on_term == "ignore":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif on_term:
        signal.signal(signal.SIGTERM, lambda *_: go(on_term))
    go(at_start)
    for line in sys.stdin:
        go(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
