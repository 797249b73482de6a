"""A bot without Discord, to be killed again and again. Run as `python -m tests.monitor.soak_bot`, on Linux.

Most of the life of a bot that is killed at once would be spent on importing things. So one process imports them, and
each bot is a fork of it: told `start FOLDER` it forks one, told `kill` it kills that one and says so once it is gone.
At the end of its input it does that unasked.

A bot looks after the servers in its database, and says in one line of JSON which of them it has found or started.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monitor.bus import Bus
from monitor.events import Event, ServerAdopted, ServerStarted
from monitor.fleet import Fleet
from monitor.games.registry import make_game
from monitor.local.log import CapturedLog
from monitor.local.machine import local_machine
from monitor.spec import ServerSpec
from monitor.surroundings import Surroundings
from storage.database import Database
from storage.journal import Journal
from storage.servers import Servers

SERVERS = ("ark", "bedrock", "conan", "dayz", "empyrion")
ARGV = (shutil.which("sleep") or "sleep", "1800")
COMMAND = (sys.executable, "-m", "tests.monitor.soak_bot")


def specs(folder: Path) -> list[ServerSpec]:
    return [
        ServerSpec(id=server_id, name=server_id, game="generic", argv=ARGV, cwd=folder / server_id, autostart=True)
        for server_id in SERVERS
    ]


async def describe(folder: Path) -> None:
    """Put the servers where the bots will look for them."""
    for spec in specs(folder):
        spec.cwd.mkdir(parents=True)
    async with await Database.open(folder / "gamekeeper.db") as db:
        await Servers(db).save(specs(folder))


@dataclass
class Found:
    """How each server came to be looked after, and as which process."""

    servers: dict[str, tuple[str, int]] = field(default_factory=dict)
    whole: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, _id: int, event: Event) -> None:
        if isinstance(event, ServerAdopted | ServerStarted):
            self.servers[event.server_id] = (event.kind, event.process.pid)
        if len(self.servers) == len(SERVERS):
            self.whole.set()


async def told(journal: Journal) -> Counter[str]:
    """Count the events in the record by kind."""
    return Counter(stored.event.kind for stored in await journal.events(limit=10_000))


def fleet(servers: Sequence[ServerSpec], folder: Path, journal: Journal, bus: Bus) -> Fleet:
    machine = local_machine(folder / "runs")
    return Fleet(
        servers,
        make_game=make_game,
        make_log=lambda spec: CapturedLog(folder / "logs" / f"{spec.id}.log"),
        around=Surroundings(machine.launcher, journal, bus, machine.clock, random.random),
    )


async def look_after(folder: Path) -> None:
    async with await Database.open(folder / "gamekeeper.db") as db:
        journal, bus, found = Journal(db), Bus(), Found()
        bus.listen(found.hear)
        await fleet(await Servers(db).all(), folder, journal, bus).open()
        await found.whole.wait()
        say({"servers": found.servers, "events": await told(journal)})
        await asyncio.Event().wait()


def say(what: object) -> None:
    os.write(1, f"{json.dumps(what)}\n".encode())


def start(folder: Path) -> int:
    pid = os.fork()
    if pid == 0:
        asyncio.run(look_after(folder))
        os._exit(1)
    return pid


def kill(pid: int) -> int:
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    bot = None
    for line in sys.stdin:
        verb, _, rest = line.strip().partition(" ")
        if verb == "start":
            bot = start(Path(rest))
        elif bot is not None:
            say({"killed": kill(bot)})
            bot = None
    if bot is not None:
        kill(bot)


if __name__ == "__main__":
    main()
