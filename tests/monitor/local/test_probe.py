"""Counters of real trees, and what is made of them."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.local.machine import local_probe
from monitor.local.probe import CpuTimes, HostCounters, Ledger, TreeProbe, TreeReader, cpu_percent
from monitor.local.psutil_reader import PsutilReader
from monitor.model import HostReading, ProcessId, TreeReading
from tests.monitor.local.stage import Stage

if sys.platform == "linux":
    from monitor.local import procfs
    from monitor.local.proc_reader import ProcReader

WHO = ProcessId(100, 1, "boot")


def reading(cpu: float = 1.0, read: int | None = 0, write: int | None = 0) -> TreeReading:
    return TreeReading(
        at_monotonic_s=0.0,
        cpu_time_s=cpu,
        rss_bytes=1,
        read_bytes=read,
        write_bytes=write,
        threads=1,
        processes=1,
    )


@dataclass(eq=False)
class Script:
    """A reader that plays back."""

    passes: list[Mapping[str, TreeReading]]
    hosts: list[HostCounters] = field(default_factory=lambda: [HostCounters(CpuTimes(0, 0), 8, 4)])

    closed: bool = False

    def close(self) -> None:
        self.closed = True

    def blocks(self, roots: Mapping[str, ProcessId]) -> bool:
        return bool(roots)

    def read(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        return self.passes.pop(0)

    def host(self) -> HostCounters:
        return self.hosts.pop(0)


def playing(*passes: Mapping[str, TreeReading]) -> TreeProbe:
    return TreeProbe(Script(list(passes)))


def test_counters_never_go_backwards() -> None:
    probe = playing(*({"a": reading(cpu)} for cpu in (10.0, 12.0, 5.0, 6.0, 2.0, 3.0)))
    levels = [probe.read({"a": WHO})["a"].cpu_time_s for _ in range(6)]
    assert levels == [10.0, 12.0, 12.0, 13.0, 13.0, 14.0]


def test_a_new_process_begins_anew() -> None:
    probe = playing({"a": reading(10.0)}, {"a": reading(1.0)})
    probe.read({"a": WHO})
    assert probe.read({"a": replace(WHO, pid=101)})["a"].cpu_time_s == 1.0


def test_a_tree_that_could_not_be_read_once_goes_on_where_it_was() -> None:
    probe = playing({"a": reading(10.0)}, {}, {"a": reading(4.0)})
    levels = [probe.read({"a": WHO}) for _ in range(3)]
    assert levels[1] == {}
    assert levels[2]["a"].cpu_time_s == 10.0


def test_a_server_that_is_no_longer_asked_for_is_forgotten() -> None:
    probe = playing({"a": reading(10.0)}, {}, {"a": reading(4.0)})
    probe.read({"a": WHO})
    probe.read({})
    assert probe.read({"a": WHO})["a"].cpu_time_s == 4.0


Io = tuple[int | None, int | None]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([(100, 50), (130, 60)], (130, 60)),
        ([(100, 50), (40, 60)], (100, 60)),
        ([(100, 50), (None, 60)], (None, 60)),
        ([(None, None), (40, 60)], (40, 60)),
        ([(100, 0), (None, 0), (30, 0)], (100, 0)),
        ([(100, 0), (30, 0), (50, 0)], (120, 0)),
    ],
    ids=["grow", "one drops", "one hidden now", "hidden before", "hidden for a moment", "grows after a drop"],
)
def test_io_is_carried_each_for_itself(seen: list[Io], expected: Io) -> None:
    ledger = Ledger()
    level = [ledger.carry(reading(1.0, *io)) for io in seen][-1]
    assert (level.read_bytes, level.write_bytes) == expected


@given(st.lists(st.tuples(*[st.integers(0, 10**9)] * 3), min_size=2))
def test_fault_19_whatever_the_counters_do_no_difference_is_negative(counts: list[tuple[int, int, int]]) -> None:
    ledger = Ledger()
    levels = [ledger.carry(reading(cpu / 100, read, written)) for cpu, read, written in counts]
    for before, after in pairwise(levels):
        assert after.cpu_time_s >= before.cpu_time_s - 1e-6
        assert (after.read_bytes or 0) >= (before.read_bytes or 0)
        assert (after.write_bytes or 0) >= (before.write_bytes or 0)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (CpuTimes(10, 100), CpuTimes(15, 110), 50.0),
        (CpuTimes(10, 100), CpuTimes(10, 110), 0.0),
        (CpuTimes(10, 100), CpuTimes(10, 100), None),
        (CpuTimes(10, 100), CpuTimes(5, 110), 0.0),
        (CpuTimes(10, 100), CpuTimes(30, 110), 100.0),
    ],
    ids=["half", "idle", "no time passed", "counter stepped back", "counter jumped"],
)
def test_the_hosts_load(before: CpuTimes, now: CpuTimes, expected: float | None) -> None:
    assert cpu_percent(before, now) == expected


def test_the_hosts_load_is_that_since_the_reading_before() -> None:
    hosts = [
        HostCounters(CpuTimes(busy, total), 8, 4) for busy, total in ((10, 100), (15, 110), (15, 110), (15, 115))
    ]
    probe = TreeProbe(Script([], hosts))
    assert [probe.host() for _ in range(3)] == [HostReading(pct, 8, 4) for pct in (50.0, 50.0, 0.0)]


if sys.platform == "win32":
    from monitor.local.windows_handles import WindowsTable as Table
else:
    from monitor.local.psutil_table import PsutilTable as Table

READERS: dict[str, Callable[[], TreeReader]] = {"by-psutil": lambda: PsutilReader(Table())}
if sys.platform == "linux":
    READERS |= {"by-proc": ProcReader, "by-proc-without-children": lambda: ProcReader(lists_children=False)}


@pytest.fixture(params=list(READERS.values()), ids=list(READERS))
def reader(request: pytest.FixtureRequest) -> TreeReader:
    made: TreeReader = request.param()
    return made


def root_of(reader: TreeReader, pid: int) -> ProcessId:
    identity = Table().identify(pid) if isinstance(reader, PsutilReader) else procfs.identify(pid)
    assert identity is not None
    return identity


async def measure(reader: TreeReader, pid: int) -> TreeReading:
    found = await asyncio.to_thread(reader.read, {"game": root_of(reader, pid)})
    return found["game"]


async def test_the_whole_tree_is_counted(stage: Stage, reader: TreeReader) -> None:
    _, game = await stage.play(marker=uuid.uuid4().hex)
    alone = await measure(reader, game.pid)
    await game.order("child worker")
    worker = await stage.enters("worker")
    await worker.order("thread-child helper")
    await stage.enters("helper")
    tree = await measure(reader, game.pid)
    assert (alone.processes, alone.threads) == (1, 1)
    assert (tree.processes, tree.threads) == (3, 4)
    assert tree.rss_bytes > 2 * alone.rss_bytes
    assert tree.at_monotonic_s > alone.at_monotonic_s


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no account of ended children; the probe does")
async def test_cpu_time_stays_in_the_sum_when_a_child_ends(stage: Stage, reader: TreeReader) -> None:
    _, game = await stage.play(marker=uuid.uuid4().hex)
    await game.order("child worker")
    worker = await stage.enters("worker")
    await worker.order("burn 0.3")
    at_work = await measure(reader, game.pid)
    worker.send("exit 0")
    await game.order("see-child-end")
    ended = await measure(reader, game.pid)
    await game.order("collect")
    collected = await measure(reader, game.pid)
    assert 0.3 <= at_work.cpu_time_s <= collected.cpu_time_s < 2 * at_work.cpu_time_s
    assert (ended.processes, collected.processes) == (1, 1)
    if not isinstance(reader, PsutilReader):  # psutil does not read what has ended and is not collected
        assert at_work.cpu_time_s <= ended.cpu_time_s <= collected.cpu_time_s


def test_a_reader_knows_the_machine(reader: TreeReader) -> None:
    found = reader.host()
    memory = psutil.virtual_memory()
    assert 0 < found.cpu.busy_s < found.cpu.total_s
    assert found.memory_total_bytes == memory.total
    assert found.memory_available_bytes == pytest.approx(memory.available, rel=0.2)


CALLS = ["cpu_times", "memory_info", "num_threads"]
if sys.platform != "win32":  # where a handle tells it
    CALLS.append("create_time")
FAILURES: dict[str, Callable[[int], psutil.Error]] = {
    "AccessDenied": psutil.AccessDenied,
    "NoSuchProcess": psutil.NoSuchProcess,
    "ZombieProcess": psutil.ZombieProcess,
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("failure", list(FAILURES.values()), ids=list(FAILURES))
async def test_fault_19_whatever_psutil_refuses_is_unknown(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, call: str, failure: Callable[[int], psutil.Error]
) -> None:
    _, game = await stage.play(marker=uuid.uuid4().hex)
    reader = PsutilReader(Table())
    root = root_of(reader, game.pid)

    def refuse(self: psutil.Process, *_: object, **__: object) -> Any:
        raise failure(self.pid)

    monkeypatch.setattr(type(psutil.Process()._proc), call, refuse)  # type: ignore[attr-defined]
    assert reader.read({"game": root}) == {}


async def test_fault_19_io_denied_by_psutil_is_unknown_and_the_rest_is_not(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, game = await stage.play(marker=uuid.uuid4().hex)

    def refuse(self: psutil.Process) -> Any:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "io_counters", refuse)
    found = await measure(PsutilReader(Table()), game.pid)
    assert (found.read_bytes, found.write_bytes, found.processes) == (None, None, 1)


def test_this_machines_probe_reads_ourselves() -> None:
    probe = local_probe()
    assert isinstance(probe, TreeProbe)
    assert probe.read({}) == {}


def test_closing_the_probe_closes_its_reader() -> None:
    script = Script([])
    TreeProbe(script).close()
    assert script.closed
