"""Asks a running game, again and again, who is on and how fast it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from monitor.errors import NotSupported
from monitor.game import Game
from monitor.model import Players
from monitor.ports import Clock

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the game says of itself; `None` is unknown, never zero."""

    players: Players | None = None
    tick_rate: float | None = None


@dataclass(slots=True)
class Pulse:
    """Polls one game. An outage is one log line, and one more when it ends."""

    server_id: str
    game: Game
    clock: Clock
    interval_s: float
    """Also how long one answer may take."""
    note: Callable[[Vitals], None]
    _silent: bool = False

    async def run(self) -> None:
        """Ask until cancelled, or until it is plain that this game tells nothing of itself."""
        while True:
            vitals = await self._feel()
            self.note(vitals)
            if vitals == Vitals() and not self._silent:
                return
            await self.clock.sleep(self.interval_s)

    async def _feel(self) -> Vitals:
        try:
            vitals = await self.clock.wait_for(self._ask(), self.interval_s)
        except Exception as failure:  # noqa: BLE001  # an adapter may be of other people's making
            if not self._silent:
                log.warning("game_silent", server=self.server_id, failure=repr(failure))
            self._silent = True
            return Vitals()
        if self._silent:
            log.info("game_answers_again", server=self.server_id)
        self._silent = False
        return vitals

    async def _ask(self) -> Vitals:
        return Vitals(await _if_supported(self.game.players()), await _if_supported(self.game.tick_rate()))


async def _if_supported(answer: Awaitable[T]) -> T | None:
    try:
        return await answer
    except NotSupported:
        return None
