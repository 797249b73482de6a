"""The processes that benchmarks measure. Run as `python actor.py ROLE NUMBER`; none outlives ten minutes.

`tree N`: a game server of N processes, one of which does a little work twenty times a second.
`sleepers N`: starts N processes that sleep, says their pids, and ends them when its input closes. POSIX only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

COMMAND = (sys.executable, "-I", "-S", __file__)
LIFE_S = 600.0
SLEEP = (shutil.which("sleep") or "sleep", str(round(LIFE_S)))
"""The smallest program there is, so that what is measured is neither its start nor its end."""
_TICK_S = 0.05


def tree(size: int) -> None:
    for _ in range(size - 1):
        subprocess.Popen([*COMMAND, "sleep", str(round(LIFE_S))])
    ends = time.monotonic() + LIFE_S
    while time.monotonic() < ends:
        time.sleep(_TICK_S)


def sleep(seconds: int) -> None:
    time.sleep(min(seconds, LIFE_S))


def sleepers(number: int) -> None:
    """Those that end are collected at once, by the kernel."""
    if sys.platform == "win32":
        raise SystemExit("there is no posix_spawn here")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    pids = [os.posix_spawn(SLEEP[0], SLEEP, os.environ) for _ in range(number)]
    print(*pids, flush=True)
    sys.stdin.read()
    for pid in pids:
        with contextlib.suppress(ChildProcessError):  # it has ended, and the pid may be a stranger's
            os.waitpid(pid, os.WNOHANG)
            os.kill(pid, signal.SIGKILL)


def main(role: str, number: str) -> None:
    roles = {"tree": tree, "sleepers": sleepers, "sleep": sleep}
    roles[role](int(number))


if __name__ == "__main__":
    main(*sys.argv[1:])
