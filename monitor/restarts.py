"""What becomes of a server that is down: judged, written down, then brought back, left down or given up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

import structlog

from monitor import judging, rules
from monitor.chronicle import Chronicle
from monitor.errors import LaunchRefused, StorageError
from monitor.events import Aftermath, Event, NextStep, Past, RestartCalledOff, ServerCrashed, ServerStopped
from monitor.fittings import Wearing
from monitor.jobs import JobQueue
from monitor.judging import Ending
from monitor.model import Actor, IntentAction, Run, State, Verdict
from monitor.ports import Clock, EventLog
from monitor.runs import new_marker
from monitor.standing import Standing

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Restarts:
    """The restarts of one server. All but the pause is done in its queue."""

    jobs: JobQueue
    standing: Standing
    chronicle: Chronicle
    wearing: Wearing
    journal: EventLog
    clock: Clock
    spawn: Callable[[Actor, Run | None], Awaitable[None]]
    """Told who wants it, and what was written down of the run that it begins, where that is done."""
    _forgiven_ms: int = 0

    def forgive(self, at_ms: int) -> None:
        """Begin a new count of failures: those from before `at_ms` no longer count."""
        self._forgiven_ms = at_ms
        self.standing.note(restarts_used=0)

    async def conclude(self, ending: Ending) -> None:
        """Judge an ending, write it down, then do what follows from it."""
        judgement = await self.wearing.now.judge.judge(ending, self._forgiven_ms)
        report, ended_ms = judgement.report, judgement.event.at_ms
        self.standing.ended(report, ended_ms)
        over = replace(ending.run, ended_ms=ended_ms, report=report)
        if ending.intent is not None and ending.intent.action is IntentAction.RESTART:
            await self._go_on(judgement.event, over, ending.intent.by)
        elif judgement.aftermath.step is NextStep.RESTART and not judgement.aftermath.delay_s:
            self.standing.note(restarts_used=judgement.aftermath.attempt)
            self.standing.change(State.BACKOFF, next_start_ms=ended_ms)
            await self._go_on(judgement.event, over, rules.RESTARTER)
        else:
            await self.chronicle.record(judgement.event, over)
            await self._follow_up(judgement.event, judgement.aftermath, judgement.aftermath.delay_s)

    async def _go_on(self, event: Event, over: Run, by: Actor) -> None:
        """Write down that a run is over, and start the next one."""
        begun = await self.chronicle.record_and_begin(event, over, self.clock.now_ms(), new_marker())
        await self.respawn(by, begun)

    async def resume(self, past: Past) -> None:
        """Go on with what was decided, by the restart policy or by somebody, before the bot ended."""
        event = past.event
        self._forgiven_ms = past.forgiven_ms
        if event is None:
            return
        if isinstance(event, ServerStopped) and event.report.verdict is Verdict.STOPPED:
            intent = await self.journal.intent_of(event.run_id)
            if intent is not None and intent.action is IntentAction.RESTART:
                await self.respawn(intent.by)
            return
        aftermath = rules.pending(event, self.standing.server.spec.restart)
        gone_s = max(0, self.clock.now_ms() - event.at_ms) / 1000
        await self._follow_up(event, aftermath, max(0.0, aftermath.delay_s - gone_s))

    async def _follow_up(self, event: Event, aftermath: Aftermath, delay_s: float) -> None:
        if aftermath.step is NextStep.RESTART:
            self.standing.note(restarts_used=aftermath.attempt)
            self._pause(delay_s)
        elif aftermath.step is NextStep.GIVE_UP:
            if isinstance(event, ServerCrashed):
                exhausted = judging.exhausted(event, self.standing.server.spec.restart)
                await self.chronicle.record(exhausted)
            self.standing.change(State.FAILED)
        else:
            self.standing.change(State.STOPPED)

    def _pause(self, delay_s: float) -> None:
        self.standing.change(State.BACKOFF, next_start_ms=self.clock.now_ms() + round(delay_s * 1000))
        self.jobs.beside("pause", partial(self._wait_out, delay_s))

    async def _wait_out(self, delay_s: float) -> None:
        if delay_s:
            await self.clock.sleep(delay_s)
        self.jobs.tell(self._pause_over)

    async def _pause_over(self) -> None:
        if self.standing.state is State.BACKOFF:
            await self.respawn(rules.RESTARTER)

    def end_pause(self) -> None:
        self.jobs.call_off("pause")

    async def call_off(self, by: Actor) -> None:
        """Leave it down, and begin a new count of failures."""
        self.end_pause()
        called_off = RestartCalledOff(server_id=self.standing.server.id, at_ms=self.clock.now_ms(), by=by)
        await self.chronicle.record(called_off)
        self.forgive(called_off.at_ms)
        self.standing.change(State.STOPPED)

    async def respawn(self, by: Actor, begun: Run | None = None) -> None:
        """Start it again; there is nobody to tell a refusal to, so it becomes an alert."""
        try:
            await self.spawn(by, begun)
        except LaunchRefused as refusal:
            await self.chronicle.record(self.wearing.now.runs.refused(refusal, by))
        except StorageError:
            log.exception("start_not_written_down", server=self.standing.server.id)
            if self.standing.state is State.FAILED:
                # It did not fail, the disk did; and there is nowhere to tell that it was given up.
                self.standing.change(State.STOPPED)
                self._pause(self.standing.server.spec.restart.backoff_max_s)
