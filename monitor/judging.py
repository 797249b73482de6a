"""Puts together what is known about an exit, has it judged, and words it as an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from monitor import rules
from monitor.errors import StorageError
from monitor.events import Aftermath, Event, RestartsExhausted, ServerCrashed, ServerHung, ServerStopped
from monitor.game import GameTraits
from monitor.model import (
    Actor,
    Evidence,
    ExitReport,
    ExitStatus,
    Intent,
    Run,
    Rung,
    Sample,
)
from monitor.ports import Clock, EventLog, ServerLog
from monitor.saving import Saved
from monitor.spec import RestartPolicy

LOG_TAIL_LINES = 50
"""How far back in the log an exit is looked for an explanation."""

SHOWN_LOG_LINES = 15

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """A run that is over, and what was seen of its end."""

    run: Run
    status: ExitStatus
    uptime_s: float
    log_mark: int = 0
    """Where in the log the run began."""
    intent: Intent | None = None
    rung: Rung | None = None
    saved: Saved | None = None
    quit_by: Actor | None = None
    hung: tuple[Evidence, ...] = ()
    out_of_memory: str | None = None
    last: Sample | None = None
    away: bool = False
    rebooted: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an ending was taken for, as it is written down, and what comes next."""

    event: Event
    report: ExitReport
    aftermath: Aftermath


def exhausted(crash: ServerCrashed, policy: RestartPolicy) -> RestartsExhausted:
    """Word it that after this crash a server is given up."""
    return RestartsExhausted(
        server_id=crash.server_id,
        at_ms=crash.at_ms,
        failures=crash.aftermath.attempt,
        window_s=policy.window_s,
        report=crash.report,
        last=crash.last,
    )


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the exits of one server."""

    traits: GameTraits
    clean_codes: Sequence[int]
    policy: RestartPolicy
    output: ServerLog
    journal: EventLog
    clock: Clock
    chance: Callable[[], float]

    async def judge(self, ending: Ending, forgiven_ms: int) -> Judgement:
        """Give the verdict on an ending. Failures from before `forgiven_ms` no longer count."""
        server_id, now_ms = ending.run.server_id, self.clock.now_ms()
        tail, earlier = await asyncio.gather(
            asyncio.to_thread(self._readable_lines, server_id, ending.log_mark),
            self._failures(server_id, now_ms, forgiven_ms),
        )
        report = rules.classify_exit(_facts(ending, tail), self.traits, self.clean_codes)
        failures = 1 + earlier if report.verdict.failure else 0
        aftermath = rules.after_exit(self.policy, report.verdict, failures, self.chance())
        event = _event(ending, report, aftermath, now_ms, tail)
        return Judgement(event, report, aftermath)

    async def hung(self, run: Run, evidence: tuple[Evidence, ...], last: Sample | None, log_mark: int) -> ServerHung:
        """Word it that a server does not answer, and is left as it is."""
        tail = await asyncio.to_thread(self._readable_lines, run.server_id, log_mark)
        return ServerHung(
            server_id=run.server_id,
            at_ms=self.clock.now_ms(),
            run_id=run.id,
            evidence=evidence,
            last=last,
            log_tail=tail[-SHOWN_LOG_LINES:],
        )

    async def _failures(self, server_id: str, now_ms: int, forgiven_ms: int) -> int:
        """How often it failed before this exit, as far as that counts and is known.

        What bears a time that is yet to come is from before the clock was set back, and says nothing of the window.
        """
        since_ms = now_ms - round(self.policy.window_s * 1000)
        if forgiven_ms <= now_ms:
            since_ms = max(since_ms, forgiven_ms)
        try:
            ended_ms = await self.journal.failures_since(server_id, since_ms)
            return sum(each <= now_ms for each in ended_ms)
        except StorageError:
            log.exception("failures_unknown", server=server_id)
            return 0

    def _readable_lines(self, server_id: str, log_mark: int) -> tuple[str, ...]:
        try:
            return self._last_lines(log_mark)
        except OSError:
            log.exception("log_unreadable", server=server_id)
            return ()

    def _last_lines(self, mark: int) -> tuple[str, ...]:
        """Give the last lines since the run began: what an earlier one wrote explains nothing. Blocking, short."""
        lines = 0
        while lines < LOG_TAIL_LINES:
            text, after = self.output.read_since(mark)
            if after == mark:
                break
            lines, mark = lines + text.count("\n"), after
        unfinished = mark < self.output.mark()
        return self.output.tail(min(lines + unfinished, LOG_TAIL_LINES))


def _facts(ending: Ending, tail: tuple[str, ...]) -> rules.ExitFacts:
    return rules.ExitFacts(
        status=ending.status,
        was_ready=ending.run.ready_ms is not None,
        log_tail=tail,
        intent=ending.intent,
        quit_by=ending.quit_by,
        forced=ending.rung.value if ending.rung is not None and ending.rung.forced else "",
        not_saved=ending.saved.value if ending.saved in (Saved.FAILED, Saved.UNPROVEN) else "",
        hung=ending.hung,
        out_of_memory=ending.out_of_memory,
        away=ending.away,
        rebooted=ending.rebooted,
    )


def _event(ending: Ending, report: ExitReport, aftermath: Aftermath, now_ms: int, tail: tuple[str, ...]) -> Event:
    run = ending.run
    if not report.verdict.failure:
        return ServerStopped(
            server_id=run.server_id, at_ms=now_ms, run_id=run.id, report=report, uptime_s=ending.uptime_s
        )
    return ServerCrashed(
        server_id=run.server_id,
        at_ms=now_ms,
        run_id=run.id,
        report=report,
        uptime_s=ending.uptime_s,
        aftermath=aftermath,
        last=ending.last,
        log_tail=tail[-SHOWN_LOG_LINES:],
    )
