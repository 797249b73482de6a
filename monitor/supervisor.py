"""The task that owns one server: it alone spawns, stops and judges that server's process.

Everything that happens to a server, a wish of somebody's or an exit, is a job in one queue, so two admins are
serialised and an exit never falls between two steps. Jobs are short; what takes long (waiting for readiness, the stop
procedure, a pause before a restart) runs beside the queue and puts a job into it when it is through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from monitor import lifecycle, rules
from monitor.chronicle import Chronicle
from monitor.errors import AccessRefused, CommandRejected, NotSupported, WrongState
from monitor.events import Past
from monitor.fittings import Fitter, Fittings, Wearing
from monitor.game import Game
from monitor.jobs import JobQueue
from monitor.lifecycle import Request
from monitor.model import Actor, Evidence, ExitStatus, IntentAction, Plan, ProcessId, Run, Sample, Server, State
from monitor.ports import OnRung, ServerLog
from monitor.pulse import Vitals
from monitor.restarts import Restarts
from monitor.runs import Life, Quit
from monitor.saving import said_or_typed
from monitor.silence import Silence
from monitor.spec import ServerSpec
from monitor.standing import Settling, Standing
from monitor.surroundings import Surroundings


class Supervisor:
    """Looks after one server. `serve()` is its task; the other methods may be called by anybody."""

    def __init__(
        self, spec: ServerSpec, make_game: Callable[[ServerSpec], Game], output: ServerLog, around: Surroundings
    ) -> None:
        self.output = output
        self._clock = around.clock
        self._jobs = JobQueue(spec.id)
        self._standing = Standing(spec, around.clock.now_ms)
        self._chronicle = Chronicle(around.journal, around.bus)
        self._life: Life | None = None
        moved, memory = self._moved, self._memory_bytes
        fitter = Fitter(make_game, self._jobs, self._standing, self, output, around, moved, memory)
        self._wearing = Wearing(spec, fitter)
        clock, journal = around.clock, around.journal
        self._silence = Silence(self._standing, self._chronicle, self._wearing, clock)
        self._restarts = Restarts(
            self._jobs, self._standing, self._chronicle, self._wearing, journal, clock, self._spawn
        )

    @property
    def _fit(self) -> Fittings:
        return self._wearing.now

    @property
    def server(self) -> Server:
        """The server as it stands."""
        return self._standing.server

    @property
    def process(self) -> ProcessId | None:
        """Who its live process is."""
        return self._standing.process

    @property
    def vitals(self) -> Vitals:
        """What its game last said of itself."""
        return self._standing.vitals

    def measured(self, sample: Sample) -> None:
        """Take in the latest sample of the live process."""
        if self._life is not None:
            self._standing.measured(sample)

    async def serve(self) -> None:
        """Look after the server until cancelled. Cancelling it leaves the game alone."""
        try:
            await self._jobs.serve()
        finally:
            await self._jobs.close()
            self._standing.close()
            if self._life is not None:
                self._life.process.close()
            await self._fit.game.close()

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

    async def plan(self, plan: Plan) -> Server:
        return await self._jobs.ask(partial(self._plan, plan))

    async def cancel(self, by: Actor) -> Server:
        return await self._jobs.ask(partial(self._cancel, by))

    async def command(self, text: str, by: Actor) -> str | None:
        lifecycle.require(self.server, Request.COMMAND)
        life = self._life
        if life is None:
            return await self._fit.game.command(text)
        before = life.quit
        if rules.same_command(text, self._fit.stop.command):
            life.quit = Quit(by, self._clock.monotonic())
        try:
            return await said_or_typed(self._fit.game.command, life.process, text)
        except (AccessRefused, CommandRejected, NotSupported):
            life.quit = before
            raise

    # Its description

    async def describe(self, spec: ServerSpec) -> Server:
        """Take a new description of it in: in force at once, or, while it is up, from its next start on."""
        await self._jobs.ask(lambda: self._wearing.describe(spec, at_once=self._life is None))
        return self.server

    async def retire(self, by: Actor, *, leave_running: bool) -> None:
        """End `serve()`. A pending restart is called off; a live process is left alone.

        Raises:
            WrongState: it is up, and was not to be left running.
        """
        await self._jobs.ask(partial(self._retire, by, leave_running=leave_running))

    async def _retire(self, by: Actor, *, leave_running: bool) -> None:
        if not leave_running:
            lifecycle.require(self.server, Request.REMOVE)
        if self.server.state is State.BACKOFF:
            await self._restarts.call_off(by)
        self._jobs.end()

    # Recovery

    async def recover(self, past: Past) -> None:
        """Take up where an earlier bot left off: adopt the live process, or find out that it has ended."""
        await self._jobs.ask(partial(self._take_up, past))

    async def _take_up(self, past: Past) -> None:
        await self._wearing.change()
        self._restarts.forgive(past.forgiven_ms)
        last = past.run
        found = await self._fit.runs.take_up(last) if last is not None and last.ended_ms is None else None
        if isinstance(found, Life):
            await self._adopt(found)
        elif found is not None:
            await self._restarts.conclude(found)
        else:
            if last is not None:
                self._standing.ended(last.report, last.ended_ms)
            await self._restarts.resume(past)

    async def _adopt(self, life: Life) -> None:
        self._watch(life)
        if life.intent is not None:
            # Somebody asked for its end and the bot died over it: what was begun is finished.
            self._fit.stops.carry_out(life, life.intent)
        elif life.run.ready_ms is not None:
            self._running(life)
        await self._chronicle.record(life.adopted(self._clock.now_ms()), life.run)

    # Starting

    async def _begin_start(self, by: Actor) -> Settling:
        lifecycle.require(self.server, Request.START)
        self._restarts.end_pause()
        await self._spawn(by)
        return self._standing.settling()

    async def _start_if_down(self, by: Actor) -> None:
        if self.server.state is State.STOPPED:
            await self._restarts.respawn(by)

    async def _spawn(self, by: Actor, begun: Run | None = None) -> None:
        try:
            await self._wearing.change()
            life = await self._fit.runs.spawn(begun)
        except Exception:
            self._standing.change(State.FAILED if self.server.state is State.BACKOFF else State.STOPPED)
            raise
        self._watch(life)
        if by.person:
            self._restarts.forgive(life.run.started_ms)
        await self._chronicle.record(life.started(by), life.run)

    def _watch(self, life: Life) -> None:
        self._life = life
        self._standing.live(life.run)
        self._standing.change(State.STARTING)
        self._fit.watches.end_of(life)
        if life.run.ready_ms is None:
            self._fit.watches.readiness_of(life)

    def _look_after(self, life: Life) -> None:
        """Take up again what a stop that was called off had put aside."""
        if life.run.ready_ms is None:
            self._standing.change(State.STARTING)
            self._fit.watches.readiness_of(life)
        else:
            self._running(life)

    def _moved(self, identity: ProcessId) -> None:
        self._standing.note(process=identity)
        self._jobs.tell(partial(self._write_move, identity))

    async def _write_move(self, identity: ProcessId) -> None:
        life = self._life
        if life is not None and life.process.identity == identity:
            await self._chronicle.record(life.moved(self._clock.now_ms()), life.run)

    def _memory_bytes(self) -> int | None:
        latest = self._standing.latest
        return latest.rss_bytes if latest is not None else None

    async def became_ready(self, life: Life) -> None:
        if self._life is not life or self.server.state is not State.STARTING:
            return
        ready = life.ready(self._clock.now_ms(), self._clock.monotonic())
        await self._chronicle.record(ready, life.run)
        self._running(life)

    def _running(self, life: Life) -> None:
        self._standing.change(State.RUNNING)
        self._fit.watches.running(life)

    # Stopping

    async def _begin_stop(
        self, action: IntentAction, by: Actor, reason: str, on_rung: OnRung | None, *, force: bool
    ) -> Settling:
        lifecycle.require(self.server, Request.FORCE_STOP if force else Request(action.value))
        if self._life is not None:
            await self._fit.stops.begin(self._life, action, by, reason, on_rung, force=force)
        else:
            await self._restarts.call_off(by)
        return self._standing.stopping()

    async def _plan(self, plan: Plan) -> Server:
        wanted = Request(plan.action.value)
        lifecycle.require(self.server, wanted)
        if self._life is None:
            raise WrongState(self.server.id, self.server.state, wanted.value, name=self.server.spec.name)
        self._fit.stops.plan(plan, lambda due: self._jobs.tell(partial(self._plan_due, due)))
        return self.server

    async def _plan_due(self, plan: Plan) -> None:
        if self.server.planned is not plan or self._life is None or self.server.state is State.STOPPING:
            return
        self._fit.stops.forget_plan()
        await self._fit.stops.begin(self._life, plan.action, plan.by, plan.reason, None, force=False)

    async def _cancel(self, by: Actor) -> Server:
        lifecycle.require(self.server, Request.CANCEL)
        life, planned = self._life, self._fit.stops.forget_plan()
        if life is None:
            await self._restarts.call_off(by)
        elif await self._fit.stops.call_off(life, by):
            self._look_after(life)
        elif not planned:
            raise WrongState(self.server.id, self.server.state, Request.CANCEL.value, name=self.server.spec.name)
        return self.server

    # Hanging

    async def hung(self, life: Life, evidence: tuple[Evidence, ...]) -> None:
        if self._life is life:
            await self._silence.hung(life, evidence)

    async def recovered(self, life: Life, after_s: float) -> None:
        if self._life is life:
            await self._silence.recovered(life, after_s)

    # Exits

    async def ended(self, life: Life, status: ExitStatus) -> None:
        # Only now: a stop that was ahead in the queue may have been asked for since.
        killed = await life.process.out_of_memory()
        ending = life.ending(status, self.server.latest, self._clock.monotonic(), killed)
        self._fit.watches.over()
        self._jobs.call_off("stop")
        self._fit.stops.forget_plan()
        life.process.close()
        self._life = None
        await self._restarts.conclude(ending)
        if self._life is None:
            await self._wearing.change()
