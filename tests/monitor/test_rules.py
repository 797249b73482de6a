"""What an exit means and what follows it, row by row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import rules
from monitor.events import Aftermath, NextStep
from monitor.model import (
    Actor,
    ActorKind,
    Evidence,
    EvidenceKind,
    ExitStatus,
    Intent,
    IntentAction,
    Players,
    Rung,
    Verdict,
)
from monitor.rules import ExitFacts, after_exit, classify_exit, intent_holds, same_command, stop_warning
from monitor.spec import RestartMode, RestartPolicy, StopPolicy
from tests.fakes.game import TRAITS

ANNA = Actor(ActorKind.DISCORD, "1", "anna")
STOP = Intent("ark", 1, IntentAction.STOP, ANNA, at_ms=0)
RESTART = replace(STOP, action=IntentAction.RESTART)
SHUTDOWN = ("Loading", "Stopping the server", "Saved")
FATAL = ("Loading", "FATAL: no map")


def code(value: int) -> ExitStatus:
    return ExitStatus(code=value)


def killed_by(signal: int) -> ExitStatus:
    return ExitStatus(signal=signal)


UNKNOWN = ExitStatus()


@dataclass(frozen=True)
class Row:
    """One line of the table: what was seen, and what it must be taken for."""

    id: str
    status: ExitStatus
    verdict: Verdict
    ready: bool = True
    log: tuple[str, ...] = ("Loading", "Done (1s)")
    quit_by: Actor | None = None
    away: bool = False
    rebooted: bool = False
    line: str | None = None
    """The log line that the verdict must name."""

    @property
    def facts(self) -> ExitFacts:
        return ExitFacts(
            self.status, self.ready, self.log, quit_by=self.quit_by, away=self.away, rebooted=self.rebooted
        )


ROWS = [
    Row("quit-command", code(0), Verdict.STOPPED_IN_GAME, quit_by=ANNA),
    Row("shutdown-line", code(0), Verdict.STOPPED_IN_GAME, log=SHUTDOWN, line="Stopping the server"),
    Row("shutdown-line-never-ready", code(0), Verdict.STOPPED_IN_GAME, ready=False, log=SHUTDOWN, line=SHUTDOWN[1]),
    Row("shutdown-line-unclean-code", code(3), Verdict.CRASHED, log=SHUTDOWN),
    Row("shutdown-line-then-signal", killed_by(11), Verdict.CRASHED, log=SHUTDOWN),
    Row("quit-command-unclean-code", code(3), Verdict.CRASHED, quit_by=ANNA),
    Row("shutdown-after-fatal", code(0), Verdict.UNEXPECTED_EXIT, log=(*FATAL, *SHUTDOWN), line=FATAL[1]),
    Row("exit-0-ready", code(0), Verdict.UNEXPECTED_EXIT),
    Row("exit-0-before-ready", code(0), Verdict.FAILED_TO_START, ready=False),
    Row("code-before-ready", code(1), Verdict.CRASHED, ready=False),
    Row("fatal-line-before-ready", code(1), Verdict.FAILED_TO_START, ready=False, log=FATAL, line=FATAL[1]),
    Row("fatal-line-when-ready", code(1), Verdict.CRASHED, log=FATAL, line=FATAL[1]),
    Row("last-fatal-line", code(1), Verdict.CRASHED, log=("FATAL 1", "FATAL 2", "bye"), line="FATAL 2"),
    Row("segv", killed_by(11), Verdict.CRASHED),
    Row("abrt", killed_by(6), Verdict.CRASHED),
    Row("external-kill", killed_by(9), Verdict.CRASHED),
    Row("code-3", code(3), Verdict.CRASHED),
    Row("shell-137", code(137), Verdict.CRASHED),
    Row("access-violation", code(0xC0000005), Verdict.CRASHED),
    Row("access-violation-signed", code(0xC0000005 - (1 << 32)), Verdict.CRASHED),
    Row("stack-overrun", code(0xC0000409), Verdict.CRASHED),
    Row("console-closed", code(0xC000013A), Verdict.CONSOLE_CLOSED),
    Row("console-closed-signed", code(0xC000013A - (1 << 32)), Verdict.CONSOLE_CLOSED),
    Row("console-closed-before-ready", code(0xC000013A), Verdict.CONSOLE_CLOSED, ready=False),
    Row("unknown-code", UNKNOWN, Verdict.UNEXPECTED_EXIT),
    Row("away", UNKNOWN, Verdict.ENDED_UNSEEN, away=True),
    Row("away-before-ready", UNKNOWN, Verdict.ENDED_UNSEEN, away=True, ready=False),
    Row("away-fatal-line", UNKNOWN, Verdict.ENDED_UNSEEN, away=True, log=FATAL, line=FATAL[1]),
    Row("away-shutdown-line", UNKNOWN, Verdict.STOPPED_IN_GAME, away=True, log=SHUTDOWN, line=SHUTDOWN[1]),
    Row("away-code-known", code(3), Verdict.CRASHED, away=True),
    Row("rebooted", UNKNOWN, Verdict.HOST_REBOOTED, away=True, rebooted=True),
    Row("rebooted-fatal-line", UNKNOWN, Verdict.HOST_REBOOTED, away=True, rebooted=True, log=FATAL),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_fault_1_2_3_18_verdict(row: Row) -> None:
    report = classify_exit(row.facts, TRAITS, (0,))
    assert (report.verdict, report.status) == (row.verdict, row.status)
    lines = [e.detail for e in report.evidence if e.kind is EvidenceKind.LOG_LINE]
    assert lines == ([] if row.line is None else [row.line])
    assert report.by is row.quit_by or report.verdict is Verdict.CRASHED


@pytest.mark.parametrize("intent", [STOP, RESTART], ids=["stop", "restart"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_fault_1_whatever_was_seen_after_an_intent_is_a_stop(row: Row, intent: Intent) -> None:
    report = classify_exit(replace(row.facts, intent=intent), TRAITS, (0,))
    assert (report.verdict, report.by) == (Verdict.STOPPED, ANNA)
    assert report.evidence[0] == Evidence(EvidenceKind.ASKED, "anna")


@pytest.mark.parametrize(
    ("status", "named"),
    [
        (killed_by(11), Evidence(EvidenceKind.SIGNAL, "11")),
        (code(137), Evidence(EvidenceKind.EXIT_CODE, "137")),
        (code(0xC0000005), Evidence(EvidenceKind.EXIT_CODE, "3221225477")),
        (code(0), Evidence(EvidenceKind.EXIT_CODE, "0")),
        (UNKNOWN, Evidence(EvidenceKind.NO_EXIT_CODE)),
    ],
    ids=["signal", "code", "ntstatus", "zero", "unknown"],
)
def test_fault_3_the_first_evidence_is_the_bare_fact(status: ExitStatus, named: Evidence) -> None:
    assert classify_exit(ExitFacts(status, was_ready=True, log_tail=()), TRAITS, (0,)).evidence == (named,)


def test_evidence_says_that_it_was_never_ready_and_that_nobody_was_there() -> None:
    report = classify_exit(ExitFacts(UNKNOWN, was_ready=False, log_tail=(), away=True), TRAITS, (0,))
    assert [e.kind for e in report.evidence] == [
        EvidenceKind.NO_EXIT_CODE,
        EvidenceKind.GONE_WHILE_AWAY,
        EvidenceKind.NEVER_READY,
    ]


def test_a_forced_stop_is_told_as_one() -> None:
    facts = ExitFacts(killed_by(9), was_ready=True, log_tail=(), intent=STOP, forced=Rung.KILL.value)
    assert classify_exit(facts, TRAITS, (0,)).evidence[-1] == Evidence(EvidenceKind.FORCED, "kill")


def test_a_quit_command_names_who_sent_it() -> None:
    report = classify_exit(ExitFacts(code(0), was_ready=True, log_tail=(), quit_by=ANNA), TRAITS, (0,))
    assert report.evidence[-1] == Evidence(EvidenceKind.ASKED, "anna")
    assert report.by == ANNA


@pytest.mark.parametrize(
    ("clean_codes", "verdict"),
    [((0,), Verdict.CRASHED), ((0, 134), Verdict.STOPPED_IN_GAME), ((), Verdict.CRASHED)],
    ids=["not-among-them", "among-them", "none-at-all"],
)
def test_which_codes_are_clean_is_the_servers_own(clean_codes: tuple[int, ...], verdict: Verdict) -> None:
    assert (
        classify_exit(ExitFacts(code(134), was_ready=True, log_tail=SHUTDOWN), TRAITS, clean_codes).verdict is verdict
    )


STATUSES = st.builds(
    ExitStatus,
    code=st.none() | st.integers(-(1 << 31), (1 << 32) - 1),
    signal=st.none() | st.integers(1, 64),
    core_dumped=st.booleans(),
)
LINES = st.lists(st.text() | st.sampled_from([*SHUTDOWN, *FATAL]), max_size=5)
FACTS = st.builds(
    ExitFacts,
    status=STATUSES,
    was_ready=st.booleans(),
    log_tail=LINES,
    intent=st.none() | st.sampled_from([STOP, RESTART]),
    quit_by=st.none() | st.just(ANNA),
    forced=st.sampled_from(["", "terminate", "kill"]),
    away=st.booleans(),
    rebooted=st.booleans(),
)


@given(FACTS, st.lists(st.integers(0, 255)))
def test_every_exit_gets_a_verdict_that_rests_on_something(facts: ExitFacts, clean_codes: list[int]) -> None:
    report = classify_exit(facts, TRAITS, clean_codes)
    assert report.evidence
    assert report.status == facts.status


@given(FACTS.filter(lambda facts: facts.intent is not None), st.lists(st.integers(0, 255)))
def test_fault_1_an_exit_with_an_intent_is_never_a_failure(facts: ExitFacts, clean_codes: list[int]) -> None:
    assert not classify_exit(facts, TRAITS, clean_codes).verdict.failure


@given(FACTS)
def test_a_signal_nobody_asked_for_is_always_a_failure(facts: ExitFacts) -> None:
    facts = replace(facts, intent=None, rebooted=False, status=killed_by(9))
    assert classify_exit(facts, TRAITS, (0,)).verdict.failure


NEVER_BACK = {Verdict.STOPPED, Verdict.HOST_REBOOTED}


@pytest.mark.parametrize(("mode", "verdict"), list(product(RestartMode, Verdict)), ids=lambda value: value.value)
def test_whether_it_comes_back(mode: RestartMode, verdict: Verdict) -> None:
    step = after_exit(RestartPolicy(mode), verdict, 1, 0.5).step
    if mode is RestartMode.NEVER or verdict in NEVER_BACK:
        back = False
    else:
        back = verdict is not Verdict.STOPPED_IN_GAME or mode is RestartMode.ALWAYS
    assert step is (NextStep.RESTART if back else NextStep.STAY_DOWN)


@pytest.mark.parametrize(
    ("failures", "pause_s"), [(0, 5.0), (1, 5.0), (2, 10.0), (3, 20.0), (4, 40.0), (5, 60.0)], ids=str
)
def test_fault_4_the_pause_doubles_up_to_its_cap(failures: int, pause_s: float) -> None:
    policy = RestartPolicy(backoff_s=5.0, backoff_max_s=60.0)
    aftermath = after_exit(policy, Verdict.CRASHED, failures, 0.5)
    assert aftermath == Aftermath(NextStep.RESTART, max(failures, 1), 5, aftermath.delay_s)
    assert aftermath.delay_s == pytest.approx(pause_s)


@pytest.mark.parametrize(
    ("budget", "failures", "step"),
    [
        (5, 5, NextStep.RESTART),
        (5, 6, NextStep.GIVE_UP),
        (1, 1, NextStep.RESTART),
        (1, 2, NextStep.GIVE_UP),
        (0, 1, NextStep.GIVE_UP),
    ],
    ids=["last", "over", "one", "one-over", "none"],
)
def test_fault_4_the_budget_ends_it(budget: int, failures: int, step: NextStep) -> None:
    aftermath = after_exit(RestartPolicy(budget=budget), Verdict.CRASHED, failures, 0.5)
    assert (aftermath.step, aftermath.attempt, aftermath.budget) == (step, failures, budget)


@pytest.mark.parametrize(("chance", "pause_s"), [(0.0, 90.0), (0.5, 100.0), (1.0, 110.0)], ids=str)
def test_chance_moves_the_pause_by_a_tenth_at_most(chance: float, pause_s: float) -> None:
    policy = RestartPolicy(backoff_s=100.0)
    assert after_exit(policy, Verdict.CRASHED, 1, chance).delay_s == pytest.approx(pause_s)


@given(
    st.builds(
        RestartPolicy,
        policy=st.sampled_from(RestartMode),
        budget=st.integers(0, 1 << 62),
        backoff_s=st.floats(0, 1e9),
        backoff_max_s=st.floats(0, 1e9),
    ),
    st.sampled_from(Verdict),
    st.integers(0, 1 << 62),
    st.floats(0, 1, exclude_max=True),
)
def test_any_policy_gives_a_pause_inside_its_cap(
    policy: RestartPolicy, verdict: Verdict, failures: int, chance: float
) -> None:
    aftermath = after_exit(policy, verdict, failures, chance)
    assert 0 <= aftermath.delay_s <= policy.backoff_max_s * (1 + rules.JITTER) * 1.000001
    assert aftermath.attempt <= policy.budget or aftermath.step is NextStep.GIVE_UP


PROCEDURE = StopPolicy(save_s=30.0, polite_s=60.0, terminate_s=10.0)


@pytest.mark.parametrize(
    ("age_s", "policy", "holds"),
    [
        (0.0, PROCEDURE, True),
        (160.0, PROCEDURE, True),
        (160.001, PROCEDURE, False),
        (60.0, StopPolicy(), True),
        (61.0, StopPolicy(), False),
        (7 * 86400.0, PROCEDURE, False),
        (-3600.0, PROCEDURE, True),
    ],
    ids=["new", "at-its-limit", "over-its-limit", "no-procedure", "no-procedure-over", "a-week", "clock-set-back"],
)
def test_an_intent_is_believed_as_long_as_its_stop_may_take(age_s: float, policy: StopPolicy, *, holds: bool) -> None:
    assert intent_holds(replace(STOP, at_ms=1_000_000), 1_000_000 + round(age_s * 1000), policy) is holds


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("stop", "stop", True),
        (" /stop  now ", "stop", True),
        ("Shutdown 30 bye", "Shutdown 1", True),
        ("stopwatch", "stop", False),
        ("say stop", "stop", False),
        ("stop", None, False),
        ("", "stop", False),
    ],
    ids=["same", "slash", "arguments", "longer-word", "not-first", "no-command", "empty"],
)
def test_same_command(text: str, other: str | None, *, same: bool) -> None:
    assert same_command(text, other) is same


@pytest.mark.parametrize(
    ("action", "reason", "players", "said"),
    [
        (IntentAction.STOP, "", Players(2), "The server is shutting down now."),
        (IntentAction.RESTART, "update", Players(2), "The server is restarting now. Reason: update"),
        (IntentAction.STOP, "", None, "The server is shutting down now."),
        (IntentAction.STOP, "update", Players(0), ""),
    ],
    ids=["stop", "restart-reason", "unknown-players", "nobody"],
)
def test_stop_warning(action: IntentAction, reason: str, players: Players | None, said: str) -> None:
    assert stop_warning(action, reason, players) == said
