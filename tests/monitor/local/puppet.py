"""A real process that does what a test tells it, over a socket. Run as `python puppet.py PORT ROLE`.

It says who it is, carries out one order a line, and ends when the socket does.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

COMMAND = (sys.executable, "-I", "-S", __file__)


def introduce(role: str) -> str:
    names = ("GAMEKEEPER_RUN", "GAMEKEEPER_DATA_DIR", "DISCORD_TOKEN", "TZ")
    facts = {
        "role": role,
        "pid": os.getpid(),
        "cwd": str(Path.cwd()),
        "env": {name: os.environ[name] for name in names if name in os.environ},
        "session": os.getsid(0) if sys.platform != "win32" else None,
        "nice": os.getpriority(os.PRIO_PROCESS, 0) if sys.platform != "win32" else None,
        "ignored": ignored(),
        "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, ())) if sys.platform != "win32" else 0,
        "descriptors": sorted(int(fd.name) for fd in Path("/proc/self/fd").iterdir())
        if sys.platform == "linux"
        else [],
    }
    return json.dumps(facts)


def ignored() -> list[str]:
    """Name the signals that it was started with ignored, save those that Python itself ignores."""
    if sys.platform == "win32":
        return []
    found = {number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN}
    return sorted(signal.Signals(number).name for number in found - {signal.SIGPIPE, signal.SIGXFSZ})


def read_console() -> None:
    """Take a line from the console, as a game does, and show it in the log."""
    line = sys.stdin.readline()
    os.write(1, f"read {line}".encode() if line else b"end of file\n")


def burn(seconds: float) -> None:
    while time.process_time() < seconds:
        pass


def flood(size: int) -> None:
    line = b"x" * 99 + b"\n"
    for _ in range(size // (len(line) * 1000)):
        os.write(1, line * 1000)


def raise_signal(name: str) -> None:
    if name != "SIGKILL":
        signal.signal(signal.Signals[name], signal.SIG_DFL)
    os.kill(os.getpid(), signal.Signals[name])


def leave_on(name: str) -> None:
    if sys.platform == "win32":
        leave_on_console_event(name)
    else:
        signal.signal(signal.Signals[name], lambda *_: os._exit(0))


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    HANDLERS: list[object] = []
    """What is still to be called must not be collected."""

    def leave_on_console_event(name: str) -> None:
        """Python's own handlers wait for the socket; the console's are called in a thread of the system's."""
        wanted = {"SIGINT": 0, "SIGBREAK": 1}[name]

        def handle(event: int) -> bool:
            if event == wanted:
                os._exit(0)
            return False

        handler = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)(handle)
        HANDLERS.append(handler)
        ctypes.WinDLL("kernel32").SetConsoleCtrlHandler(handler, 1)


def child(port: str, role: str) -> None:
    subprocess.Popen([*COMMAND, port, role])


def nameless_child(port: str, role: str) -> None:
    """Start one without our environment, as a game does that overwrites it."""
    subprocess.Popen([*COMMAND, port, role], env={})


def daemon(port: str, role: str) -> None:
    subprocess.Popen([*COMMAND, port, role], start_new_session=True)


def orphan(port: str, role: str) -> None:
    starter = f"import subprocess; subprocess.Popen({[*COMMAND, port, role]!r})"
    subprocess.run([sys.executable, "-I", "-S", "-c", starter], check=True)


def thread_child(port: str, role: str) -> None:
    """Start a child from a thread that lives on: the kernel lists a child under the thread that forked it."""
    started = threading.Event()

    def start() -> None:
        child(port, role)
        started.set()
        threading.Event().wait()

    threading.Thread(target=start, daemon=True).start()
    started.wait()


def orders(port: str) -> dict[str, Callable[[str], object]]:
    return {
        "exit": lambda code: os._exit(int(code)),
        "raise": raise_signal,
        "ignore": lambda name: signal.signal(signal.Signals[name], signal.SIG_IGN),
        "leave-on": leave_on,
        "child": lambda role: child(port, role),
        "nameless-child": lambda role: nameless_child(port, role),
        "daemon": lambda role: daemon(port, role),
        "close-console": lambda _: os.close(0),
        "orphan": lambda role: orphan(port, role),
        "thread-child": lambda role: thread_child(port, role),
        "see-child-end": lambda _: os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT),
        "collect": lambda _: os.wait(),
        "burn": lambda seconds: burn(float(seconds)),
        "read-console": lambda _: read_console(),
        "print": lambda text: os.write(1, f"{text}\n".encode()),
        "complain": lambda text: os.write(2, f"{text}\n".encode()),
        "flood": lambda size: flood(int(size)),
    }


def main(port: str, role: str) -> None:
    stage = socket.create_connection(("127.0.0.1", int(port)))
    with stage, stage.makefile("rw", encoding="utf-8", newline="\n") as lines:
        print(introduce(role), file=lines, flush=True)
        for order in lines:
            verb, _, rest = order.strip().partition(" ")
            orders(port)[verb](rest)
            print("done", file=lines, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
