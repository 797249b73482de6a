"""One full event of every kind, as a server called ark would have them."""

from __future__ import annotations

from monitor.events import (
    Aftermath,
    DatabaseRestored,
    Event,
    HostRebooted,
    NextStep,
    RestartCalledOff,
    RestartsExhausted,
    ServerAdopted,
    ServerCrashed,
    ServerHung,
    ServerMoved,
    ServerReady,
    ServerRecovered,
    ServerStarted,
    ServerStopped,
    StartFailed,
    StorageDegraded,
    StorageRecovered,
)
from monitor.limit_events import ForecastLifted, LimitCleared, LimitCrossed, LimitForeseen, LimitRestart
from monitor.limits import Hours, Limit, RestartCause, RestartRule, Side
from monitor.model import Actor, ActorKind, Evidence, EvidenceKind, ExitReport, ExitStatus, ProcessId, Sample, Verdict

ANNA = Actor(ActorKind.DISCORD, "81384788765712384", "안나 @everyone")
PROCESS = ProcessId(4242, 133_700_000_000_000_000, "b7f0")
ASKED = ExitReport(Verdict.STOPPED, ExitStatus(code=0), (Evidence(EvidenceKind.ASKED, "anna"),), by=ANNA)
CRASH = ExitReport(
    Verdict.CRASHED, ExitStatus(signal=11, core_dumped=True), (Evidence(EvidenceKind.SIGNAL, "SIGSEGV"),)
)

CRASHED = ServerCrashed(
    server_id="ark",
    at_ms=5_000,
    run_id=1,
    report=CRASH,
    uptime_s=11.5,
    aftermath=Aftermath(NextStep.RESTART, attempt=2, budget=5, delay_s=20.0),
    last=Sample("ark", 4, cpu_pct=99.5, rss_bytes=10**9, players=3),
    log_tail=("[Server] Loading…", "\tat net.minecraft \x00 ﷽", ""),
)

HEAP = Limit(
    "memory",
    Side.ABOVE,
    8.0 * 2**30,
    back_at=7.5 * 2**30,
    hold_s=600.0,
    server_id="ark",
    restart=RestartRule(7200.0, ceiling=9.0 * 2**30, hours=Hours(180, 360, "Asia/Seoul")),
    id=2,
)
DISK = Limit("disk_free_pct", Side.BELOW, 5.0, back_at=6.0, hold_s=600.0, id=1)

EXAMPLES: tuple[Event, ...] = (
    ServerStarted(server_id="ark", at_ms=1_000, run_id=1, process=PROCESS, by=ANNA),
    ServerReady(server_id="ark", at_ms=2_000, run_id=1, after_s=1.25),
    ServerAdopted(server_id="ark", at_ms=3_000, run_id=1, process=PROCESS),
    ServerStopped(server_id="ark", at_ms=4_000, run_id=1, report=ASKED, uptime_s=3.0),
    CRASHED,
    StartFailed(server_id="ark", at_ms=6_000, reason="not_found", subject=r"C:\games\ark.exe", by=ANNA),
    RestartsExhausted(server_id="ark", at_ms=7_000, failures=5, window_s=600.0),
    ServerMoved(server_id="ark", at_ms=8_000, run_id=1, process=PROCESS),
    ServerHung(
        server_id="ark",
        at_ms=9_000,
        run_id=1,
        evidence=(Evidence(EvidenceKind.PROBES_UNANSWERED, "3"), Evidence(EvidenceKind.NO_ANSWER, "admin")),
        last=Sample("ark", 8, players=3),
        log_tail=("saving…",),
    ),
    ServerRecovered(server_id="ark", at_ms=10_000, run_id=1, after_s=61.5),
    RestartCalledOff(server_id="ark", at_ms=11_000, by=ANNA),
    HostRebooted(at_ms=12_000, servers=("ark", "rust"), last_seen_ms=11_500),
    DatabaseRestored(at_ms=13_000, set_aside="gamekeeper.db.damaged", backup_ms=None, until_ms=12_000, found="x"),
    StorageDegraded(at_ms=14_000, fault="full", path="/srv/gamekeeper.db", in_memory=False),
    StorageRecovered(at_ms=15_000, fault="full", after_s=600.5, samples_dropped=12),
    LimitForeseen(
        server_id="ark", at_ms=16_000, limit=HEAP, target="ark", value=7e9, growth_per_h=1.5e8, in_s=9_000.5
    ),
    ForecastLifted(server_id="ark", at_ms=17_000, limit=HEAP, target="ark", restarted=True),
    LimitCrossed(server_id="ark", at_ms=18_000, limit=HEAP, target="ark", value=8.1e9, players=3),
    LimitRestart(server_id="ark", at_ms=19_000, limit=HEAP, target="ark", cause=RestartCause.CEILING),
    LimitCleared(server_id="", at_ms=20_000, limit=DISK, target="D:\\", value=6.5, after_s=1_200.5),
)
