"""The decisions about an exit: what it meant, and what comes next. Pure functions over values.

The table that `classify_exit` follows is in `docs/supervision.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.events import (
    Aftermath,
    Event,
    NextStep,
    RestartsExhausted,
    ServerCrashed,
    ServerStopped,
    StartFailed,
)
from monitor.game import GameTraits
from monitor.model import (
    Actor,
    ActorKind,
    Evidence,
    EvidenceKind,
    ExitReport,
    ExitStatus,
    Intent,
    IntentAction,
    Plan,
    Players,
    Verdict,
)
from monitor.spec import RestartMode, RestartPolicy, ServerSpec, StopPolicy

RESTARTER = Actor(ActorKind.POLICY, "restart", "restart policy")
"""Who starts a server that came down by itself."""

CONSOLE_CLOSED = 0xC000013A
"""STATUS_CONTROL_C_EXIT: Windows ended a console program because its console went away."""

INTENT_SLACK_S = 60.0
"""How much longer than its stop procedure an intent is believed, should the bot have been away meanwhile."""

JITTER = 0.1
"""A pause is this fraction longer or shorter by chance, so that servers that fell together do not rise together."""

QUIT_BELIEVED_S = 900.0
"""How long after a game's own quit command an exit is still put down to it: such a command may name a delay."""

MINUTE_S = 60

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104 - a host to compare with

SIGKILL = 9

OUT_OF_MEMORY_CODES = frozenset({128 + SIGKILL, 0xC0000017, 0xC000012D})
"""As a shell reports SIGKILL; STATUS_NO_MEMORY and STATUS_COMMITMENT_LIMIT.

Source: https://learn.microsoft.com/openspecs/windows_protocols/ms-erref
"""

DOUBLINGS = 20
"""More than any sensible pause; keeps a huge budget from overflowing."""


@dataclass(frozen=True, slots=True)
class ExitFacts:
    """All that is known about an exit."""

    status: ExitStatus
    was_ready: bool
    log_tail: Sequence[str]
    """The last lines of the log, oldest first."""
    intent: Intent | None = None
    quit_by: Actor | None = None
    """Who sent the game its own quit command through us, just before."""
    forced: str = ""
    """The rung of the stop procedure that ended it, where the polite ones did not."""
    not_saved: str = ""
    """How a save before the stop failed, where it did."""
    hung: tuple[Evidence, ...] = ()
    """Why it was ended for not answering, where it was."""
    out_of_memory: str | None = None
    """What the system says of having killed it for want of memory."""
    away: bool = False
    """It ended while the bot was not there to see it."""
    rebooted: bool = False
    """The machine has been started again since."""


def exit_name(status: ExitStatus) -> Evidence:
    """Name the bare fact of an exit: its signal, its code, or that nobody could tell."""
    if status.signal is not None:
        return Evidence(EvidenceKind.SIGNAL, str(status.signal))
    if status.code is not None:
        return Evidence(EvidenceKind.EXIT_CODE, str(status.code))
    return Evidence(EvidenceKind.NO_EXIT_CODE)


def last_match(patterns: Iterable[str], lines: Sequence[str]) -> str | None:
    """Give the last of `lines` that any of the regular expressions matches."""
    compiled = [re.compile(pattern) for pattern in patterns]
    return next((line for line in reversed(lines) if any(p.search(line) for p in compiled)), None)


def classify_exit(facts: ExitFacts, traits: GameTraits, clean_codes: Sequence[int]) -> ExitReport:
    """Judge an exit by what was asked for, what the operating system says, and what the game says, in that order."""
    named = exit_name(facts.status)
    if facts.intent is not None:
        return _asked_for(facts, facts.intent.by, named)
    if facts.hung:
        return ExitReport(Verdict.HUNG, facts.status, (*facts.hung, named))
    if facts.out_of_memory is not None:
        killed = Evidence(EvidenceKind.OOM_KILL, facts.out_of_memory)
        return ExitReport(Verdict.OUT_OF_MEMORY, facts.status, (named, killed))
    if facts.rebooted:
        return ExitReport(Verdict.HOST_REBOOTED, facts.status, (Evidence(EvidenceKind.OTHER_BOOT),))
    evidence = [named]
    if facts.away:
        evidence.append(Evidence(EvidenceKind.GONE_WHILE_AWAY))
    if not facts.was_ready:
        evidence.append(Evidence(EvidenceKind.NEVER_READY))
    verdict, line = _unasked(facts, traits, clean_codes)
    if line is not None:
        evidence.append(Evidence(EvidenceKind.LOG_LINE, line))
    if facts.quit_by is not None and verdict is Verdict.STOPPED_IN_GAME:
        evidence.append(Evidence(EvidenceKind.ASKED, facts.quit_by.name))
    return ExitReport(verdict, facts.status, tuple(evidence), facts.quit_by if verdict.wanted else None)


def _asked_for(facts: ExitFacts, by: Actor, named: Evidence) -> ExitReport:
    evidence = [Evidence(EvidenceKind.ASKED, by.name), named]
    if facts.not_saved:
        evidence.append(Evidence(EvidenceKind.NOT_SAVED, facts.not_saved))
    if facts.forced:
        evidence.append(Evidence(EvidenceKind.FORCED, facts.forced))
    return ExitReport(Verdict.STOPPED, facts.status, tuple(evidence), by)


def _unasked(facts: ExitFacts, traits: GameTraits, clean_codes: Sequence[int]) -> tuple[Verdict, str | None]:
    """Give the verdict on an exit without an intent, and the log line it rests on."""
    status = facts.status
    told = status.signal is not None or status.code is not None
    clean = status.signal is None and (status.code is None or status.code in clean_codes)
    shutdown = last_match(traits.shutdown_log, facts.log_tail)
    fatal = last_match(traits.fatal_log, facts.log_tail)
    if clean and fatal is None and (shutdown is not None or facts.quit_by is not None):
        return Verdict.STOPPED_IN_GAME, shutdown
    if status.code is not None and status.code % (1 << 32) == CONSOLE_CLOSED:
        return Verdict.CONSOLE_CLOSED, None
    if facts.away and not told:
        return Verdict.ENDED_UNSEEN, fatal
    if not facts.was_ready and (clean or fatal is not None):
        return Verdict.FAILED_TO_START, fatal
    if not clean:
        return Verdict.CRASHED, fatal
    return Verdict.UNEXPECTED_EXIT, fatal


def intent_holds(intent: Intent, now_ms: int, stop: StopPolicy) -> bool:
    """Whether an intent can still be the reason of an exit that is noticed now.

    An intent outlives the bot; were it believed for ever, a server that ignored a stop and crashed a week later would
    count as stopped.
    """
    limit_s = (stop.save_s or 0) + (stop.polite_s or 0) + (stop.terminate_s or 0) + INTENT_SLACK_S
    return now_ms - intent.at_ms <= limit_s * 1000


def after_exit(policy: RestartPolicy, verdict: Verdict, failures: int, chance: float) -> Aftermath:
    """Decide what follows an exit that nobody asked for through us.

    Args:
        policy: the server's own.
        verdict: what the exit was taken for.
        failures: how many unwanted exits the policy's window holds, this one among them.
        chance: a number from 0 up to 1, for the jitter.
    """
    if not _restarts(policy.policy, verdict):
        return Aftermath(NextStep.STAY_DOWN)
    attempt = max(failures, 1)
    if attempt > policy.budget:
        return Aftermath(NextStep.GIVE_UP, attempt, policy.budget)
    pause = min(policy.backoff_s * 2 ** min(attempt - 1, DOUBLINGS), policy.backoff_max_s)
    return Aftermath(NextStep.RESTART, attempt, policy.budget, pause * (1 - JITTER + 2 * JITTER * chance))


def _restarts(mode: RestartMode, verdict: Verdict) -> bool:
    match verdict:
        case Verdict.STOPPED | Verdict.HOST_REBOOTED:
            return False
        case Verdict.STOPPED_IN_GAME:
            return mode is RestartMode.ALWAYS
        case _:
            return mode is not RestartMode.NEVER


def same_command(text: str, other: str | None) -> bool:
    """Whether two admin commands are the same one, whatever their arguments; a leading slash does not matter."""
    if other is None:
        return False
    return text.strip().removeprefix("/").split()[:1] == other.strip().removeprefix("/").split()[:1]


def stop_warning(action: IntentAction, reason: str, players: Players | None) -> str:
    """What players are told before a stop; nothing where it is known that nobody is on."""
    if players is not None and players.online == 0:
        return ""
    what = "restarting" if action is IntentAction.RESTART else "shutting down"
    return f"The server is {what} now." + (f" Reason: {reason}" if reason else "")


def plan_warning(plan: Plan, left_s: float, players: Players | None) -> str:
    """What players are told of a stop that is to come; nothing where it is known that nobody is on."""
    if players is not None and players.online == 0:
        return ""
    what = "restarts" if plan.action is IntentAction.RESTART else "shuts down"
    left = f"{round(left_s / 60)} min" if left_s >= MINUTE_S else f"{round(left_s)} s"
    return f"The server {what} in {left}." + (f" Reason: {plan.reason}" if plan.reason else "")


def local_ports(spec: ServerSpec) -> tuple[int, ...]:
    """Give the ports of this machine on which a server is known to listen."""
    endpoints = (spec.admin, spec.query)
    return tuple(dict.fromkeys(e.port for e in endpoints if e is not None and e.host in LOCAL_HOSTS))


def may_be_out_of_memory(status: ExitStatus) -> bool:
    """Whether it is worth asking the system if it killed this process for want of memory."""
    return status.signal == SIGKILL or status.code in OUT_OF_MEMORY_CODES


def pending(event: Event | None, policy: RestartPolicy) -> Aftermath:
    """What a server's last event left to be done, should the bot have ended right after it."""
    match event:
        case ServerCrashed():
            return event.aftermath
        case ServerStopped():
            return after_exit(policy, event.report.verdict, failures=0, chance=0.5)
        case RestartsExhausted() | StartFailed(by=Actor(id=RESTARTER.id, kind=RESTARTER.kind)):
            return Aftermath(NextStep.GIVE_UP)
        case _:
            return Aftermath(NextStep.STAY_DOWN)
