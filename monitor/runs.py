"""How a run comes to be: spawned now, or found again from an earlier life of the bot."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace

from monitor import rules
from monitor.errors import LaunchRefused
from monitor.events import ServerAdopted, ServerReady, ServerStarted
from monitor.judging import Ending
from monitor.model import Actor, ExitStatus, Intent, Run, Rung, Sample, ServerSpec, StopPolicy
from monitor.ports import Clock, EventLog, Launcher, LaunchRequest, ServerLog, ServerProcess


@dataclass(slots=True)
class Life:
    """A live process that is being watched, and what belongs to it alone."""

    run: Run
    process: ServerProcess
    log_mark: int = 0
    """Where in the log it began."""
    intent: Intent | None = None
    rung: Rung | None = None
    """How far the stop procedure has come."""
    quit_by: Actor | None = None
    """Who sent it the game's own quit command through us."""

    def started(self, by: Actor) -> ServerStarted:
        run = self.run
        return ServerStarted(
            server_id=run.server_id, at_ms=run.started_ms, run_id=run.id, process=self.process.identity, by=by
        )

    def adopted(self, at_ms: int) -> ServerAdopted:
        run = self.run
        return ServerAdopted(server_id=run.server_id, at_ms=at_ms, run_id=run.id, process=self.process.identity)

    def ready(self, at_ms: int) -> ServerReady:
        run = self.run = replace(self.run, ready_ms=at_ms)
        after_s = (at_ms - run.started_ms) / 1000
        return ServerReady(server_id=run.server_id, at_ms=at_ms, run_id=run.id, after_s=after_s)

    def ending(self, status: ExitStatus, last: Sample | None) -> Ending:
        return Ending(self.run, status, self.intent, self.rung, self.quit_by, last)


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
            await self.journal.abandon_run(run.id)
            raise
        return Life(replace(run, process=process.identity), process, mark)

    async def take_up(self, last: Run) -> Life | Ending | None:
        """Find what became of an open run: it lives, it ended unseen, or there never was a process."""
        intent = await self._valid_intent(last)
        if last.process is None:
            # The bot died between the spawn and writing its outcome down: the marker tells whether there was one.
            process = await self.launcher.find(last.marker)
        else:
            process = await self.launcher.adopt(last.process)
        if process is not None:
            return Life(replace(last, process=process.identity), process, intent=intent)
        if last.process is None:
            await self.journal.abandon_run(last.id)
            return None
        rebooted = last.process.boot_id != self.launcher.boot_id()
        return Ending(last, ExitStatus(), intent, away=True, rebooted=rebooted)

    async def _valid_intent(self, run: Run) -> Intent | None:
        intent = await self.journal.intent_of(run.id)
        if intent is None or not rules.intent_holds(intent, self.clock.now_ms(), self.stop):
            return None
        return intent
