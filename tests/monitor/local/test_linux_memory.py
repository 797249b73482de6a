"""What the kernel says of memory, and what of that is believed."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from monitor.local import memory_kills
from monitor.local.memory_kills import MemoryWitness, cgroup_counters, kill_line, may_be_a_kill, parse_kill_count
from monitor.model import ExitStatus
from tests.monitor.local.stage import LIMIT_S, Stage

KILLED = ExitStatus(signal=9)

EVENTS = "low 0\nhigh 0\nmax 512\noom 3\noom_kill 2\noom_group_kill 0\n"
V1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [(EVENTS, 2), (V1, 5), ("low 0\noom 7\n", None), ("", None)],
    ids=["cgroup v2", "cgroup v1", "an old kernel", "no file"],
)
def test_kills_are_counted_by_cgroup(text: str, count: int | None) -> None:
    assert parse_kill_count(text) == count


def test_the_counters_of_a_process_are_found() -> None:
    v2 = "0::/user.slice/user-1000.slice/session-2.scope\n"
    assert cgroup_counters(v2)[0] == Path("/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope/memory.events")
    v1 = "9:name=systemd:/\n4:cpu,memory:/games:a\n"
    assert cgroup_counters(v1) == [Path("/sys/fs/cgroup/memory/games:a/memory.oom_control")]
    assert cgroup_counters("") == []


LINES = [
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,task=java,pid=4711,uid=1000",
    "Memory cgroup out of memory: Killed process 4711 (java) total-vm:8388608kB, anon-rss:4194304kB, file-rss:512kB",
    "oom_reaper: reaped process 4711 (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
    "Out of memory: Killed process 812 (PalServer-Linux) total-vm:33554432kB, anon-rss:30000000kB",
    "Out of memory: Kill process 99 (valheim_server) score 912 or sacrifice child",
    "Out of memory (oom_kill_allocating_task): Killed process 100 (x) total-vm:1kB",
    "traps: ark[47110] general protection fault",
]


@pytest.mark.parametrize(
    ("pid", "begins"),
    [
        (4711, "Memory cgroup out of memory: Killed process 4711 (java)"),
        (812, "Out of memory: Killed process 812 (PalServer-Linux)"),
        (99, "Out of memory: Kill process 99 (valheim_server)"),
        (100, "Out of memory (oom_kill_allocating_task): Killed process 100"),
        (471, None),
        (47110, None),
        (1000, None),
    ],
)
def test_the_kernels_line_is_given_in_its_own_words(pid: int, begins: str | None) -> None:
    line = kill_line(LINES, pid)
    assert line is None if begins is None else line is not None and line.startswith(begins)


@pytest.mark.parametrize(
    ("status", "fits"),
    [
        (KILLED, True),
        (ExitStatus(code=137), True),
        (ExitStatus(), True),
        (ExitStatus(code=0), False),
        (ExitStatus(code=9), False),
        (ExitStatus(signal=11), False),
    ],
)
def test_only_an_end_like_the_kernels_own_kills_is_looked_into(status: ExitStatus, fits: bool) -> None:  # noqa: FBT001
    assert may_be_a_kill(status) is fits


class Counter(NamedTuple):
    path: Path

    def set(self, kills: int) -> None:
        self.path.write_text(f"oom 9\noom_kill {kills}\n")


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter(tmp_path / "memory.events")
    counter.set(3)
    monkeypatch.setattr(memory_kills, "_counters_of", lambda _: [counter.path, tmp_path / "missing"])
    monkeypatch.setattr(memory_kills, "_KMSG", tmp_path / "missing")
    monkeypatch.setattr(memory_kills, "_journal", lambda _: [])
    return counter


def test_a_counter_that_grew_is_told_with_both_figures(counter: Counter) -> None:
    witness = MemoryWitness(4711)
    assert witness.testimony(KILLED) is None
    counter.set(4)
    assert witness.testimony(KILLED) == f"{counter.path}: oom_kill 3 → 4"
    assert witness.testimony(ExitStatus(signal=11)) is None
    witness.close()


def test_a_cgroup_that_has_gone_says_nothing(counter: Counter) -> None:
    witness = MemoryWitness(4711)
    counter.path.unlink()
    assert witness.testimony(KILLED) is None


def test_the_journal_is_asked_where_the_kernel_is_silent(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_kills, "_journal", lambda _: LINES)
    assert MemoryWitness(812).testimony(KILLED) == LINES[3]
    assert MemoryWitness(813).testimony(KILLED) is None


def test_a_journal_that_is_not_there_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert memory_kills._journal(0.0) == []


@pytest.mark.skipif(not os.access("/dev/kmsg", os.W_OK), reason="only root may write to the kernel's log")
def test_the_kernels_log_is_read_from_when_it_was_opened() -> None:
    kernel = Path("/dev/kmsg")
    # A pid that no process can have.
    kernel.write_text("<6>gamekeeper test: Out of memory: Killed process 4194401 (before)\n")
    witness = MemoryWitness(4194401)
    try:
        assert witness.testimony(KILLED) is None
        kernel.write_text("<6>gamekeeper test: Out of memory: Killed process 4194401 (after)\n")
        assert witness.testimony(KILLED) == "Out of memory: Killed process 4194401 (after)"
    finally:
        witness.close()
        witness.close()


HOG = "import sys; sys.stdin.readline(); hoard = [bytearray(1 << 20) for _ in range(512)]"
LIMIT_BYTES = 48 << 20


def own_memory_cgroup() -> Path | None:
    """Give the folder of our own memory cgroup, v1 or v2, if we may make another below it."""
    for counter in cgroup_counters(Path("/proc/self/cgroup").read_text()):
        folder = counter.parent
        v2 = counter.name == "memory.events"
        if v2 and "memory" not in _words(folder / "cgroup.subtree_control"):
            continue
        if os.access(folder, os.W_OK) and (v2 or counter.exists()):
            return folder
    return None


def _words(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


@pytest.fixture
def small_cgroup() -> Iterator[Path]:
    parent = own_memory_cgroup()
    if parent is None:
        pytest.skip("we may not make a cgroup here")
    folder = parent / f"gamekeeper-test-{os.getpid()}"
    try:
        folder.mkdir()
        limit = folder / ("memory.max" if (folder / "memory.events").exists() else "memory.limit_in_bytes")
        limit.write_text(str(LIMIT_BYTES))
        swap = folder / "memory.swap.max"
        if swap.exists():
            swap.write_text("0")
    except OSError as error:
        pytest.skip(f"we may not limit a cgroup here: {error}")
    yield folder
    folder.rmdir()


@pytest.mark.parametrize("kernel_log", [True, False], ids=["by the kernel's log", "by the counter"])
async def test_fault_3_a_kill_for_want_of_memory_is_told_in_the_kernels_words(
    stage: Stage,
    small_cgroup: Path,
    kernel_log: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not kernel_log:
        monkeypatch.setattr(memory_kills, "_KMSG", Path("/nowhere"))
        monkeypatch.setattr(memory_kills, "_journal", lambda _: [])
    elif not os.access("/dev/kmsg", os.R_OK):
        pytest.skip("the kernel's log is not ours to read")
    request = stage.request(argv=(sys.executable, "-c", HOG))
    started = stage.keep(await stage.launcher.spawn(request))
    (small_cgroup / "cgroup.procs").write_text(str(started.identity.pid))
    process = await stage.adopt(started.identity)
    await process.type_line("now")
    async with asyncio.timeout(LIMIT_S):
        assert await process.wait() == ExitStatus(signal=9)
    told = await process.out_of_memory()
    assert told is not None
    assert f"Killed process {process.identity.pid} (" in told if kernel_log else "oom_kill 0 → 1" in told
