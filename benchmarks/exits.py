"""How soon an exit is noticed: of processes that the launcher started, and of others that it adopted."""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks.actor import SLEEP
from benchmarks.fleet import sleepers
from benchmarks.report import Figure, figure
from monitor.local import procfs
from monitor.local.machine import Machine
from monitor.ports import LaunchRequest, ServerProcess

GOAL_MS = 1.0
_AT_A_TIME = 20
_ASLEEP_S = 0.005


async def figures(machine: Machine, folder: Path, exits: int) -> list[Figure]:
    """End `exits` processes, half of them started by the launcher and half adopted, one after the other."""
    seen: list[float] = []
    while len(seen) < exits // 2:
        count = min(_AT_A_TIME, exits // 2 - len(seen))
        processes = [await machine.launcher.spawn(_request(folder, number)) for number in range(count)]
        seen += [await _seen_after_ms(process) for process in processes]
    with sleepers(exits - len(seen)) as pids:
        seen += [await _seen_after_ms(await _adopt(machine, pid)) for pid in pids]
    with sleepers(exits) as pids:
        naive = [await _seen_by_psutil_after_ms(pid) for pid in pids]
    return [figure("exit_seen_ms_p99", percentile(seen, 99), "ms", GOAL_MS, percentile(naive, 99))]


def percentile(values: Sequence[float], percent: int) -> float:
    """Give the value that so many percent do not exceed, by nearest rank."""
    rank = -(-len(values) * percent // 100)
    return sorted(values)[max(rank, 1) - 1]


def _request(folder: Path, number: int) -> LaunchRequest:
    cwd = folder / str(number)
    cwd.mkdir(exist_ok=True)
    return LaunchRequest(f"exit-{number}", SLEEP, cwd, {}, f"{number}-{time.monotonic_ns()}", cwd / "log")


async def _adopt(machine: Machine, pid: int) -> ServerProcess:
    identity = procfs.identify(pid)
    process = None if identity is None else await machine.launcher.adopt(identity)
    if process is None:
        raise ProcessLookupError(pid)
    return process


async def _seen_after_ms(process: ServerProcess) -> float:
    """Kill it while the loop is idle, as it is in life, and give the time until whoever waits for it goes on."""
    waiting = asyncio.ensure_future(process.wait())
    await asyncio.sleep(_ASLEEP_S)
    began = time.perf_counter()
    os.kill(process.identity.pid, signal.SIGKILL)
    await waiting
    seen = time.perf_counter() - began
    process.close()
    return 1000 * seen


async def _seen_by_psutil_after_ms(pid: int) -> float:
    waiting = asyncio.ensure_future(asyncio.to_thread(psutil.Process(pid).wait))
    await asyncio.sleep(_ASLEEP_S)
    began = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    await waiting
    return 1000 * (time.perf_counter() - began)
