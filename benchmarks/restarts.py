"""How long a server is down that crashed and is to come back at once: from the kill to the new pid."""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.actor import SLEEP
from benchmarks.fleet import Park, park, servers
from benchmarks.report import Figure, figure
from monitor.events import Event, ServerReady
from monitor.local.machine import Machine
from monitor.model import ExitStatus, ProcessId
from monitor.ports import Launcher, LaunchRequest, ServerProcess

GOAL_MS = 6.0
_LIMIT_S = 30.0


@dataclass(eq=False)
class Stopwatch:
    """Stands before the launcher, and notes when each new process was there."""

    launcher: Launcher
    spawned_s: float = 0.0
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def spawn(self, request: LaunchRequest) -> ServerProcess:
        process = await self.launcher.spawn(request)
        self.spawned_s = time.perf_counter()
        return process

    async def adopt(self, identity: ProcessId) -> ServerProcess | None:
        return await self.launcher.adopt(identity)

    async def find(self, marker: str) -> ServerProcess | None:
        return await self.launcher.find(marker)

    async def ended(self, marker: str) -> ExitStatus | None:
        return await self.launcher.ended(marker)

    def boot_id(self) -> str:
        return self.launcher.boot_id()

    def heard(self, _: int, event: Event) -> None:
        if isinstance(event, ServerReady):
            self.ready.set()


async def figures(machine: Machine, folder: Path, restarts: int) -> list[Figure]:
    """Kill one server `restarts` times, and as often a plain subprocess that a loop starts again."""
    watch = Stopwatch(machine.launcher)
    async with park(servers(1, SLEEP, folder), machine, folder, watch) as running:
        running.bus.listen(watch.heard)
        ours = [await _back_after_ms(running, watch) for _ in range(restarts)]
    naive = await _naive_ms(restarts)
    return [figure("restart_ms_median", median(ours), "ms", GOAL_MS, median(naive))]


async def _back_after_ms(running: Park, watch: Stopwatch) -> float:
    [root] = running.fleet.live().values()
    watch.ready.clear()
    began = time.perf_counter()
    os.kill(root.pid, signal.SIGKILL)
    async with asyncio.timeout(_LIMIT_S):
        await watch.ready.wait()
    return 1000 * (watch.spawned_s - began)


async def _naive_ms(restarts: int) -> list[float]:
    """What remains when nothing is written down, judged, checked or kept: start, wait, start again."""
    delays = []
    process = await asyncio.create_subprocess_exec(*SLEEP)
    for _ in range(restarts):
        began = time.perf_counter()
        process.kill()
        await process.wait()
        process = await asyncio.create_subprocess_exec(*SLEEP)
        delays.append(1000 * (time.perf_counter() - began))
    process.kill()
    await process.wait()
    return delays
