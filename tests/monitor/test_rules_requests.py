"""What evidence outweighs what, what a last event leaves to be done, and what players are told of a plan."""

from __future__ import annotations

import pytest

from monitor import rules
from monitor.events import (
    Aftermath,
    Event,
    NextStep,
    RestartCalledOff,
    RestartsExhausted,
    ServerCrashed,
    ServerReady,
    ServerStopped,
    StartFailed,
)
from monitor.fleet import AUTOSTART
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
from monitor.spec import AdminEndpoint, Endpoint, RestartMode, RestartPolicy, Secret
from tests.fakes.game import TRAITS
from tests.fakes.house import ANNA, spec_of

KILLED = ExitStatus(signal=9)
STOP = Intent("ark", 1, IntentAction.STOP, ANNA, at_ms=0)
HUNG = (Evidence(EvidenceKind.PROBES_UNANSWERED, "3"), Evidence(EvidenceKind.NO_ANSWER, "admin"))
SIGNAL = Evidence(EvidenceKind.SIGNAL, "9")
MEMORY = Evidence(EvidenceKind.OOM_KILL, "oom_kill 1")


@pytest.mark.parametrize(
    ("facts", "verdict", "evidence"),
    [
        (rules.ExitFacts(KILLED, was_ready=True, log_tail=(), hung=HUNG), Verdict.HUNG, (*HUNG, SIGNAL)),
        (
            rules.ExitFacts(KILLED, was_ready=True, log_tail=(), out_of_memory="oom_kill 1"),
            Verdict.OUT_OF_MEMORY,
            (SIGNAL, MEMORY),
        ),
        (
            rules.ExitFacts(KILLED, was_ready=True, log_tail=("Stopping the server",), out_of_memory="oom_kill 1"),
            Verdict.OUT_OF_MEMORY,
            (SIGNAL, MEMORY),
        ),
        (rules.ExitFacts(KILLED, was_ready=True, log_tail=()), Verdict.CRASHED, (SIGNAL,)),
        (
            rules.ExitFacts(KILLED, was_ready=True, log_tail=(), intent=STOP, hung=HUNG, out_of_memory="oom_kill 1"),
            Verdict.STOPPED,
            (Evidence(EvidenceKind.ASKED, "anna"), SIGNAL),
        ),
        (
            rules.ExitFacts(KILLED, was_ready=True, log_tail=(), intent=STOP, not_saved="unproven", forced="kill"),
            Verdict.STOPPED,
            (
                Evidence(EvidenceKind.ASKED, "anna"),
                SIGNAL,
                Evidence(EvidenceKind.NOT_SAVED, "unproven"),
                Evidence(EvidenceKind.FORCED, "kill"),
            ),
        ),
    ],
    ids=["hung", "out_of_memory", "out_of_memory_while_stopping", "just_killed", "asked_for", "unsaved_and_forced"],
)
def test_fault_1_3_7_20_verdict(facts: rules.ExitFacts, verdict: Verdict, evidence: tuple[Evidence, ...]) -> None:
    report = rules.classify_exit(facts, TRAITS, (0,))
    assert (report.verdict, report.evidence) == (verdict, evidence)


@pytest.mark.parametrize(
    ("status", "worth_it"),
    [
        (ExitStatus(signal=9), True),
        (ExitStatus(code=137), True),
        (ExitStatus(code=0xC0000017), True),
        (ExitStatus(code=0xC000012D), True),
        (ExitStatus(signal=15), False),
        (ExitStatus(code=9), False),
        (ExitStatus(code=0), False),
        (ExitStatus(), False),
    ],
    ids=["sigkill", "137", "no_memory", "commitment_limit", "sigterm", "code_9", "clean", "unknown"],
)
def test_fault_3_when_the_system_is_asked_about_memory(status: ExitStatus, *, worth_it: bool) -> None:
    assert rules.may_be_out_of_memory(status) is worth_it


LATER = Aftermath(NextStep.RESTART, 2, 5, 10.0)


def stopped(verdict: Verdict) -> ServerStopped:
    return ServerStopped(server_id="ark", at_ms=1, run_id=1, report=ExitReport(verdict, ExitStatus()), uptime_s=1.0)


def crashed(aftermath: Aftermath) -> ServerCrashed:
    report = ExitReport(Verdict.CRASHED, KILLED)
    return ServerCrashed(server_id="ark", at_ms=1, run_id=1, report=report, uptime_s=1.0, aftermath=aftermath)


def refused(by: Actor) -> StartFailed:
    return StartFailed(server_id="ark", at_ms=1, reason="not_found", subject="run", by=by)


@pytest.mark.parametrize(
    ("event", "mode", "step"),
    [
        (None, RestartMode.ALWAYS, NextStep.STAY_DOWN),
        (crashed(LATER), RestartMode.NEVER, NextStep.RESTART),
        (crashed(Aftermath(NextStep.GIVE_UP)), RestartMode.ALWAYS, NextStep.GIVE_UP),
        (crashed(Aftermath(NextStep.STAY_DOWN)), RestartMode.ALWAYS, NextStep.STAY_DOWN),
        (stopped(Verdict.STOPPED), RestartMode.ALWAYS, NextStep.STAY_DOWN),
        (stopped(Verdict.HOST_REBOOTED), RestartMode.ALWAYS, NextStep.STAY_DOWN),
        (stopped(Verdict.STOPPED_IN_GAME), RestartMode.ALWAYS, NextStep.RESTART),
        (stopped(Verdict.STOPPED_IN_GAME), RestartMode.ON_CRASH, NextStep.STAY_DOWN),
        (RestartsExhausted(server_id="ark", at_ms=1, failures=5, window_s=1.0), RestartMode.ALWAYS, NextStep.GIVE_UP),
        (RestartCalledOff(server_id="ark", at_ms=1, by=ANNA), RestartMode.ALWAYS, NextStep.STAY_DOWN),
        (refused(rules.RESTARTER), RestartMode.ALWAYS, NextStep.GIVE_UP),
        (refused(AUTOSTART), RestartMode.ALWAYS, NextStep.STAY_DOWN),
        (refused(ANNA), RestartMode.ALWAYS, NextStep.STAY_DOWN),
        (ServerReady(server_id="ark", at_ms=1, run_id=1, after_s=1.0), RestartMode.ALWAYS, NextStep.STAY_DOWN),
    ],
    ids=[
        "nothing",
        "crashed_and_to_come_back",
        "crashed_and_given_up",
        "crashed_and_left",
        "stopped",
        "rebooted",
        "in_game_always",
        "in_game_on_crash",
        "exhausted",
        "called_off",
        "restart_refused",
        "autostart_refused",
        "start_refused",
        "something_else",
    ],
)
def test_what_is_left_to_be_done_after_an_event(event: Event | None, mode: RestartMode, step: NextStep) -> None:
    assert rules.pending(event, RestartPolicy(policy=mode)).step is step


def test_what_a_crash_left_to_be_done_is_what_it_said() -> None:
    assert rules.pending(crashed(LATER), RestartPolicy(budget=0)) == LATER


@pytest.mark.parametrize(
    ("action", "left_s", "reason", "players", "said"),
    [
        (IntentAction.STOP, 1_800.0, "", Players(3), "The server shuts down in 30 min."),
        (IntentAction.RESTART, 300.0, "update", None, "The server restarts in 5 min. Reason: update"),
        (IntentAction.STOP, 60.0, "", Players(1), "The server shuts down in 1 min."),
        (IntentAction.STOP, 59.0, "", Players(1), "The server shuts down in 59 s."),
        (IntentAction.STOP, 10.0, "", Players(1), "The server shuts down in 10 s."),
        (IntentAction.STOP, 300.0, "update", Players(0), ""),
    ],
    ids=["stop", "restart_unknown_players", "a_minute", "seconds", "ten_seconds", "nobody"],
)
def test_plan_warning(action: IntentAction, left_s: float, reason: str, players: Players | None, said: str) -> None:
    assert rules.plan_warning(Plan(action, ANNA, 0, reason), left_s, players) == said


@pytest.mark.parametrize(("kind", "person"), list(zip(ActorKind, (True, False, False, True), strict=True)), ids=str)
def test_who_is_a_person(kind: ActorKind, *, person: bool) -> None:
    assert Actor(kind, "1", "x").person is person


def test_the_ports_of_this_machine_are_known_once_each() -> None:
    def ports(admin: str, query: str, query_port: int = 2) -> tuple[int, ...]:
        spec = spec_of(admin=AdminEndpoint(admin, 1, Secret("x")), query=Endpoint(query, query_port))
        return rules.local_ports(spec)

    assert ports("127.0.0.1", "localhost") == (1, 2)
    assert ports("::1", "0.0.0.0", 1) == (1,)  # a host to compare with
    assert ports("10.0.0.7", "localhost") == (2,)
    assert rules.local_ports(spec_of()) == ()
