"""How a run comes to be: spawned now, or found again from an earlier life of the bot."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace

import structlog

from monitor import rules
from monitor.errors import LaunchRefused, StorageError
from monitor.events import ServerAdopted, ServerReady, ServerStarted, StartFailed
from monitor.judging import Ending
from monitor.model import Actor, ExitStatus, Intent, Run, Rung, Sample
from monitor.ports import Clock, EventLog, Launcher, LaunchRequest, ServerLog, ServerProcess
from monitor.spec import ServerSpec, StopPolicy

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Quit:
    """A game's own quit command that somebody sent through us."""

    by: Actor
    at_s: float
    """Monotonic."""


@dataclass(slots=True)
class Life:
    """A live process that is being watched, and what belongs to it alone."""

    run: Run
    process: ServerProcess
    began_s: float
    """Monotonic: how long it lives is not a matter of what the wall clock was set to."""
    log_mark: int = 0
    """Where in the log it began; zero where that is not known any more."""
    intent: Intent | None = None
    rung: Rung | None = None
    """How far the stop procedure has come."""
    quit: Quit | None = None

    def started(self, by: Actor) -> ServerStarted:
        run = self.run
        return ServerStarted(
            server_id=run.server_id, at_ms=run.started_ms, run_id=run.id, process=self.process.identity, by=by
        )

    def adopted(self, at_ms: int) -> ServerAdopted:
        run = self.run
        return ServerAdopted(server_id=run.server_id, at_ms=at_ms, run_id=run.id, process=self.process.identity)

    def ready(self, at_ms: int, now_s: float) -> ServerReady:
        run = self.run = replace(self.run, ready_ms=at_ms)
        return ServerReady(server_id=run.server_id, at_ms=at_ms, run_id=run.id, after_s=now_s - self.began_s)

    def ending(self, status: ExitStatus, last: Sample | None, now_s: float) -> Ending:
        """Put together what is known when it has ended, at `now_s` of the monotonic clock."""
        believed = self.quit is not None and now_s - self.quit.at_s <= rules.QUIT_BELIEVED_S
        return Ending(
            self.run,
            status,
            now_s - self.began_s,
            log_mark=self.log_mark,
            intent=self.intent,
            rung=self.rung,
            quit_by=self.quit.by if self.quit is not None and believed else None,
            last=last,
        )


@dataclass(frozen=True, slots=True)
class Runs:
    """Begins and takes up the runs of one server."""

    spec: ServerSpec
    stop: StopPolicy
    output: ServerLog
    launcher: Launcher
    journal: EventLog
    clock: Clock

    async def spawn(self) -> Life:
        """Start the server's program.

        Raises:
            LaunchRefused: it cannot be started; no trace of a run is left.
        """
        spec = self.spec
        run = await self.journal.begin_run(spec.id, self.clock.now_ms(), uuid.uuid4().hex)
        mark = await asyncio.to_thread(self.output.mark)
        request = LaunchRequest(spec.id, spec.argv, spec.cwd, spec.env, run.marker, self.output.path)
        try:
            process = await self.launcher.spawn(request)
        except LaunchRefused:
            await self._abandon(run)
            raise
        return Life(replace(run, process=process.identity), process, self.clock.monotonic(), mark)

    def refused(self, refusal: LaunchRefused, by: Actor) -> StartFailed:
        """Word a refusal as an event, where nobody waits to be told of it."""
        return StartFailed(
            server_id=self.spec.id,
            at_ms=self.clock.now_ms(),
            reason=refusal.fault.value,
            subject=refusal.subject,
            by=by,
        )

    async def take_up(self, last: Run) -> Life | Ending | None:
        """Find what became of an open run: it lives, it ended unseen, or there never was a process."""
        intent = await self._valid_intent(last)
        age_s = max(0, self.clock.now_ms() - last.started_ms) / 1000
        if last.process is None:
            # The bot died between the spawn and writing its outcome down: the marker tells whether there was one.
            process = await self.launcher.find(last.marker)
        else:
            process = await self.launcher.adopt(last.process)
        if process is not None:
            began_s = self.clock.monotonic() - age_s
            return Life(replace(last, process=process.identity), process, began_s, intent=intent)
        if last.process is None:
            await self._abandon(last)
            return None
        rebooted = last.process.boot_id != self.launcher.boot_id()
        return Ending(last, ExitStatus(), age_s, intent=intent, away=True, rebooted=rebooted)

    async def _abandon(self, run: Run) -> None:
        try:
            await self.journal.abandon_run(run.id)
        except StorageError:
            # The next bot finds it open and without a process, and abandons it then.
            log.exception("run_not_abandoned", server=run.server_id, run=run.id)

    async def _valid_intent(self, run: Run) -> Intent | None:
        intent = await self.journal.intent_of(run.id)
        if intent is None or not rules.intent_holds(intent, self.clock.now_ms(), self.stop):
            return None
        return intent
