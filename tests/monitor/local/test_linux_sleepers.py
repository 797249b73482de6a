"""Who has not run is not read again: what that leaves out, and what is seen all the same."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("it reads /proc", allow_module_level=True)

from monitor.local import proc_search, procfs
from monitor.local.kept_files import KeptFiles
from monitor.local.proc_reader import ProcReader
from monitor.model import TreeReading
from tests.monitor.local.stage import Puppet, Stage
from tests.monitor.local.test_linux_probe import Hands, family, play, roots_of


class Counting(KeptFiles):
    """Notes what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    def read(self, path: str) -> bytes:
        self.paths.append(path)
        return super().read(path)

    def peek(self, path: str) -> bytes:
        self.paths.append(path)
        return super().peek(path)

    def names(self, folder: str) -> list[str]:
        self.paths.append(folder)
        return super().names(folder)

    def seen(self, name: str) -> list[int]:
        """Whose files of that name were read."""
        return [int(Path(path).parts[2]) for path in self.paths if path.endswith(f"/{name}")]


class Watch:
    """A reader of one game, with its clock and its files in hand."""

    def __init__(self, game: Puppet) -> None:
        self.now = Hands()
        self.files = Counting()
        self.roots = roots_of(game)
        self.reader = ProcReader(now=self.now, files=self.files)

    def after(self, seconds: float = 0.0) -> TreeReading:
        self.now.now_s += seconds
        self.files.paths.clear()
        return self.reader.read(self.roots)["game"]


@pytest.fixture
def no_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that knows no clocks of other processes."""
    monkeypatch.setattr(procfs, "cpu_clock", lambda _pid: 12345)


async def all_asleep(*puppets: Puppet) -> None:
    """Wait until they have nothing more to do: each says that it is done a moment before it sleeps again."""
    async with asyncio.timeout(10):
        for puppet in puppets:
            while (stat := procfs.read_stat(puppet.pid)) is not None and stat.state != "S":  # noqa: ASYNC110 - no event
                await asyncio.sleep(0)


async def grown(stage: Stage) -> Watch:
    """Give a game of three generations, all asleep, that is no longer young."""
    game = await family(stage)
    watch = Watch(game)
    watch.after()
    await all_asleep(*stage.puppets)
    watch.after(31)
    return watch


def pids(stage: Stage, *roles: str) -> list[int]:
    return sorted(puppet.pid for puppet in stage.puppets if puppet.facts["role"] in roles)


async def test_only_those_that_ran_are_read_again(stage: Stage) -> None:
    watch = await grown(stage)
    before = watch.after()
    assert watch.files.seen("stat") == []
    worker = next(puppet for puppet in stage.puppets if puppet.facts["role"] == "worker")
    await worker.order("burn 0.3")
    after = watch.after()
    assert watch.files.seen("stat") == pids(stage, "worker")
    assert after.cpu_time_s - before.cpu_time_s >= 0.2
    assert (before.processes, before.threads, after.processes) == (3, 3, 3)


async def test_the_memory_of_those_that_sleep_is_read_every_half_minute(stage: Stage) -> None:
    watch = await grown(stage)
    watch.after(10)
    assert watch.files.seen("stat") == []
    watch.after(20)
    assert sorted(watch.files.seen("stat")) == pids(stage, "game", "worker", "helper")


async def test_children_are_looked_for_under_those_that_ran(stage: Stage) -> None:
    watch = await grown(stage)
    watch.after(10)
    assert watch.files.seen("children") == []
    helper = next(puppet for puppet in stage.puppets if puppet.facts["role"] == "helper")
    await helper.order("child late")
    await stage.enters("late")
    assert watch.after(10).processes == 4
    assert watch.files.seen("children") == pids(stage, "helper", "late")


async def test_bytes_are_counted_of_those_that_ran(stage: Stage) -> None:
    watch = await grown(stage)
    watch.after(5)
    assert watch.files.seen("io") == []
    worker = next(puppet for puppet in stage.puppets if puppet.facts["role"] == "worker")
    await worker.order("burn 0.05")
    first = watch.after(5)
    assert watch.files.seen("io") == pids(stage, "worker")
    assert first.io_at_monotonic_s == first.at_monotonic_s


async def test_a_thread_that_runs_while_the_first_one_sleeps_counts(stage: Stage) -> None:
    _, game = await play(stage)
    watch = Watch(game)
    before = watch.after()
    await all_asleep(game)
    await game.order("thread-child worker")
    await all_asleep(game)
    assert watch.after().threads == before.threads + 1


async def test_a_sleeper_that_is_killed_is_missed_at_once_though_its_parent_sleeps(stage: Stage) -> None:
    watch = await grown(stage)
    game = next(puppet for puppet in stage.puppets if puppet.facts["role"] == "game")
    worker = next(puppet for puppet in stage.puppets if puppet.facts["role"] == "worker")
    await worker.order("ignore SIGCHLD")
    helper = next(puppet for puppet in stage.puppets if puppet.facts["role"] == "helper")
    os.kill(helper.pid, 9)
    async with asyncio.timeout(10):
        while procfs.read_stat(helper.pid) is not None:  # noqa: ASYNC110 - nor here
            await asyncio.sleep(0)
    assert watch.after().processes == 2
    os.kill(worker.pid, 9)
    await game.order("see-child-end")
    assert watch.after().processes == 1


async def test_what_a_sleeper_cannot_be_asked_is_read_at_every_tick(stage: Stage, no_clocks: None) -> None:
    watch = await grown(stage)
    first = watch.after()
    assert sorted(watch.files.seen("stat")) == pids(stage, "game", "worker", "helper")
    await next(puppet for puppet in stage.puppets if puppet.facts["role"] == "worker").order("burn 0.3")
    assert watch.after().cpu_time_s - first.cpu_time_s >= 0.2
    watch.after(5)
    assert sorted(watch.files.seen("io")) == pids(stage, "game", "worker", "helper")


async def orphaned(stage: Stage) -> Watch:
    """Give a game that has just left a child to others, half a minute before it is looked for."""
    _, game = await play(stage)
    watch = Watch(game)
    watch.after()
    watch.after(31)
    await game.order("orphan worker")
    await stage.enters("worker")
    return watch


async def test_few_newcomers_are_looked_at_without_a_list_of_everybody(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proc_search, "_FEW", 1_000_000)
    watch = await orphaned(stage)
    assert watch.after(31).processes == 2
    assert "/proc" not in watch.files.paths


async def test_a_stranger_is_looked_at_once(stage: Stage) -> None:
    watch = await grown(stage)
    watch.after(31)
    stranger = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    watch.after(31)
    assert stranger.pid in watch.files.seen("environ")
    watch.after(31)
    assert stranger.pid not in watch.files.seen("environ")
    await stranger.communicate(b"\n")


async def test_many_newcomers_are_found_in_the_list(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc_search, "_FEW", 0)
    watch = await orphaned(stage)
    assert watch.after(31).processes == 2
    assert "/proc" in watch.files.paths


async def test_newcomers_without_clocks_are_found_in_the_list(stage: Stage, no_clocks: None) -> None:
    watch = await orphaned(stage)
    assert watch.after(31).processes == 2
    assert "/proc" in watch.files.paths


async def test_a_list_that_cannot_be_had_is_asked_for_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_folder: str) -> list[str]:
        raise PermissionError

    monkeypatch.setattr(proc_search, "_FEW", 0)
    watch = await orphaned(stage)
    with monkeypatch.context() as patch:
        patch.setattr(watch.files, "names", refuse)
        assert watch.after(31).processes == 1
    assert watch.after(31).processes == 2


async def test_everybody_is_looked_at_now_and_then_whatever_number_they_have(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(procfs, "parse_newest", lambda _text: 1)  # as a container's own loadavg may say
    watch = await orphaned(stage)
    assert watch.after(31).processes == 1
    assert watch.after(240).processes == 2


def test_the_newest_number_is_the_last_one_of_the_line() -> None:
    assert procfs.parse_newest(b"0.00 0.01 0.05 1/123 45678\n") == 45678


def test_the_clock_of_a_process_is_known_and_a_thread_or_nobody_has_none() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    assert thread.native_id is not None
    before, *others = [procfs.ran_ns(number) for number in (os.getpid(), thread.native_id, 2**22 + 1)]
    assert before is not None
    assert others == [None, None]
    assert before < (procfs.ran_ns(os.getpid()) or 0) <= time.process_time_ns()
    done.set()
    thread.join()
