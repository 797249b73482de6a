"""The stop procedure: from the politest step to the last, each with its limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from monitor.errors import GameError, GameFault, GameUnavailable, NotSupported
from monitor.game import Game
from monitor.model import Rung
from monitor.ports import Clock, OnRung, ServerProcess
from monitor.saving import Saved, Saving
from monitor.spec import StopPolicy

WARNING_S = 5.0
"""How long a game may take to pass a warning on."""

ASKING_S = 10.0
"""How long a game may take, out of its polite limit, to say that it has understood; then it gets the signal too."""

KILL_AGAIN_S = 30.0
"""What is still there so long after it was killed is killed again: the system may have been short of something."""

log = structlog.get_logger(__name__)

Step = Callable[[], Awaitable[bool]]
"""Gives whether the process has ended."""


@dataclass(frozen=True, slots=True)
class StopProcedure:
    """Ends one process. Nobody's process but the server's own tree is touched."""

    process: ServerProcess
    game: Game
    policy: StopPolicy
    """Whole: of it only `command`, `signal` and what concerns saving may be `None`."""
    clock: Clock
    on_rung: OnRung
    saving: Saving
    on_saved: Callable[[Saved], None]
    warning: str = ""
    """What players are told first; empty when there is nobody to tell."""

    async def run(self, *, force: bool = False) -> Rung:
        """Return, once the process has ended, the rung that was reached."""
        for rung, step in self._steps(force=force):
            self._tell(rung)
            if await self._ended_by(rung, step):
                return rung
        self._tell(Rung.KILL)
        while not await self._killed():
            pass
        return Rung.KILL

    def _steps(self, *, force: bool) -> list[tuple[Rung, Step]]:
        steps: list[tuple[Rung, Step]] = []
        if not force:
            steps = [(Rung.WARN, self._warn)] if self.warning else []
            steps += [(Rung.SAVE, self._save)] if self.policy.save_s else []
            steps += [(Rung.ASK, self._ask)]
        return [*steps, (Rung.TERMINATE, self._terminate)]

    def _tell(self, rung: Rung) -> None:
        """Say which step begins. A stop does not fail because nobody could be told."""
        try:
            self.on_rung(rung)
        except Exception:
            log.exception("stop_step_untold", step=rung.value)

    async def _ended_by(self, rung: Rung, step: Step) -> bool:
        """Take a step. One that breaks, in an adapter of other people's making perhaps, leads to the next."""
        try:
            return await step()
        except Exception:
            log.exception("stop_step_broke", step=rung.value)
            return False

    async def _warn(self) -> bool:
        try:
            await self.clock.wait_for(self.game.warn(self.warning), WARNING_S)
        except (GameError, TimeoutError) as failure:
            log.info("players_not_warned", failure=repr(failure))
        return False

    async def _save(self) -> bool:
        try:
            outcome = await self.saving.run()
        except Exception:
            self.on_saved(Saved.FAILED)
            raise
        self.on_saved(outcome)
        return False

    async def _ask(self) -> bool:
        limit_s = self.policy.polite_s or 0.0
        deadline_s = self.clock.monotonic() + limit_s
        if not await self._asked(min(limit_s, ASKING_S)) and self.policy.signal is not None:
            await self.process.interrupt(self.policy.signal)
        return await self._ended_within(deadline_s - self.clock.monotonic())

    async def _asked(self, limit_s: float) -> bool:
        """Whether the game has taken, or may well have taken, our request to stop."""
        try:
            await self.clock.wait_for(self._ask_in_words(), limit_s)
        except GameUnavailable as unavailable:
            # It hangs up as soon as it stops: a closed connection is as good an answer as any.
            return unavailable.fault is GameFault.CLOSED
        except (GameError, TimeoutError):
            return False
        return True

    async def _ask_in_words(self) -> None:
        """Ask over the admin port; without one, type the stop command into its console."""
        try:
            await self.game.ask_to_stop()
        except NotSupported:
            if self.policy.command is None:
                raise
            await self.process.type_line(self.policy.command)

    async def _terminate(self) -> bool:
        await self.process.terminate_tree()
        return await self._ended_within(self.policy.terminate_s or 0.0)

    async def _killed(self) -> bool:
        await self._ended_by(Rung.KILL, self._kill)
        return await self._ended_within(KILL_AGAIN_S)

    async def _kill(self) -> bool:
        await self.process.kill_tree()
        return False

    async def _ended_within(self, limit_s: float) -> bool:
        try:
            await self.clock.wait_for(self.process.wait(), limit_s)
        except TimeoutError:
            return False
        return True
