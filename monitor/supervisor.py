"""The task that owns one server: it alone spawns, stops and judges that server's process.

Everything that happens to a server, a wish of somebody's or an exit, is a job in one queue, so two admins are
serialised and an exit never falls between two steps. Jobs are short; what takes long (waiting for readiness, the stop
procedure, a pause before a restart) runs beside the queue and puts a job into it when it is through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import structlog

from monitor import lifecycle, rules
from monitor.bus import Bus
from monitor.chronicle import Chronicle
from monitor.errors import AccessRefused, CommandRejected, LaunchRefused, NotSupported, StorageError
from monitor.events import NextStep
from monitor.jobs import JobQueue
from monitor.judging import Ending, Judge
from monitor.lifecycle import Request
from monitor.model import (
    Actor,
    ActorKind,
    ExitStatus,
    Intent,
    IntentAction,
    Run,
    Rung,
    Sample,
    Server,
    State,
)
from monitor.ports import Clock, EventLog, Game, Launcher, OnRung, ServerLog
from monitor.pulse import Pulse, Vitals
from monitor.readiness import Readiness
from monitor.runs import Life, Quit, Runs
from monitor.spec import ServerSpec, fill
from monitor.standing import Settling, Standing
from monitor.stopping import StopProcedure

RESTARTER = Actor(ActorKind.POLICY, "restart", "restart policy")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every supervisor of a fleet shares."""

    launcher: Launcher
    journal: EventLog
    bus: Bus
    clock: Clock
    chance: Callable[[], float]
    """Gives a number from 0 up to 1, for jitter."""
    pulse_s: float = 15.0
    """How often a running game is asked who is on."""


class Supervisor:
    """Looks after one server. `serve()` is its task; the other methods may be called by anybody."""

    def __init__(self, spec: ServerSpec, game: Game, output: ServerLog, around: Surroundings) -> None:
        self.output = output
        self._game = game
        self._around = around
        self._clock = around.clock
        self._jobs = JobQueue(spec.id)
        self._standing = Standing(spec, around.clock.now_ms)
        self._chronicle = Chronicle(around.journal, around.bus)
        self._life: Life | None = None
        self._forgiven_ms = 0
        self._ready = fill(spec.ready, game.traits.ready)
        self._stop = fill(spec.stop, game.traits.stop)
        clean = game.traits.clean_exit_codes if spec.clean_exit_codes is None else spec.clean_exit_codes
        self._judge = Judge(game.traits, clean, spec.restart, output, around.journal, around.clock, around.chance)
        self._runs = Runs(spec, self._stop, output, around.launcher, around.journal, around.clock)

    @property
    def server(self) -> Server:
        """The server as it stands."""
        return self._standing.server

    def measured(self, sample: Sample) -> None:
        """Take in the latest sample of the live process."""
        if self._life is not None:
            self._standing.note(latest=sample)

    async def serve(self) -> None:
        """Look after the server until cancelled. Cancelling it leaves the game alone."""
        try:
            await self._jobs.serve()
        finally:
            await self._jobs.close()
            self._standing.close()
            if self._life is not None:
                self._life.process.close()
            await self._game.close()

    # What people ask for

    async def start(self, by: Actor) -> Server:
        return await asyncio.shield(await self._jobs.ask(partial(self._begin_start, by)))

    async def start_unasked(self, by: Actor) -> None:
        """Start it for a policy, if it is still down: nobody waits for it, so a refusal becomes an alert."""
        await self._jobs.ask(partial(self._start_if_down, by))

    async def stop(
        self, action: IntentAction, by: Actor, *, reason: str, force: bool, on_rung: OnRung | None
    ) -> Server:
        begin = partial(self._begin_stop, action, by, reason, on_rung, force=force)
        return await asyncio.shield(await self._jobs.ask(begin))

    async def command(self, text: str, by: Actor) -> str:
        lifecycle.require(self.server, Request.COMMAND)
        life = self._life
        if life is None or not rules.same_command(text, self._stop.command):
            return await self._game.command(text)
        before, life.quit = life.quit, Quit(by, self._clock.monotonic())
        try:
            return await self._game.command(text)
        except (AccessRefused, CommandRejected, NotSupported):
            life.quit = before
            raise

    # Recovery

    async def recover(self, last: Run | None) -> None:
        """Take up where an earlier bot left off: adopt the live process, or find out that it has ended."""
        if last is not None and last.ended_ms is None:
            await self._jobs.ask(partial(self._take_up, last))
        elif last is not None:
            self._standing.ended(last.report, last.ended_ms)

    async def _take_up(self, last: Run) -> None:
        found = await self._runs.take_up(last)
        if isinstance(found, Life):
            await self._adopt(found)
        elif found is not None:
            await self._conclude(found)

    async def _adopt(self, life: Life) -> None:
        self._watch(life)
        if life.intent is not None:
            # Somebody asked for its end and the bot died over it: what was begun is finished.
            self._carry_out(life, life.intent)
        elif life.run.ready_ms is not None:
            self._running()
        await self._chronicle.record(life.adopted(self._clock.now_ms()), life.run)

    # Starting

    async def _begin_start(self, by: Actor) -> Settling:
        lifecycle.require(self.server, Request.START)
        self._jobs.call_off("pause")
        self._forgiven_ms = self._clock.now_ms()
        self._standing.note(restarts_used=0)
        await self._spawn(by)
        return self._standing.settling()

    async def _start_if_down(self, by: Actor) -> None:
        if self.server.state is State.STOPPED:
            await self._respawn(by)

    async def _spawn(self, by: Actor) -> None:
        try:
            life = await self._runs.spawn()
        except Exception:
            self._standing.change(State.FAILED if self.server.state is State.BACKOFF else State.STOPPED)
            raise
        self._watch(life)
        await self._chronicle.record(life.started(by), life.run)

    def _watch(self, life: Life) -> None:
        self._life = life
        self._standing.live(life.run)
        self._standing.change(State.STARTING)
        self._jobs.beside("exit", partial(self._wait_for_exit, life))
        if life.run.ready_ms is None:
            self._jobs.beside("readiness", partial(self._wait_until_ready, life))

    async def _wait_until_ready(self, life: Life) -> None:
        readiness = Readiness(self._ready, self._game, self.output, self._clock, life.log_mark)
        try:
            if not await readiness.within_limit():
                log.warning("slow_start", server=self.server.id, limit_s=self._ready.timeout_s)
                self._standing.settle()
                await readiness.ever()
        except Exception:
            self._standing.settle()
            raise
        self._jobs.tell(partial(self._became_ready, life))

    async def _became_ready(self, life: Life) -> None:
        if self._life is not life or self.server.state is not State.STARTING:
            return
        ready = life.ready(self._clock.now_ms(), self._clock.monotonic())
        await self._chronicle.record(ready, life.run)
        self._running()

    def _running(self) -> None:
        self._standing.change(State.RUNNING)
        pulse = Pulse(self.server.id, self._game, self._clock, self._around.pulse_s, self._felt)
        self._jobs.beside("pulse", pulse.run)

    def _felt(self, vitals: Vitals) -> None:
        self._standing.note(players=vitals.players, tick_rate=vitals.tick_rate)

    # Stopping

    async def _begin_stop(
        self, action: IntentAction, by: Actor, reason: str, on_rung: OnRung | None, *, force: bool
    ) -> Settling:
        lifecycle.require(self.server, Request(action.value))
        life = self._life
        if life is None:
            self._jobs.call_off("pause")
            self._standing.change(State.STOPPED)
            return self._standing.settling()
        intent = Intent(self.server.id, life.run.id, action, by, self._clock.now_ms(), reason)
        await self._around.journal.write_intent(intent)
        life.intent = intent
        self._carry_out(life, intent, on_rung, force=force)
        return self._standing.settling()

    def _carry_out(self, life: Life, intent: Intent, on_rung: OnRung | None = None, *, force: bool = False) -> None:
        def reached(rung: Rung) -> None:
            life.rung = rung
            if on_rung is not None:
                on_rung(rung)

        self._jobs.call_off("readiness", "pulse")
        warning = rules.stop_warning(intent.action, intent.reason, self.server.players)
        self._standing.change(State.STOPPING)
        procedure = StopProcedure(life.process, self._game, self._stop, self._clock, reached, warning)
        self._jobs.beside("stop", partial(procedure.run, force=force))

    # Exits

    async def _wait_for_exit(self, life: Life) -> None:
        status = await life.process.wait()
        self._jobs.tell(partial(self._ended, life, status))

    async def _ended(self, life: Life, status: ExitStatus) -> None:
        # Only now: a stop that was ahead in the queue may have been asked for since.
        ending = life.ending(status, self.server.latest, self._clock.monotonic())
        self._jobs.call_off("readiness", "pulse", "stop")
        life.process.close()
        self._life = None
        await self._conclude(ending)

    async def _conclude(self, ending: Ending) -> None:
        """Judge an ending, write it down, then do what follows from it."""
        judgement = await self._judge.judge(ending, self._forgiven_ms)
        report, ended_ms = judgement.report, judgement.event.at_ms
        self._standing.ended(report, ended_ms)
        await self._chronicle.record(judgement.event, replace(ending.run, ended_ms=ended_ms, report=report))
        aftermath = judgement.aftermath
        if ending.intent is not None and ending.intent.action is IntentAction.RESTART:
            await self._respawn(ending.intent.by)
        elif aftermath.step is NextStep.RESTART:
            self._standing.note(restarts_used=aftermath.attempt)
            self._pause(aftermath.delay_s)
        elif aftermath.step is NextStep.GIVE_UP:
            await self._chronicle.record(judgement.exhausted(self.server.spec.restart))
            self._standing.change(State.FAILED)
        else:
            self._standing.change(State.STOPPED)

    def _pause(self, delay_s: float) -> None:
        self._standing.change(State.BACKOFF, next_start_ms=self._clock.now_ms() + round(delay_s * 1000))
        self._jobs.beside("pause", partial(self._wait_out, delay_s))

    async def _wait_out(self, delay_s: float) -> None:
        if delay_s:
            await self._clock.sleep(delay_s)
        self._jobs.tell(self._pause_over)

    async def _pause_over(self) -> None:
        if self.server.state is State.BACKOFF:
            await self._respawn(RESTARTER)

    async def _respawn(self, by: Actor) -> None:
        """Start it again; there is nobody to tell a refusal to, so it becomes an alert."""
        try:
            await self._spawn(by)
        except LaunchRefused as refusal:
            await self._chronicle.record(self._runs.refused(refusal, by))
        except StorageError:
            log.exception("start_not_written_down", server=self.server.id)
