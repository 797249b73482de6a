"""What it costs to measure 20 servers once a second, on a small machine and on one with many processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median

import psutil

from benchmarks import actor
from benchmarks.fleet import park, servers, sleepers
from benchmarks.report import Figure, figure
from monitor.local.machine import Machine, local_probe
from monitor.local.probe import TreeProbe
from monitor.model import HostReading, ProcessId, Sample, TreeReading
from monitor.sampler import Sampler

INTERVAL_S = 1.0
GOAL_CPU_PCT = 0.15
GOAL_LAG_MS = 10.0
_BEAT_S = 0.005


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    servers: int = 20
    processes: int = 3
    machine: int = 300
    """Processes on the machine, all in all."""
    big_machine: int = 2000
    rounds: int = 5
    ticks: int = 6
    """In a round. All rounds together last 30 s, so that whatever is done every 30 s is in them."""
    naive_ticks: int = 1


@dataclass(slots=True)
class Counter:
    """Takes samples in, and counts."""

    samples: int = 0

    def add(self, samples: Sequence[Sample]) -> None:
        self.samples += len(samples)


@dataclass(frozen=True, slots=True)
class Steady:
    """A probe under which the sampler does not slow down on a busy machine: once a second is once a second."""

    probe: TreeProbe

    def blocks(self, roots: Mapping[str, ProcessId]) -> bool:
        return self.probe.blocks(roots)

    def read(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        return self.probe.read(roots)

    def host(self) -> HostReading:
        return replace(self.probe.host(), cpu_pct=0.0)


@dataclass(frozen=True, slots=True)
class Cost:
    """What the same work costs in our way and in the plain one."""

    ours: float
    naive: float


async def figures(machine: Machine, folder: Path, plan: Plan) -> list[Figure]:
    """Measure.

    Raises:
        RuntimeError: not every server was measured at every tick, so the figures would mean nothing.
    """
    argv = (*actor.COMMAND, "tree", str(plan.processes))
    async with park(servers(plan.servers, argv, folder), machine, folder) as running:
        roots = running.fleet.live()
        await _all_grown(machine, roots, plan.processes)
        counter = Counter()

        def sampler() -> Sampler:
            return Sampler(running.fleet, Steady(local_probe()), counter, machine.clock, INTERVAL_S)

        with _machine_of(plan.machine):
            small = await _cpu_pct(sampler(), counter, roots, plan)
            lag = await _lag_ms(sampler(), roots, plan)
        with _machine_of(plan.big_machine):
            big = await _cpu_pct(sampler(), counter, roots, plan)
    each = 1e4 / (plan.servers * plan.processes)  # one percent of a core is 10,000 µs a second
    return [
        figure("sampling_cpu_pct_20x3_1hz", small.ours, "% of a core", GOAL_CPU_PCT, small.naive),
        figure("sampling_us_per_process", small.ours * each, "µs", None, small.naive * each),
        figure("sampling_cpu_pct_2000_pids", big.ours, "% of a core", GOAL_CPU_PCT, big.naive),
        figure("loop_lag_ms_max", lag.ours, "ms", GOAL_LAG_MS, lag.naive),
    ]


def _machine_of(processes: int) -> AbstractContextManager[list[int]]:
    return sleepers(max(0, processes - len(psutil.pids())))


async def _all_grown(machine: Machine, roots: Mapping[str, ProcessId], processes: int) -> None:
    async with asyncio.timeout(60):
        while True:
            trees = await asyncio.to_thread(machine.probe.read, roots)
            if len(trees) == len(roots) and all(tree.processes == processes for tree in trees.values()):
                return
            await asyncio.sleep(0.1)


async def _cpu_pct(sampler: Sampler, counter: Counter, roots: Mapping[str, ProcessId], plan: Plan) -> Cost:
    async with _running(sampler.run()):
        await asyncio.sleep(1.5 * INTERVAL_S)  # the first tick looks at every process there is
        rounds = [await _cpu_pct_of_round(counter, plan, len(roots)) for _ in range(plan.rounds)]
    trees = [psutil.Process(root.pid) for root in roots.values()]
    naive = [_cpu_pct_of_naive(trees, plan.naive_ticks) for _ in range(plan.rounds)]
    # The mean of all rounds, where it is more: what is done in one round of five is no exception, it is work.
    return Cost(max(median(rounds), mean(rounds)), median(naive))


async def _lag_ms(sampler: Sampler, roots: Mapping[str, ProcessId], plan: Plan) -> Cost:
    trees = [psutil.Process(root.pid) for root in roots.values()]
    async with _running(sampler.run()):
        rounds = [await _worst_lag_ms(2 * INTERVAL_S) for _ in range(plan.rounds)]
    naive = [await _worst_lag_ms(INTERVAL_S, lambda: read_naively(trees)) for _ in range(plan.rounds)]
    return Cost(median(rounds), median(naive))


async def _cpu_pct_of_round(counter: Counter, plan: Plan, servers: int) -> float:
    seconds = plan.ticks * INTERVAL_S
    samples, cpu_s = counter.samples, time.process_time()
    await asyncio.sleep(seconds)
    cpu_s, samples = time.process_time() - cpu_s, counter.samples - samples
    if samples < plan.ticks * servers:
        raise RuntimeError(f"{samples} samples in {seconds} s of {servers} servers")
    return 100 * cpu_s / seconds


def _cpu_pct_of_naive(trees: Sequence[psutil.Process], ticks: int) -> float:
    began = time.process_time()
    for _ in range(ticks):
        read_naively(trees)
    return 100 * (time.process_time() - began) / (ticks * INTERVAL_S)


def read_naively(trees: Sequence[psutil.Process]) -> int:
    """Measure each tree the way it is mostly done: `children(recursive=True)`, then one value after the other."""
    psutil.cpu_percent()
    psutil.virtual_memory()
    read = 0
    for root in trees:
        for process in (root, *root.children(recursive=True)):
            with process.oneshot():
                process.cpu_times()
                process.memory_info()
                process.num_threads()
                process.io_counters()
            read += 1
    return read


async def _worst_lag_ms(seconds: float, work: Callable[[], object] | None = None) -> float:
    """Give how late the loop was at worst, woken every few milliseconds; `work` is done once, on the loop."""
    loop = asyncio.get_running_loop()
    if work is not None:
        loop.call_later(seconds / 2, work)
    worst, ends = 0.0, loop.time() + seconds
    while (now := loop.time()) < ends:
        await asyncio.sleep(_BEAT_S)
        worst = max(worst, loop.time() - now - _BEAT_S)
    return 1000 * worst


@asynccontextmanager
async def _running(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
