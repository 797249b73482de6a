"""Linux: what the kernel says of killing a process for want of memory. It is repeated, never guessed.

Sources: the kernel's `Documentation/admin-guide/cgroup-v2.rst` (`memory.events`), `cgroup-v1/memory.rst`
(`memory.oom_control`), `Documentation/ABI/testing/dev-kmsg`, and `mm/oom_kill.c` for the line it logs.
"""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from monitor.local import procfs
from monitor.model import ExitStatus

_CGROUPS = Path("/sys/fs/cgroup")
_KMSG = Path("/dev/kmsg")
_RECORD_BYTES = 8192
"""The longest record that `/dev/kmsg` gives."""
_KILLED = re.compile(r"(?:Memory cgroup out|Out) of memory[^:]*: Kill(?:ed)? process (\d+)\b.*")
_COUNT = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)
_JOURNAL_LIMIT_S = 3.0
_SHELL_SAYS_KILLED = 137


def cgroup_counters(membership: str) -> list[Path]:
    """Give the files that may count kills in the cgroup of a process, from its `/proc/PID/cgroup`."""
    found: list[Path] = []
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        below = path.lstrip("/")
        if not controllers:
            found += [_CGROUPS / below / "memory.events", _CGROUPS / "unified" / below / "memory.events"]
        elif "memory" in controllers.split(","):
            found.append(_CGROUPS / "memory" / below / "memory.oom_control")
    return found


def parse_kill_count(text: str) -> int | None:
    """Read how many processes of a cgroup were killed; `None` from kernels that do not count (before 4.13)."""
    match = _COUNT.search(text)
    return None if match is None else int(match[1])


def kill_line(lines: Iterable[str], pid: int) -> str | None:
    """Give the last line by which the kernel says that it killed this process for want of memory."""
    matches = (match for line in lines if (match := _KILLED.search(line)) is not None)
    return next((match[0] for match in reversed(list(matches)) if int(match[1]) == pid), None)


def may_be_a_kill(status: ExitStatus) -> bool:
    """Whether it ended as the kernel's own kills do, told by itself or by a shell that started it."""
    return status.signal == 9 or status.code == _SHELL_SAYS_KILLED or status == ExitStatus()  # noqa: PLR2004 - SIGKILL


class MemoryWitness:
    """Remembers how things stood when a process was taken hold of, and tells what has been added after its end."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._since = time.time()
        self._counts = {path: count for path in _counters_of(pid) if (count := _kill_count(path)) is not None}
        self._log = _open_kernel_log()

    def testimony(self, status: ExitStatus) -> str | None:
        """Give what the kernel says, where it ended in a way that fits. Blocking; `close` ends it."""
        if not may_be_a_kill(status):
            return None
        line = kill_line(self._kernel_lines(), self._pid)
        return line if line is not None else next(self._grown(), None)

    def close(self) -> None:
        descriptor, self._log = self._log, None
        if descriptor is not None:
            os.close(descriptor)

    def _grown(self) -> Iterator[str]:
        for path, before in self._counts.items():
            after = _kill_count(path)
            if after is not None and after > before:
                yield f"{path}: oom_kill {before} → {after}"

    def _kernel_lines(self) -> list[str]:
        return _journal(self._since) if self._log is None else list(_records(self._log))


def _counters_of(pid: int) -> list[Path]:
    return cgroup_counters(_text(procfs.PROC / str(pid) / "cgroup"))


def _kill_count(path: Path) -> int | None:
    return parse_kill_count(_text(path))


def _open_kernel_log() -> int | None:
    """Open it behind everything that is in it by now."""
    with suppress(OSError):
        descriptor = os.open(_KMSG, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lseek(descriptor, 0, os.SEEK_END)
        return descriptor
    return None


def _records(descriptor: int) -> Iterator[str]:
    while True:
        try:
            yield os.read(descriptor, _RECORD_BYTES).decode("utf-8", "replace").partition(";")[2].rstrip("\n")
        except BrokenPipeError:  # some were overwritten before we came to them
            continue
        except OSError:
            return


def _journal(since: float) -> list[str]:
    """Ask the journal, which shows the kernel's lines to more people than the kernel does."""
    program = shutil.which("journalctl")
    if program is None:
        return []
    wanted = [program, "--dmesg", "--output=cat", "--no-pager", "--quiet", f"--since=@{since:.0f}"]
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(wanted, capture_output=True, timeout=_JOURNAL_LIMIT_S, check=False)  # noqa: S603
        return done.stdout.decode("utf-8", "replace").splitlines()
    return []


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
