"""A whole fleet on the fake machine: what `bot/app.py` builds, out of fakes.

Give a house to two fleets in turn to play a restart of the bot: the machine, the record and the logs stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from monitor.bus import Bus
from monitor.events import Event, Past
from monitor.fleet import Fleet
from monitor.model import Actor, ActorKind, IntentAction, Server
from monitor.ports import OnRung
from monitor.spec import RestartPolicy, ServerSpec
from monitor.supervisor import Supervisor
from monitor.surroundings import Surroundings
from tests.fakes.clock import FakeClock
from tests.fakes.game import FakeGame
from tests.fakes.journal import FakeJournal
from tests.fakes.machine import FakeLauncher, FakeLog, FakeProcess

ANNA = Actor(ActorKind.DISCORD, "1", "anna")
BERT = Actor(ActorKind.DISCORD, "2", "bert")

RESTARTS = RestartPolicy(budget=3, window_s=600.0, backoff_s=5.0, backoff_max_s=300.0)


def spec_of(server_id: str = "ark", **changes: Any) -> ServerSpec:
    plain: dict[str, Any] = {
        "name": server_id.title(),
        "game": "generic",
        "argv": ("run", "--fast"),
        "cwd": Path("/srv"),
        "restart": RESTARTS,
    }
    return ServerSpec(id=server_id, **(plain | changes))


@dataclass(eq=False)
class House:
    """Servers say that they are ready as soon as they are spawned, unless told to be `slow`; asked in the game's own
    way to stop, they exit with 0."""

    clock: FakeClock = field(default_factory=FakeClock)
    launcher: FakeLauncher = field(default_factory=FakeLauncher)
    journal: FakeJournal = field(default_factory=FakeJournal)
    bus: Bus = field(default_factory=Bus)
    heard: list[Event] = field(default_factory=list)
    games: dict[str, FakeGame] = field(default_factory=dict)
    logs: dict[str, FakeLog] = field(default_factory=dict)
    slow: bool = False
    outfit: Callable[[ServerSpec], ServerSpec] | None = None
    """What the games' own files say."""

    def __post_init__(self) -> None:
        self.launcher.on_spawn = self._spawned
        self.bus.listen(lambda _, event: self.heard.append(event))

    def _spawned(self, process: FakeProcess) -> None:
        if not self.slow:
            self.logs[process.request.server_id].write("Done (1s)")

    @property
    def around(self) -> Surroundings:
        around = Surroundings(self.launcher, self.journal, self.bus, self.clock, chance=lambda: 0.5)
        return replace(around, outfit=self.outfit)

    def game(self, server_id: str = "ark") -> FakeGame:
        """The game of a server as the present fleet has it, or as the first one will."""
        if server_id not in self.games:
            self.games[server_id] = FakeGame(on_stop=lambda: self._exit(server_id))
        return self.games[server_id]

    def _game_of(self, spec: ServerSpec) -> FakeGame:
        if self.game(spec.id).closed:
            del self.games[spec.id]
        return self.game(spec.id)

    def _exit(self, server_id: str) -> None:
        for process in self.launcher.processes:
            if process.alive and process.request.server_id == server_id:
                process.exit(0)

    def log(self, server_id: str = "ark") -> FakeLog:
        return self.logs.setdefault(server_id, FakeLog())

    @asynccontextmanager
    async def supervising(self, spec: ServerSpec | None = None) -> AsyncIterator[Supervisor]:
        """One server looked after, recovered from what the journal says of it."""
        spec = spec or spec_of()
        supervisor = Supervisor(spec, self._game_of, self.log(spec.id), self.around)
        task = asyncio.create_task(supervisor.serve())
        await asyncio.sleep(0)  # cancelled before its first step, it would not clean up after itself
        try:
            await supervisor.recover((await self.journal.past()).get(spec.id, Past()))
            yield supervisor
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @asynccontextmanager
    async def fleet(self, *specs: ServerSpec) -> AsyncIterator[Fleet]:
        fleet = Fleet(
            specs,
            make_game=self._game_of,
            make_log=lambda spec: self.log(spec.id),
            around=self.around,
        )
        try:
            await fleet.open()
            yield fleet
        finally:
            await fleet.close()


async def stop(
    supervisor: Supervisor, by: Actor = ANNA, *, force: bool = False, reason: str = "", on_rung: OnRung | None = None
) -> Server:
    return await supervisor.stop(IntentAction.STOP, by, reason=reason, force=force, on_rung=on_rung)


async def restart(supervisor: Supervisor, by: Actor = ANNA) -> Server:
    return await supervisor.stop(IntentAction.RESTART, by, reason="", force=False, on_rung=None)
