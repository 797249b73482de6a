"""How a run comes to be: spawned now, or found again from an earlier life of the bot."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from monitor import rules
from monitor.errors import LaunchRefused, StorageError
from monitor.events import ServerAdopted, ServerMoved, ServerReady, ServerStarted, StartFailed
from monitor.following import FollowedProcess
from monitor.judging import Ending
from monitor.model import Actor, Evidence, ExitStatus, Intent, IntentAction, ProcessId, Run, Rung, Sample
from monitor.ports import Clock, EventLog, Launcher, LaunchRequest, ServerLog, ServerProcess
from monitor.saving import Saved
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
    process: FollowedProcess
    began_s: float
    """Monotonic: how long it lives is not a matter of what the wall clock was set to."""
    log_mark: int = 0
    """Where in the log it began."""
    intent: Intent | None = None
    rung: Rung | None = None
    """How far the stop procedure has come."""
    saved: Saved | None = None
    quit: Quit | None = None
    hung: tuple[Evidence, ...] = ()
    """Why it is being ended for not answering."""

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

    def moved(self, at_ms: int) -> ServerMoved:
        """Take in that it is another process now."""
        run = self.run = replace(self.run, process=self.process.identity)
        return ServerMoved(server_id=run.server_id, at_ms=at_ms, run_id=run.id, process=self.process.identity)

    def ending(
        self, status: ExitStatus, last: Sample | None, now_s: float, out_of_memory: str | None = None
    ) -> Ending:
        """Put together what is known when it has ended, at `now_s` of the monotonic clock."""
        believed = self.quit is not None and now_s - self.quit.at_s <= rules.QUIT_BELIEVED_S
        return Ending(
            self.run,
            status,
            now_s - self.began_s,
            log_mark=self.log_mark,
            intent=self.intent,
            rung=self.rung,
            saved=self.saved,
            hung=self.hung,
            out_of_memory=out_of_memory,
            quit_by=self.quit.by if self.quit is not None and believed else None,
            last=last,
        )


def new_marker() -> str:
    """Give a value of `GAMEKEEPER_RUN` that no run had before."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Runs:
    """Begins and takes up the runs of one server."""

    spec: ServerSpec
    stop: StopPolicy
    output: ServerLog
    launcher: Launcher
    journal: EventLog
    clock: Clock
    moved: Callable[[ProcessId], None]
    """Told when a run's process is another one now."""
    last_memory_bytes: Callable[[], int | None]

    def _followed(self, process: ServerProcess, run: Run) -> FollowedProcess:
        return FollowedProcess(process, run.marker, self.launcher, self.moved, self.last_memory_bytes)

    async def spawn(self, begun: Run | None = None) -> Life:
        """Start the server's program, as the run that was begun, or as one that is begun now.

        Raises:
            LaunchRefused: it cannot be started; no trace of a run is left.
        """
        spec = self.spec
        run = begun or await self.journal.begin_run(spec.id, self.clock.now_ms(), new_marker())
        mark = await asyncio.to_thread(self.output.begin, run.marker)
        request = LaunchRequest(
            server_id=spec.id,
            argv=spec.argv,
            cwd=spec.cwd,
            env=spec.env,
            marker=run.marker,
            log=self.output.path,
            ports=rules.local_ports(spec),
            priority=spec.priority,
            cpus=spec.cpus,
        )
        try:
            process = await self.launcher.spawn(request)
        except LaunchRefused:
            await self._abandon(run)
            raise
        run = replace(run, process=process.identity)
        return Life(run, self._followed(process, run), self.clock.monotonic(), mark)

    def refused(self, refusal: LaunchRefused, by: Actor) -> StartFailed:
        """Word a refusal as an event, where nobody waits to be told of it."""
        return StartFailed(
            server_id=self.spec.id,
            at_ms=self.clock.now_ms(),
            reason=refusal.fault.value,
            subject=refusal.subject,
            by=by,
            holder=refusal.holder,
        )

    async def take_up(self, last: Run) -> Life | Ending | None:
        """Find what became of an open run: it lives, it ended unseen, or there never was a process."""
        intent = await self.valid_intent(last)
        age_s = max(0, self.clock.now_ms() - last.started_ms) / 1000
        mark = await asyncio.to_thread(self._mark_of, last)
        process = await self.launcher.adopt(last.process) if last.process is not None else None
        if process is None:
            # The bot died before it could write down whom it had spawned, or the server has become another process
            # meanwhile: the marker tells.
            process = await self.launcher.find(last.marker)
        if process is not None:
            began_s = self.clock.monotonic() - age_s
            run = replace(last, process=process.identity)
            return Life(run, self._followed(process, run), began_s, mark, intent=intent)
        status = await self.launcher.ended(last.marker)
        if last.process is None and status is None:
            await self._abandon(last)
            return None
        rebooted = last.process is not None and last.process.boot_id != self.launcher.boot_id()
        status = status or ExitStatus()
        return Ending(last, status, age_s, mark, intent=intent, away=True, rebooted=rebooted)

    def _mark_of(self, run: Run) -> int:
        try:
            return self.output.mark_of(run.marker)
        except OSError:
            log.exception("log_unreadable", server=run.server_id)
            return 0

    async def _abandon(self, run: Run) -> None:
        try:
            await self.journal.abandon_run(run.id)
        except StorageError:
            # The next bot finds it open and without a process, and abandons it then.
            log.exception("run_not_abandoned", server=run.server_id, run=run.id)

    async def valid_intent(self, run: Run) -> Intent | None:
        """Give what somebody asked for, as long as it can be the reason of an end that is noticed now."""
        intent = await self.journal.intent_of(run.id)
        if intent is None or intent.action is IntentAction.CALL_OFF:
            return None
        return intent if rules.intent_holds(intent, self.clock.now_ms(), self.stop) else None
