"""A bot with five servers that is killed over and over, at any moment of its life."""

from __future__ import annotations

import sys

import pytest

if sys.platform != "linux":
    pytest.skip("its bots are forks, and its servers are counted in /proc", allow_module_level=True)

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.monitor.soak_bot import ARGV, COMMAND, SERVERS, describe

ROOT = Path(__file__).parents[2]
LIMIT_S = 30.0
ROUNDS_OF_A_FOLDER = 10
"""Then five new servers are begun with, for a start can only be interrupted while they are down."""
STARTING, UP = "while starting", "when up"

Report = Mapping[str, Any]


@dataclass(eq=False)
class Bots:
    """The process that bots are forks of."""

    process: asyncio.subprocess.Process
    span_s: float = 0.2
    """How long the last bot took to be up that got that far."""

    async def live(self, folder: Path, for_s: float) -> Report | None:
        """Have a bot live so long. Give what it said when it was up, if it came to that."""
        began = time.monotonic()
        self._tell(f"start {folder}")
        try:
            report = await asyncio.wait_for(self._says(), for_s)
        except TimeoutError:
            report = None
        else:
            self.span_s = time.monotonic() - began
        self._tell("kill")
        said = await asyncio.wait_for(self._says(), LIMIT_S)
        if "servers" in said:
            report, said = said, await asyncio.wait_for(self._says(), LIMIT_S)
        assert said == {"killed": -9}, "it ended by itself"
        return report

    def _tell(self, what: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what}\n".encode())

    async def _says(self) -> Report:
        assert self.process.stdout is not None
        said: Report = json.loads(await self.process.stdout.readline())
        return said


@dataclass(eq=False)
class Servers:
    """The servers of one folder, as the machine shows them."""

    folder: Path
    seen: dict[str, psutil.Process] = field(default_factory=dict)
    """The one process of each that is known to have been started; a process is its pid and when it began."""

    def check(self) -> None:
        """Each that ever was seen is there, the same one, and there is no second one of any."""
        running = self.running()
        assert len(running) == len(dict(running)), "a second instance"
        assert self.seen.items() <= dict(running).items(), "lost, or not the same any more"
        self.seen = dict(running)

    def running(self) -> list[tuple[str, psutil.Process]]:
        """Find the programs themselves; a recorder that is about to become one has other arguments."""
        argv = b"".join(f"{word}\0".encode() for word in ARGV)
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                ours = (entry / "cmdline").read_bytes() == argv and (entry / "cwd").readlink().parent == self.folder
                if ours:
                    found.append(((entry / "cwd").readlink().name, psutil.Process(int(entry.name))))
            except (OSError, psutil.NoSuchProcess):
                continue
        return found

    def check_report(self, report: Report, up_before: set[str]) -> None:
        """A bot that was up has adopted all that ran, started the rest, and has told of no crash."""
        assert {server_id: pid for server_id, (_, pid) in report["servers"].items()} == {
            server_id: process.pid for server_id, process in self.seen.items()
        }
        adopted = {server_id for server_id, (kind, _) in report["servers"].items() if kind == "server_adopted"}
        assert up_before <= adopted
        assert report["events"].keys() <= {"server_started", "server_ready", "server_adopted"}

    def end(self) -> None:
        processes = [process for _, process in self.running()]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=LIMIT_S)


@asynccontextmanager
async def bots() -> AsyncIterator[Bots]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Bots(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.wait_for(process.wait(), LIMIT_S)


@asynccontextmanager
async def servers_in(folder: Path) -> AsyncIterator[Servers]:
    await describe(folder)
    servers = Servers(folder)
    try:
        yield servers
    finally:
        await asyncio.to_thread(servers.end)


async def kill_one(bots: Bots, servers: Servers, after_s: float) -> str:
    """Have a bot live so long. Say when it was killed."""
    up_before = set(servers.seen)
    report = await bots.live(servers.folder, after_s)
    await asyncio.to_thread(servers.check)
    if report is None:
        return STARTING
    servers.check_report(report, up_before)
    return UP


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(50, id="50"),
        pytest.param(1000, id="1000", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    ],
)
async def test_fault_17_bots_killed_at_random_lose_no_server_and_double_none(rounds: int, tmp_path: Path) -> None:
    chance = random.Random(17)
    deaths: Counter[str] = Counter()
    async with bots() as nursery:
        for number in range(rounds // ROUNDS_OF_A_FOLDER):
            async with servers_in(tmp_path / str(number)) as servers:
                for _ in range(ROUNDS_OF_A_FOLDER - 1):
                    deaths[await kill_one(nursery, servers, chance.uniform(0, 1.5) * nursery.span_s)] += 1
                last = await kill_one(nursery, servers, LIMIT_S)
                assert (last, sorted(servers.seen)) == (UP, list(SERVERS))
                deaths[last] += 1
    sys.stdout.write(f"{rounds} bots killed: {dict(deaths)}\n")
    assert min(deaths[STARTING], deaths[UP]) >= rounds // 10
