"""Servers, reports and events to render."""

from __future__ import annotations

from pathlib import Path

from monitor.events import Aftermath, NextStep, ServerCrashed
from monitor.model import (
    Actor,
    ActorKind,
    Evidence,
    EvidenceKind,
    ExitReport,
    ExitStatus,
    Players,
    ProcessId,
    Sample,
    Server,
    State,
    Verdict,
)
from monitor.spec import ServerSpec

AT_MS = 1_795_500_000_000
ALICE = Actor(ActorKind.DISCORD, "42", "Alice")
RESTART = Aftermath(NextStep.RESTART, attempt=2, budget=5, delay_s=20)
SAMPLE = Sample(
    "survival",
    AT_MS // 1000 - 5,
    cpu_pct=87.4,
    rss_bytes=3_489_660_928,
    read_bytes_per_s=2048.0,
    write_bytes_per_s=0.0,
    threads=61,
    players=5,
    tick_rate=19.8,
)
SILENCE = (
    Evidence(EvidenceKind.PROBES_UNANSWERED, "3"),
    Evidence(EvidenceKind.NO_ANSWER, "admin"),
    Evidence(EvidenceKind.LOG_SILENT, "302"),
)
SEGV = ExitReport(Verdict.CRASHED, ExitStatus(signal=11))


def crash(
    report: ExitReport = SEGV,
    *,
    aftermath: Aftermath = RESTART,
    last: Sample | None = SAMPLE,
    log_tail: tuple[str, ...] = ("[INFO] tick", "[ERROR] boom"),
) -> ServerCrashed:
    return ServerCrashed(
        server_id="survival",
        at_ms=AT_MS,
        run_id=7,
        report=report,
        uptime_s=11_520,
        aftermath=aftermath,
        last=last,
        log_tail=log_tail,
    )


def report(verdict: Verdict, *kinds: EvidenceKind) -> ExitReport:
    return ExitReport(verdict, ExitStatus(), tuple(Evidence(kind, "3") for kind in kinds), by=ALICE)


def spec(server_id: str = "survival", name: str = "Survival") -> ServerSpec:
    return ServerSpec(server_id, name, "minecraft", ("java", "-jar", "SECRET.jar"), Path("/srv"), {"KEY": "SECRET"})


def server(state: State = State.RUNNING, *, server_id: str = "survival", name: str = "Survival") -> Server:
    return Server(
        spec(server_id, name),
        state,
        since_ms=AT_MS - 60_000,
        process=ProcessId(4321, 1),
        run_id=7,
        started_ms=AT_MS - 11_520_000,
        latest=SAMPLE,
        players=Players(5, 20, ("Steve", "Alex", "a_b", "김민수", "@everyone")),
        restarts_used=1,
        next_start_ms=AT_MS + 20_000,
        last_exit=SEGV,
        last_exit_ms=AT_MS - 11_600_000,
    )
