"""A real fleet for benchmarks: real processes, a real database on the disk, and nothing of Discord."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import actor
from monitor.bus import Bus
from monitor.fleet import Fleet
from monitor.games.generic import GenericGame
from monitor.local.log import CapturedLog
from monitor.local.machine import Machine
from monitor.model import Actor, ActorKind
from monitor.ports import Launcher
from monitor.spec import RestartMode, RestartPolicy, ServerSpec
from monitor.surroundings import Surroundings
from storage.database import Database
from storage.journal import Journal
from storage.servers import Servers

BENCHMARK = Actor(ActorKind.COMMAND_LINE, "benchmark", "benchmark")
AT_ONCE = RestartPolicy(RestartMode.ALWAYS, budget=10_000, backoff_s=0.0, backoff_max_s=0.0)
_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Park:
    """A fleet whose servers run."""

    fleet: Fleet
    bus: Bus


def servers(count: int, argv: Sequence[str], folder: Path) -> list[ServerSpec]:
    """Describe some servers that run the same program, each in a folder of its own, and come back without a pause."""
    folders = [folder / f"s{n}" for n in range(count)]
    for each in folders:
        each.mkdir()
    return [
        ServerSpec(id=cwd.name, name=cwd.name, game="generic", argv=tuple(argv), cwd=cwd, restart=AT_ONCE)
        for cwd in folders
    ]


@asynccontextmanager
async def park(
    specs: Sequence[ServerSpec], machine: Machine, folder: Path, launcher: Launcher | None = None
) -> AsyncIterator[Park]:
    """Have them started, and at the end killed.

    Args:
        specs: the servers.
        machine: what they run on.
        folder: where database and logs go.
        launcher: stands in front of the machine's own.
    """
    async with await Database.open(folder / "gamekeeper.db") as db:
        await Servers(db).save(specs)
        bus = Bus()
        around = Surroundings(launcher or machine.launcher, Journal(db), bus, machine.clock, lambda: 0.5)
        fleet = Fleet(
            specs,
            make_game=GenericGame,
            make_log=lambda spec: CapturedLog(folder / f"{spec.id}.log"),
            around=around,
        )
        await fleet.open()
        try:
            for spec in specs:
                await fleet.start(spec.id, BENCHMARK)
            yield Park(fleet, bus)
        finally:
            stops = (fleet.stop(i, BENCHMARK, force=True) for i in fleet.live())
            async with asyncio.timeout(_LIMIT_S):
                await asyncio.gather(*stops, return_exceptions=True)
            await fleet.close()


@contextmanager
def sleepers(count: int) -> Iterator[list[int]]:
    """Have so many sleeping processes, none of which is a child of ours. Gives their pids."""
    with subprocess.Popen([*actor.COMMAND, "sleepers", str(count)], stdin=-1, stdout=-1, text=True) as parent:
        assert parent.stdout is not None
        yield [int(pid) for pid in parent.stdout.readline().split()]
        parent.communicate()
