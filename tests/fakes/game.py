"""A game that does what the test says: `monitor.ports.Game` without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from monitor.errors import GameError, NotSupported
from monitor.game import GameTraits
from monitor.model import Players
from monitor.spec import ReadyPolicy, StopPolicy

TRAITS = GameTraits(
    ready=ReadyPolicy(log=r"Done \(", timeout_s=120.0),
    stop=StopPolicy(command="stop", signal="SIGTERM", save_s=30.0, polite_s=60.0, terminate_s=10.0),
    clean_exit_codes=(0,),
    shutdown_log=(r"Stopping the server",),
    fatal_log=(r"FATAL",),
)


NOBODY = Players(0, 20)


@dataclass(eq=False)
class FakeGame:
    """Notes down what it was asked to do; `fail_with` and `hang` decide how it takes it."""

    traits: GameTraits = TRAITS
    asked: list[str] = field(default_factory=list)
    """"warn: …", "save", "stop", "command: …", in order."""
    online: Players | None = NOBODY
    rate: float | None = 20.0
    ready: bool = True
    signs: dict[str, bool] = field(default_factory=lambda: {"admin": True})
    fail_with: dict[str, GameError] = field(default_factory=dict)
    """By what it is asked: warn, save, stop, players, command, ready."""
    hang: set[str] = field(default_factory=set)
    """What it never answers."""
    on_stop: Callable[[], None] | None = None
    """What a polite stop does, such as ending the fake process."""
    closed: bool = False

    async def _answer(self, what: str, said: str = "") -> None:
        self.asked.append(f"{what}: {said}" if said else what)
        if what in self.hang:
            await asyncio.Event().wait()
        if what in self.fail_with:
            raise self.fail_with[what]

    async def is_ready(self) -> bool:
        await self._answer("ready")
        return self.ready

    async def signs_of_life(self) -> Mapping[str, bool]:
        await self._answer("signs")
        return dict(self.signs)

    async def players(self) -> Players:
        await self._answer("players")
        if self.online is None:
            raise NotSupported("players")
        return self.online

    async def tick_rate(self) -> float | None:
        return self.rate

    async def warn(self, message: str) -> None:
        await self._answer("warn", message)

    async def save(self) -> None:
        await self._answer("save")

    async def ask_to_stop(self) -> None:
        await self._answer("stop")
        if self.on_stop is not None:
            self.on_stop()

    async def command(self, text: str) -> str:
        await self._answer("command", text)
        return f"ran {text}"

    async def close(self) -> None:
        self.closed = True
