"""Reading trees from `/proc`: who belongs to one, what it costs, and what becomes of a refusal."""

from __future__ import annotations

import errno
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from monitor.local import proc_reader, procfs
from monitor.local.kept_files import KeptFiles
from monitor.local.probe import TreeProbe
from monitor.local.proc_reader import ProcReader
from monitor.model import ProcessId, TreeReading
from monitor.ports import ServerProcess
from tests.monitor.local.puppet import COMMAND
from tests.monitor.local.stage import Puppet, Stage

LINE = (
    "{pid} ({name}) {state} 17 4242 4242 0 -1 4194304 90 0 0 0 5 6 7 8 20 0 3 0 123456 9999 321 "
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 9\n"
)
DAEMON = """
import os, subprocess, sys
starter = f"import subprocess; subprocess.Popen({sys.argv[1:]!r} + ['daemon'], start_new_session=True)"
subprocess.run([sys.executable, "-I", "-S", "-c", starter], check=True)
os.execv(sys.argv[1], sys.argv[1:] + ["game"])
"""
"""Starts a daemon that has left both its parent and its session, then turns into the game."""


@dataclass
class Hands:
    """A clock that stands still until it is moved."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Tripping(KeptFiles):
    """Files of which one call fails."""

    def __init__(self, at: int, error: Callable[[], OSError]) -> None:
        super().__init__()
        self.left = at
        self.error = error

    def trip(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.error()

    def read(self, path: str) -> bytes:
        self.trip()
        return super().read(path)

    def peek(self, path: str) -> bytes:
        self.trip()
        return super().peek(path)

    def names(self, folder: str) -> list[str]:
        self.trip()
        return super().names(folder)


@dataclass
class HidingIo(KeptFiles):
    """Shows nobody's bytes."""

    hidden: bool = True
    _kept: dict[str, int] = field(default_factory=dict)
    _room: int = 100

    def read(self, path: str) -> bytes:
        if self.hidden and path.endswith("/io"):
            raise PermissionError(path)
        return super().read(path)


def roots_of(puppet: Puppet) -> dict[str, ProcessId]:
    identity = procfs.identify(puppet.pid)
    assert identity is not None
    return {"game": identity}


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def play(stage: Stage, role: str = "game", **changes: Any) -> tuple[ServerProcess, Puppet]:
    """Start a game under a marker that nobody else on this machine has, as in life."""
    return await stage.play(role, marker=uuid.uuid4().hex, **changes)


async def family(stage: Stage) -> Puppet:
    """A game of three generations."""
    _, game = await play(stage)
    await game.order("child worker")
    await (await stage.enters("worker")).order("child helper")
    await stage.enters("helper")
    return game


@pytest.mark.parametrize("name", ["game", "a b", "x) R 1 (y", "new\nline", ""])
@pytest.mark.parametrize(("state", "alive"), [("S", True), ("R", True), ("Z", False), ("X", False)])
def test_the_quick_way_to_read_a_line_says_what_the_other_says(name: str, state: str, *, alive: bool) -> None:
    line = LINE.format(pid=4242, name=name, state=state)
    usage, stat = procfs.parse_usage(line.encode()), procfs.parse_stat(line)
    assert usage == (123456, alive, 26, 321, 3)
    assert (stat.started, stat.alive, stat.cpu_ticks, stat.rss_pages, stat.threads) == usage


def test_the_bytes_are_found_by_their_names() -> None:
    text = b"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n"
    assert procfs.parse_io(text) == (4096, 8192)


def test_the_machines_counters_leave_a_guests_time_out() -> None:
    text = b"cpu  10 1 5 100 20 2 3 4 7 1\ncpu0 1 1 1 1 1 1 1 1 1 1\n"
    assert procfs.parse_cpu(text) == (25, 145)
    assert procfs.parse_memory(b"MemTotal: 8 kB\nMemFree: 1 kB\nMemAvailable: 4 kB\n") == (8192, 4096)


async def test_most_readings_need_no_thread_and_the_others_say_so(stage: Stage) -> None:
    game = await family(stage)
    now, roots = Hands(), roots_of(game)
    reader = ProcReader(now=now)
    slow = []
    for _ in range(40):
        slow.append(reader.blocks(roots))
        assert reader.read(roots)["game"].processes == 3
        now.now_s += 1
    assert slow[:2] == [True, True]
    assert sum(slow[10:]) == 6
    assert reader.blocks({})


async def test_many_processes_are_too_many_for_the_loop(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    game = await family(stage)
    now, roots = Hands(), roots_of(game)
    reader = ProcReader(now=now)
    reader.read(roots)
    for most, blocks in ((3, False), (2, True)):
        monkeypatch.setattr(proc_reader, "_QUICK_PROCESSES", most)
        now.now_s += 11
        reader.read(roots)
        assert reader.blocks(roots) is blocks


async def test_bytes_are_counted_every_few_seconds_and_say_when(stage: Stage) -> None:
    game = await family(stage)
    now, roots = Hands(), roots_of(game)
    reader = ProcReader(now=now)
    first, second = (reader.read(roots)["game"] for _ in range(2))
    now.now_s += 5
    third = reader.read(roots)["game"]
    assert first.io_at_monotonic_s == first.at_monotonic_s == second.io_at_monotonic_s
    assert second.at_monotonic_s > first.at_monotonic_s
    assert third.io_at_monotonic_s == third.at_monotonic_s


async def test_what_a_child_used_before_it_was_found_is_in_no_interval(stage: Stage) -> None:
    _, game = await play(stage)
    now, roots = Hands(), roots_of(game)
    reader = ProcReader(now=now)
    reader.read(roots)
    now.now_s += 100
    reader.read(roots)
    await game.order("child worker")
    worker = await stage.enters("worker")
    before = reader.read(roots)["game"]
    await worker.order("burn 0.3")
    unseen = reader.read(roots)["game"]
    now.now_s += 10
    found = reader.read(roots)["game"]
    await worker.order("burn 0.6")
    after = reader.read(roots)["game"]
    assert [each.processes for each in (before, unseen, found, after)] == [1, 1, 2, 2]
    assert found.cpu_time_s - before.cpu_time_s < 0.2
    assert 0.2 < after.cpu_time_s - found.cpu_time_s < 0.5


async def test_a_daemon_that_left_its_parent_and_its_session_is_found_by_its_marker(stage: Stage) -> None:
    argv = (sys.executable, "-I", "-S", "-c", DAEMON, *COMMAND, str(stage.port))
    _, game = await play(stage, argv=argv)
    daemon = await stage.enters("daemon")
    assert daemon.facts["session"] != game.facts["session"]
    assert psutil.Process(daemon.pid).ppid() != game.pid
    assert ProcReader().read(roots_of(game))["game"].processes == 2


async def test_an_orphan_that_kept_the_session_is_found_though_it_came_later(stage: Stage) -> None:
    _, game = await play(stage)
    now, roots = Hands(), roots_of(game)
    reader = ProcReader(now=now)
    assert reader.read(roots)["game"].processes == 1
    await game.order("orphan worker")
    await stage.enters("worker")
    now.now_s += 20
    assert reader.read(roots)["game"].processes == 1
    now.now_s += 10
    assert reader.read(roots)["game"].processes == 2


async def test_an_orphan_is_found_sooner_where_a_member_ended(stage: Stage) -> None:
    _, game = await play(stage)
    await game.order("child launcher")
    launcher = await stage.enters("launcher")
    now, roots = Hands(), roots_of(game)
    reader = ProcReader(now=now)
    assert reader.read(roots)["game"].processes == 2
    await launcher.order("orphan worker")
    await stage.enters("worker")
    launcher.send("exit 0")
    await game.order("collect")
    assert reader.read(roots)["game"].processes == 1
    now.now_s += 5
    assert reader.read(roots)["game"].processes == 2


async def test_a_member_that_lost_its_parent_stays_one(stage: Stage) -> None:
    game = await family(stage)
    now, roots = Hands(), roots_of(game)
    reader = ProcReader(now=now)
    assert reader.read(roots)["game"].processes == 3
    worker = next(puppet for puppet in stage.puppets if puppet.facts["role"] == "worker")
    worker.send("exit 0")
    await game.order("collect")
    assert reader.read(roots)["game"].processes == 2


async def test_files_are_closed_when_processes_end_and_when_servers_go(stage: Stage) -> None:
    game = await family(stage)
    files, roots = KeptFiles(), roots_of(game)
    reader = ProcReader(files=files)
    before = descriptors()
    reader.read(roots)
    for puppet in stage.puppets:
        await puppet.order("burn 0")
    reader.read(roots)
    assert len(files) == descriptors() - before == 9
    helper = next(puppet for puppet in stage.puppets if puppet.facts["role"] == "helper")
    worker = next(puppet for puppet in stage.puppets if puppet.facts["role"] == "worker")
    helper.send("exit 0")
    await worker.order("collect")
    reader.read(roots)
    assert len(files) == descriptors() - before == 6
    reader.read({})
    assert len(files) == descriptors() - before == 0


async def test_closing_gives_every_descriptor_back_and_it_can_be_read_again(stage: Stage) -> None:
    _, game = await play(stage)
    files, roots = KeptFiles(), roots_of(game)
    reader = ProcReader(files=files)
    reader.host()
    reader.read(roots)
    reader.close()
    assert len(files) == 0
    assert reader.read(roots)["game"].processes == 1


async def test_fault_55_without_descriptors_to_keep_the_numbers_are_the_same(stage: Stage) -> None:
    game = await family(stage)
    files, roots = KeptFiles(most=0), roots_of(game)
    frugal, lavish = ProcReader(files=files).read(roots)["game"], ProcReader().read(roots)["game"]
    assert len(files) == 0
    assert (frugal.processes, frugal.threads) == (lavish.processes, lavish.threads) == (3, 3)
    assert frugal.rss_bytes == pytest.approx(lavish.rss_bytes, rel=0.1)


@pytest.mark.parametrize("most", [0, 100], ids=["descriptors short", "descriptors kept"])
async def test_fault_13_who_got_the_pid_of_a_member_is_not_measured_for_it(stage: Stage, most: int) -> None:
    _, game = await play(stage)
    identity = roots_of(game)["game"]
    reader = ProcReader(files=KeptFiles(most))
    reader.read({"game": identity})
    reader._trees["game"].members[0].started -= 1
    reader._trees["game"].members[0].line = b""
    reader._trees["game"].members[0].ran_ns = None
    assert reader.read({"game": identity}) == {}
    assert ProcReader().read({"game": ProcessId(identity.pid, identity.started - 1, identity.boot_id)}) == {}
    assert ProcReader().read({"game": ProcessId(identity.pid, identity.started, "another boot")}) == {}


async def test_a_root_that_has_ended_is_left_out_collected_or_not(stage: Stage) -> None:
    _, game = await play(stage)
    await game.order("child worker")
    worker = await stage.enters("worker")
    roots = roots_of(worker)
    reader = ProcReader()
    assert set(reader.read(roots)) == {"game"}
    worker.send("exit 0")
    await game.order("see-child-end")
    assert reader.read(roots) == ProcReader().read(roots) == {}
    await game.order("collect")
    assert reader.read(roots) == ProcReader().read(roots) == {}


async def test_fault_19_bytes_that_we_may_not_see_are_unknown_and_the_rest_is_not(stage: Stage) -> None:
    _, game = await play(stage)
    now, files, roots = Hands(), HidingIo(), roots_of(game)
    reader = ProcReader(now=now, files=files)
    found = reader.read(roots)["game"]
    assert (found.read_bytes, found.write_bytes) == (None, None)
    assert found.rss_bytes > 0
    files.hidden = False
    now.now_s += 5
    assert reader.read(roots)["game"].read_bytes is not None


ERRORS: dict[str, Callable[[], OSError]] = {
    "access denied": PermissionError,
    "no such file": FileNotFoundError,
    "no such process": ProcessLookupError,
    "no descriptor": lambda: OSError(errno.EMFILE, "Too many open files"),
    "input/output error": lambda: OSError(errno.EIO, "Input/output error"),
}


@pytest.mark.parametrize("error", list(ERRORS.values()), ids=list(ERRORS))
async def test_fault_19_an_error_at_any_single_call_is_unknown_and_heals(
    stage: Stage, error: Callable[[], OSError]
) -> None:
    game = await family(stage)
    roots, calls = roots_of(game), 0
    while True:
        calls += 1
        now, files = Hands(), Tripping(calls, error)
        reader = ProcReader(now=now, files=files)
        seen = [tree for _ in range(4) if (tree := read_later(reader, now, roots)) is not None]
        if files.left > 0:
            break
        healed = read_later(reader, now, roots)
        assert healed is not None
        assert healed.processes == 3
        for tree in (*seen, healed):
            assert_sane(tree)
        reader.close()
    assert calls > 30


def read_later(reader: ProcReader, now: Hands, roots: dict[str, ProcessId]) -> TreeReading | None:
    """Read half a minute after the time before, when everything is due."""
    now.now_s += 31
    return reader.read(roots).get("game")


def assert_sane(tree: TreeReading) -> None:
    assert tree.cpu_time_s >= 0
    assert tree.rss_bytes > 0
    assert 1 <= tree.processes <= 3
    assert tree.threads >= tree.processes


async def test_fault_19_one_unreadable_tree_leaves_the_others_readable(stage: Stage) -> None:
    _, one = await play(stage, "one")
    _, two = await play(stage, "two")
    hidden = f"/proc/{one.pid}/stat"

    class Hiding(KeptFiles):
        def read(self, path: str) -> bytes:
            if path == hidden:
                raise PermissionError(path)
            return super().read(path)

    roots = {"one": roots_of(one)["game"], "two": roots_of(two)["game"]}
    assert set(ProcReader(files=Hiding()).read(roots)) == {"two"}


async def test_fault_19_the_probe_never_reports_time_running_backwards(stage: Stage) -> None:
    _, game = await play(stage)
    await game.order("child worker")
    worker = await stage.enters("worker")
    await worker.order("burn 0.3")
    roots = roots_of(game)
    probe = TreeProbe(ProcReader())
    levels = [probe.read(roots)["game"].cpu_time_s]
    await game.order("ignore SIGCHLD")  # whose parent ignores it ends uncollected: its time goes nowhere
    worker.send("exit 0")
    await worker.gone()
    while (found := probe.read(roots)["game"]).processes > 1:
        levels.append(found.cpu_time_s)
    levels.append(found.cpu_time_s)
    assert levels == sorted(levels)
    assert levels[-1] >= 0.3


async def test_the_younger_ones_are_found_among_all_that_have_a_session(stage: Stage) -> None:
    _, older = await play(stage)
    await older.order("child worker")
    worker = await stage.enters("worker")
    found = list(procfs.stats_since(roots_of(worker)["game"].started))
    assert worker.pid in {stat.pid for stat in found}
    assert older.pid not in {stat.pid for stat in found}
    assert all(stat.session for stat in found)
