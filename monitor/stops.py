"""Brings a server down: now, or announced for later; and calls it off while there is time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from monitor import rules
from monitor.errors import StorageError
from monitor.game import Game
from monitor.jobs import JobQueue
from monitor.model import Actor, Intent, IntentAction, Plan, Rung, State
from monitor.ports import Clock, EventLog, OnRung, ServerLog
from monitor.runs import Life
from monitor.saving import Saved, Saving
from monitor.spec import StopPolicy
from monitor.standing import Standing
from monitor.stopping import WARNING_S, StopProcedure
from monitor.watches import Watches

WARN_BEFORE_S = (30 * 60, 15 * 60, 10 * 60, 5 * 60, 60, 10)
"""How long before a planned stop players are warned."""

CALLED_OFF_UNTIL = (None, Rung.WARN, Rung.SAVE)
"""A stop can be called off until the game has been asked to end."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stops:
    """The stops of one server. Its tasks run beside the server's queue."""

    jobs: JobQueue
    standing: Standing
    watches: Watches
    game: Game
    output: ServerLog
    policy: StopPolicy
    """Whole, as `StopProcedure` wants it."""
    journal: EventLog
    clock: Clock

    async def begin(
        self, life: Life, action: IntentAction, by: Actor, reason: str, on_rung: OnRung | None, *, force: bool
    ) -> None:
        """Write down who wants it, then begin. Both are on disk, in that order, before any signal is sent."""
        intent = Intent(life.run.server_id, life.run.id, action, by, self.clock.now_ms(), reason)
        await self.journal.write_intent(intent)
        life.intent = intent
        self.standing.note(called_off_by=None)
        self.forget_plan()
        if life.rung is None or not life.rung.forced:
            # Begun anew, the last steps would only take longer.
            self.carry_out(life, intent, on_rung, force=force)

    def carry_out(self, life: Life, intent: Intent, on_rung: OnRung | None = None, *, force: bool = False) -> None:
        warning = rules.stop_warning(intent.action, intent.reason, self.standing.server.players)
        self.end(life, warning, on_rung, force=force)

    def end(self, life: Life, warning: str = "", on_rung: OnRung | None = None, *, force: bool = False) -> None:
        """Take the process through the stop procedure."""

        def reached(rung: Rung) -> None:
            life.rung = rung
            if on_rung is not None:
                on_rung(rung)

        def saved(outcome: Saved) -> None:
            life.saved = outcome

        self.watches.over()
        self.standing.change(State.STOPPING)
        folder = self.standing.server.spec.cwd
        saving = Saving(self.game, life.process, self.output, folder, self.policy, self.clock)
        procedure = StopProcedure(life.process, self.game, self.policy, self.clock, reached, saving, saved, warning)
        self.jobs.beside("stop", partial(procedure.run, force=force))

    async def call_off(self, life: Life, by: Actor) -> bool:
        """Call off a stop that has not got past saving. Says whether that was possible.

        Raises:
            StorageError: that cannot be written down, so it goes on.
        """
        if life.intent is None or life.rung not in CALLED_OFF_UNTIL:
            return False
        # First: it must not get any further while this is being written down.
        self.jobs.call_off("stop")
        called_off = Intent(life.run.server_id, life.run.id, IntentAction.CALL_OFF, by, self.clock.now_ms())
        try:
            await self.journal.write_intent(called_off)
        except StorageError:
            self.carry_out(life, life.intent)
            raise
        life.intent, life.rung, life.saved = None, None, None
        self.standing.note(called_off_by=by)
        return True

    # Announced for later

    def plan(self, plan: Plan, due: Callable[[Plan], None]) -> None:
        """Announce a stop; `due` is told when its time has come. It takes the place of one announced before."""
        self.standing.note(planned=plan)
        self.jobs.beside("plan", partial(self._count_down, plan, due))

    def forget_plan(self) -> bool:
        """Call off what is announced. Says whether anything was."""
        had = self.standing.server.planned is not None
        self.jobs.call_off("plan")
        self.standing.note(planned=None)
        return had

    async def _count_down(self, plan: Plan, due: Callable[[Plan], None]) -> None:
        left_s = max(0.0, (plan.due_ms - self.clock.now_ms()) / 1000)
        due_s = self.clock.monotonic() + left_s
        await self._warn(plan, left_s)
        for before_s in WARN_BEFORE_S:
            if before_s < left_s:
                await self.clock.sleep(due_s - before_s - self.clock.monotonic())
                await self._warn(plan, before_s)
        await self.clock.sleep(due_s - self.clock.monotonic())
        due(plan)

    async def _warn(self, plan: Plan, left_s: float) -> None:
        warning = rules.plan_warning(plan, left_s, self.standing.server.players)
        if not warning:
            return
        try:
            await self.clock.wait_for(self.game.warn(warning), WARNING_S)
        except Exception as failure:  # noqa: BLE001  # an adapter may be of other people's making
            log.info("players_not_warned", server=self.standing.server.id, failure=repr(failure))
