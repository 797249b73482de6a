"""Asks a running game, again and again, who is on and how fast it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from monitor.errors import GameError, NotSupported
from monitor.model import Players
from monitor.ports import Clock, Game

log = structlog.get_logger(__name__)


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
    note: Callable[[Vitals], None]
    _silent: bool = False

    async def run(self) -> None:
        while True:
            self.note(await self._feel())
            await self.clock.sleep(self.interval_s)

    async def _feel(self) -> Vitals:
        try:
            players = await self._players()
            tick_rate = await self.game.tick_rate()
        except GameError as failure:
            if not self._silent:
                log.warning("game_silent", server=self.server_id, failure=repr(failure))
            self._silent = True
            return Vitals()
        if self._silent:
            log.info("game_answers_again", server=self.server_id)
        self._silent = False
        return Vitals(players, tick_rate)

    async def _players(self) -> Players | None:
        try:
            return await self.game.players()
        except NotSupported:
            return None
