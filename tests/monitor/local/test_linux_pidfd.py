"""Process descriptors, and what the kernel tells through them."""

from __future__ import annotations

import os
import platform
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import psutil
import pytest

from monitor.local import pidfd, procfs
from monitor.model import ExitStatus, ProcessId

tells_exits = pytest.mark.skipif(
    tuple(map(int, platform.release().split(".")[:2])) < (6, 15), reason="PIDFD_GET_INFO tells exits from Linux 6.15"
)


class Child:
    """A child that ends when told, and that nobody collects unless asked."""

    def __init__(self, end: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", f"import os, sys; sys.stdin.read(); {end}"], stdin=subprocess.PIPE
        )
        identity = procfs.identify(self.process.pid)
        assert identity is not None
        self.identity: ProcessId = identity
        descriptor = pidfd.open_identity(identity)
        assert descriptor is not None
        self.descriptor = descriptor

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        ready, _, _ = select.select([self.descriptor], [], [], 20)
        assert ready

    def clear(self) -> None:
        os.close(self.descriptor)
        self.process.kill()
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child("os._exit(7)")
    yield child
    child.clear()


@pytest.fixture
def crasher() -> Iterator[Child]:
    child = Child("os.kill(os.getpid(), 11)")
    yield child
    child.clear()


def test_a_child_of_ours_is_collected_with_its_code(child: Child) -> None:
    child.end()
    assert pidfd.collect(child.descriptor, child.identity) == ExitStatus(code=7)
    assert procfs.read_stat(child.identity.pid) is None


@tells_exits
def test_the_kernel_tells_the_end_of_one_that_was_collected_by_somebody_else(child: Child) -> None:
    child.end()
    child.process.wait()
    assert pidfd.collect(child.descriptor, child.identity) == ExitStatus(code=7)


@tells_exits
def test_the_kernel_tells_the_signal_too(crasher: Child) -> None:
    crasher.end()
    crasher.process.wait()
    assert pidfd.collect(crasher.descriptor, crasher.identity).signal == signal.SIGSEGV


def test_proc_tells_it_until_it_is_collected(child: Child) -> None:
    child.end()
    assert pidfd._from_kernel(child.descriptor) is None
    assert pidfd._from_zombie(child.identity) == ExitStatus(code=7)


def test_proc_tells_nothing_of_a_live_one_or_another(child: Child) -> None:
    assert pidfd._from_zombie(child.identity) is None
    child.end()
    assert pidfd._from_zombie(replace(child.identity, started=1)) is None


def test_nothing_is_made_up_when_nobody_tells(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pidfd, "_GET_INFO", 0)
    child.end()
    child.process.wait()
    assert pidfd.collect(child.descriptor, child.identity) == ExitStatus()


STRANGERS: dict[str, Callable[[ProcessId], ProcessId]] = {
    "another start": lambda identity: replace(identity, started=1),
    "another boot": lambda identity: replace(identity, boot_id="before"),
    "nobody": lambda identity: replace(identity, pid=2**22 + 1),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS.keys())
def test_fault_13_only_that_very_process_is_opened_or_signalled(
    child: Child, stranger: Callable[[ProcessId], ProcessId]
) -> None:
    descriptors = psutil.Process().num_fds()
    assert pidfd.open_identity(stranger(child.identity)) is None
    pidfd.send(stranger(child.identity), signal.SIGKILL)
    assert psutil.Process().num_fds() == descriptors
    child.end()
    assert child.process.wait() == 7


def test_a_signal_to_one_that_has_ended_is_no_error(child: Child) -> None:
    child.end()
    pidfd.send(child.identity, signal.SIGTERM)
    child.process.wait()
    pidfd.send(child.identity, signal.SIGTERM)


LINE = (
    "{pid} ({name}) S 50 100 100 0 -1 4194304 10 20 0 0 70 30 5 2 20 0 9 0 80103 17219584 3480 "
    "18446744073709551615 1 1 0 0 0 0 0 16781312 2 0 0 0 17 1 0 0 0 0 0 1 1 1 1 1 1 1 768\n"
)


@pytest.mark.parametrize("name", ["java", "a b", "evil) S 1 1 1", ":-)", "((", "new\nline", ""])
def test_a_line_of_stat_is_read_whatever_the_name(name: str) -> None:
    stat = procfs.parse_stat(LINE.format(pid=4242, name=name))
    assert (stat.pid, stat.state, stat.ppid, stat.session) == (4242, "S", 50, 100)
    assert (stat.cpu_ticks, stat.threads, stat.started) == (107, 9, 80103)
    assert (stat.rss_pages, stat.exit_code, stat.alive) == (3480, 768, True)


def test_our_own_line_agrees_with_ourselves() -> None:
    stat = procfs.read_stat(os.getpid())
    assert stat is not None
    assert (stat.pid, stat.ppid, stat.session) == (os.getpid(), os.getppid(), os.getsid(0))
    assert stat.rss_pages > 1000


def test_nobody_has_no_line_and_no_marker() -> None:
    assert procfs.read_stat(2**22 + 1) is None
    assert procfs.marker_of(2**22 + 1) is None
    assert procfs.identify(2**22 + 1) is None
