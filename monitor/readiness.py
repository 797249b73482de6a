"""Waits until players can join a server that was just started."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import structlog

from monitor.errors import GameError
from monitor.game import Game
from monitor.ports import Clock, ServerLog
from monitor.spec import ReadyPolicy

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.25
"""How often the log or the game is asked. Only while a server is starting."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Looks for the ready line in the log; without a pattern, asks the game."""

    policy: ReadyPolicy
    game: Game
    output: ServerLog
    clock: Clock
    mark: int
    """Where in the log this start began."""

    async def within_limit(self) -> bool:
        """Whether it became ready inside the policy's limit; without a limit, wait for ever."""
        if self.policy.timeout_s is None:
            await self.ever()
            return True
        try:
            await self.clock.wait_for(self.ever(), self.policy.timeout_s)
        except TimeoutError:
            return False
        return True

    async def ever(self) -> None:
        """Return as soon as it is ready, however long that takes."""
        if self.policy.log is None:
            await self._game_answers()
        else:
            await self._log_says(re.compile(self.policy.log))

    async def _log_says(self, pattern: re.Pattern[str]) -> None:
        mark, told = self.mark, False
        while True:
            try:
                text, mark = await asyncio.to_thread(self.output.read_since, mark)
            except OSError as failure:  # the machine may be short of descriptors for a moment
                text, told = "", self._told("log_unreadable", failure, told=told)
            if any(pattern.search(line) for line in text.splitlines()):
                return
            if not text:
                await self.clock.sleep(LOOK_EVERY_S)

    async def _game_answers(self) -> None:
        told = False
        while True:
            try:
                if await self.game.is_ready():
                    return
            except GameError:
                pass
            except Exception as failure:  # noqa: BLE001  # an adapter may be of other people's making
                told = self._told("readiness_unknown", failure, told=told)
            await self.clock.sleep(LOOK_EVERY_S)

    def _told(self, event: str, failure: Exception, *, told: bool) -> bool:
        """Log what went wrong, once: it is tried again soon."""
        if not told:
            log.warning(event, log=self.output.path.name, failure=repr(failure))
        return True
