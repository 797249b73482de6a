from __future__ import annotations

import re
from dataclasses import replace

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.locale.catalogue import catalogue
from cogs.render.alerts import HEADLINES, alert_embed
from cogs.render.palette import GREEN
from cogs.render.refusals import FAULTS
from cogs.render.server import VERDICT_WORDS
from monitor.errors import LaunchFault
from monitor.events import (
    EVENT_TYPES,
    Aftermath,
    DatabaseRestored,
    Event,
    HostRebooted,
    NextStep,
    RestartsExhausted,
    ServerHung,
    ServerReady,
    ServerRecovered,
    StartFailed,
    StorageDegraded,
    StorageRecovered,
)
from monitor.model import Evidence, EvidenceKind, ExitReport, ExitStatus, Sample, Verdict
from tests.cogs.render.legal import assert_legal
from tests.cogs.render.limited import CLEARED, CROSSING, FORESEEN
from tests.cogs.render.samples import ALICE, AT_MS, SAMPLE, SEGV, SILENCE, crash, report

LOCALES = ["en-US", "ko"]
HANGUL = re.compile("[가-힣]")
START_FAILED = StartFailed(server_id="survival", at_ms=AT_MS, reason="not_found", subject="/opt/java", by=ALICE)
EXHAUSTED = RestartsExhausted(server_id="survival", at_ms=AT_MS, failures=5, window_s=600)
HUNG = ServerHung(
    server_id="survival", at_ms=AT_MS, run_id=7, evidence=SILENCE, last=SAMPLE, log_tail=("[INFO] tick",)
)
RECOVERED = ServerRecovered(server_id="survival", at_ms=AT_MS, run_id=7, after_s=200)
REBOOTED = HostRebooted(at_ms=AT_MS, servers=("survival", "ark"), last_seen_ms=AT_MS - 60_000)
RESTORED = DatabaseRestored(at_ms=AT_MS, set_aside="gamekeeper.db.damaged", backup_ms=AT_MS - 3_600_000)
FULL = StorageDegraded(at_ms=AT_MS, fault="full", path="/srv/gamekeeper.db", in_memory=False)
FREED = StorageRecovered(at_ms=AT_MS, fault="full", after_s=600, samples_dropped=12)
LIMITS: tuple[Event, ...] = (CROSSING, FORESEEN, CLEARED)
ALERTS: list[Event] = [crash(), START_FAILED, EXHAUSTED, HUNG, RECOVERED, REBOOTED, RESTORED, FULL, FREED, *LIMITS]
OOM_LINE = "Out of memory: Killed process 4321 (java) total-vm:9182736kB"


def shown(event: Event, locale: str = "en-US", *, name: str = "Survival", delayed_s: float = 0) -> discord.Embed:
    embed = alert_embed(event, 123, name, catalogue(locale), delayed_s=delayed_s)
    assert_legal(embed)
    return embed


def told(event: Event, locale: str = "en-US", *, delayed_s: float = 0) -> str:
    return shown(event, locale, delayed_s=delayed_s).description or ""


def test_a_crash_says_all_there_is_to_know_in_the_order_it_matters() -> None:
    embed = shown(crash())
    assert embed.title == "💥 Survival crashed"
    assert embed.description == (
        "**SIGSEGV (invalid memory access), exit 139, 3 h 12 m after start**\n"
        "🔁 Restart 2 of 5 in 20 s\n"
        "📊 CPU **87%** · Memory **3.25 GiB** · Players **5** · Tick rate **19.8/s**\n"
        "```\n[INFO] tick\n[ERROR] boom\n```"
    )
    assert embed.footer.text == "#123"
    assert embed.timestamp is not None
    assert embed.timestamp.timestamp() * 1000 == AT_MS


def test_a_crash_in_korean() -> None:
    embed = shown(crash(), "ko", name="야생")
    assert embed.title == "💥 야생 서버가 비정상 종료되었습니다"
    assert embed.description == (
        "**SIGSEGV (잘못된 메모리 접근), 종료 코드 139, 시작 3시간 12분 후**\n"
        "🔁 20초 후 재시작합니다 (2/5회)\n"
        "📊 CPU **87%** · 메모리 **3.25 GiB** · 플레이어 **5** · 틱 속도 **19.8/초**\n"
        "```\n[INFO] tick\n[ERROR] boom\n```"
    )


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_its_own_headline(verdict: Verdict, locale: str) -> None:
    embed = shown(crash(report(verdict, *EvidenceKind)), locale)
    others = {catalogue(locale).text(text, name="Survival") for kind, text in HEADLINES.items() if kind != verdict}
    assert "Survival" in (embed.title or "")
    assert (embed.title or "").split(" ", 1)[1] not in others
    assert bool(HANGUL.search(embed.title or "")) == (locale == "ko")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("step", list(NextStep))
@pytest.mark.parametrize("verdict", list(Verdict))
def test_what_happens_next_is_said_for_every_verdict(verdict: Verdict, step: NextStep, locale: str) -> None:
    text = told(crash(report(verdict), aftermath=Aftermath(step, 2, 5, 20)), locale)
    assert {"restart": "🔁", "stay_down": "⏹️", "give_up": "🛑"}[step] in text
    assert ("`/start server:survival`" in text) == (step is not NextStep.RESTART)


@pytest.mark.parametrize(
    ("evidence", "phrase"),
    [
        (Evidence(EvidenceKind.SIGNAL, "SIGKILL"), "SIGKILL (killed from outside)"),
        (Evidence(EvidenceKind.EXIT_CODE, "0xC0000005"), "exit 0xC0000005 (access violation)"),
        (Evidence(EvidenceKind.EXIT_CODE, "3221225477"), "exit 0xC0000005 (access violation)"),
        (Evidence(EvidenceKind.EXIT_CODE, "odd`one"), "exit odd\\`one"),
        (Evidence(EvidenceKind.NO_EXIT_CODE), "the system could not tell its exit code"),
        (Evidence(EvidenceKind.NEVER_READY), "it was never ready"),
        (Evidence(EvidenceKind.OOM_KILL), "the system says that memory ran out"),
        (Evidence(EvidenceKind.OOM_KILL, OOM_LINE), "\n> Out of memory\\: Killed process 4321 \\(java\\)"),
        (Evidence(EvidenceKind.OTHER_BOOT), "the machine was restarted"),
        (Evidence(EvidenceKind.GONE_WHILE_AWAY), "it was gone when the bot came back"),
        (Evidence(EvidenceKind.PROBES_UNANSWERED, "3"), "3 questions unanswered in a row"),
        (Evidence(EvidenceKind.PROBES_UNANSWERED), "it did not answer"),
        (Evidence(EvidenceKind.NO_ANSWER, "admin"), "its admin port is silent"),
        (Evidence(EvidenceKind.NO_ANSWER, "query"), "its query port is silent"),
        (Evidence(EvidenceKind.NO_ANSWER, "telepathy"), "it does not answer"),
        (Evidence(EvidenceKind.LOG_SILENT, "302"), "nothing new in its log for 5 m 2 s"),
        (Evidence(EvidenceKind.LOG_SILENT, "0"), "**3 h 12 m after start**"),
        (Evidence(EvidenceKind.LOG_SILENT, "long"), "**3 h 12 m after start**"),
        (Evidence(EvidenceKind.FORCED), "it had to be forced"),
        (Evidence(EvidenceKind.FORCED, "terminate"), "it had to be terminated"),
        (Evidence(EvidenceKind.FORCED, "kill"), "it had to be killed"),
        (Evidence(EvidenceKind.NOT_SAVED, "failed"), "the game did not save the world"),
        (Evidence(EvidenceKind.NOT_SAVED, "unproven"), "the world was not seen to be saved"),
        (Evidence(EvidenceKind.ASKED, "A_lice"), r"asked for by A\_lice"),
        (Evidence(EvidenceKind.LOG_LINE, "Out of memory"), "\n> Out of memory\n"),
    ],
    ids=lambda value: f"{value.kind}-{value.detail[:9]}" if isinstance(value, Evidence) else "",
)
def test_fault_3_each_piece_of_evidence_has_its_words(evidence: Evidence, phrase: str) -> None:
    assert phrase in told(crash(ExitReport(Verdict.CRASHED, ExitStatus(), (evidence,))))


def test_evidence_and_status_do_not_say_the_same_thing_twice() -> None:
    evidence = (Evidence(EvidenceKind.SIGNAL, "SIGSEGV"), Evidence(EvidenceKind.EXIT_CODE, "139"))
    text = told(crash(ExitReport(Verdict.CRASHED, ExitStatus(code=139, signal=11, core_dumped=True), evidence)))
    assert text.count("SIGSEGV (invalid") == 1
    assert text.count("exit 139") == 1
    assert "memory dumped to a core file" in text


def test_memory_that_ran_out_is_told_in_the_systems_own_words() -> None:
    killed = (Evidence(EvidenceKind.SIGNAL, "9"), Evidence(EvidenceKind.OOM_KILL, OOM_LINE))
    embed = shown(crash(ExitReport(Verdict.OUT_OF_MEMORY, ExitStatus(signal=9), killed)))
    assert embed.title == "🧠 Survival ran out of memory"
    assert (embed.description or "").splitlines()[:3] == [
        "**SIGKILL (killed from outside), exit 137, the system says that memory ran out, 3 h 12 m after start**",
        "> Out of memory\\: Killed process 4321 \\(java\\) total\\-vm\\:9182736kB",
        "🔁 Restart 2 of 5 in 20 s",
    ]


def test_fault_20_a_server_that_hung_is_told_with_what_stayed_silent() -> None:
    embed = shown(HUNG)
    assert embed.title == "🧊 Survival does not answer"
    assert embed.description == (
        "**3 questions unanswered in a row, its admin port is silent, nothing new in its log for 5 m 2 s**\n"
        "⚠️ It still runs and is left alone. `/restart server:survival` restarts it.\n"
        "📊 CPU **87%** · Memory **3.25 GiB** · Players **5** · Tick rate **19.8/s**\n"
        "```\n[INFO] tick\n```"
    )


def test_fault_20_a_server_that_hung_in_korean() -> None:
    embed = shown(HUNG, "ko", name="야생")
    assert embed.title == "🧊 야생 서버가 응답하지 않습니다"
    assert (embed.description or "").splitlines()[:2] == [
        "**연속 3회 무응답, 관리 포트 무응답, 5분 2초 동안 로그에 새 내용 없음**",
        "⚠️ 프로세스는 살아 있어 그대로 두었습니다. `/restart server:survival` 명령으로 재시작할 수 있습니다.",
    ]


def test_fault_20_a_server_that_hung_and_was_ended_says_why_before_how() -> None:
    ended = ExitReport(Verdict.HUNG, ExitStatus(signal=9), (*SILENCE, Evidence(EvidenceKind.SIGNAL, "9")))
    embed = shown(crash(ended))
    assert embed.title == "🧊 Survival did not answer and was ended"
    assert (embed.description or "").startswith(
        "**3 questions unanswered in a row, its admin port is silent, nothing new in its log for 5 m 2 s, "
        "SIGKILL, exit 137, 3 h 12 m after start**\n🔁 Restart 2 of 5 in 20 s"
    )


def test_a_server_that_recovered_is_green_and_says_how_long_it_took() -> None:
    embed = shown(RECOVERED)
    assert embed.title == "✅ Survival answers again"
    assert embed.description == "**By itself, after 3 m 20 s. It was not restarted.**"
    assert embed.colour is not None
    assert embed.colour.value == GREEN


def test_what_is_not_known_is_left_out() -> None:
    bare = crash(report(Verdict.ENDED_UNSEEN), last=None, log_tail=())
    assert told(bare) == "**3 h 12 m after start**\n🔁 Restart 2 of 5 in 20 s"
    assert "📊" not in told(crash(last=Sample("survival", 0)))


def test_of_a_long_log_the_last_15_lines_are_shown() -> None:
    text = told(crash(log_tail=tuple(f"line {n}" for n in range(100))))
    assert text.count("line ") == 15
    assert text.endswith("line 99\n```")


@pytest.mark.parametrize(
    ("delayed_s", "footer", "next_step"),
    [
        (0, "#123", "🔁 Restart 2 of 5 in 20 s"),
        (59, "#123", "🔁 Restart 2 of 5 was due <t:1795500020:R>"),
        (240, "#123 · delayed 4 m", "🔁 Restart 2 of 5 was due <t:1795500020:R>"),
    ],
)
def test_a_late_alert_says_so_and_does_not_promise_what_is_past(
    delayed_s: float, footer: str, next_step: str
) -> None:
    embed = shown(crash(), delayed_s=delayed_s)
    assert embed.footer.text == footer
    assert next_step in (embed.description or "")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("fault", list(LaunchFault))
def test_fault_15_a_failed_start_names_the_fault_and_the_next_step(fault: LaunchFault, locale: str) -> None:
    text = told(replace(START_FAILED, reason=fault.value), locale)
    other = catalogue(locale).text("another program")
    assert catalogue(locale).text(FAULTS[fault], subject="/opt/java", holder=other) in text
    assert "Alice" in text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("fault", [LaunchFault.PORT_HELD, LaunchFault.ALREADY_RUNNING], ids=str)
@pytest.mark.parametrize(
    ("holder", "named"),
    [
        ("java, pid 4711", {"en-US": "java, pid 4711", "ko": "java, pid 4711"}),
        ("", {"en-US": "another program", "ko": "다른 프로그램"}),
        ("another program", {"en-US": "another program", "ko": "다른 프로그램"}),
        ("@everyone `x`", {"en-US": "@\u200beveryone \\`x\\`", "ko": "@\u200beveryone \\`x\\`"}),
    ],
    ids=["named", "unknown", "hidden", "nasty"],
)
def test_fault_14_who_stands_in_the_way_is_named(
    fault: LaunchFault, holder: str, named: dict[str, str], locale: str
) -> None:
    text = told(replace(START_FAILED, reason=fault.value, subject="25565", holder=holder), locale)
    assert named[locale] in text.splitlines()[0]
    assert "25565" in text.splitlines()[0]


def test_a_reason_from_a_newer_version_still_makes_an_alert() -> None:
    assert "The system refused to start /opt/java." in told(replace(START_FAILED, reason="cursed"))
    assert "the program" in told(replace(START_FAILED, reason="cursed", subject=""))


def test_fault_4_giving_up_is_summed_up() -> None:
    embed = shown(EXHAUSTED)
    assert embed.title == "🛑 Survival keeps failing: given up"
    assert (embed.description or "").startswith("**Failed 5 times in 10 m.**")
    assert "`/start server:survival`" in (embed.description or "")


CAUSES = {
    "en-US": "💥 The last time: crashed, SIGSEGV (invalid memory access), exit 139",
    "ko": "💥 마지막 원인: 비정상 종료, SIGSEGV (잘못된 메모리 접근), 종료 코드 139",
}
FIGURES = {
    "en-US": "📊 CPU **87%** · Memory **3.25 GiB** · Players **5** · Tick rate **19.8/s**",
    "ko": "📊 CPU **87%** · 메모리 **3.25 GiB** · 플레이어 **5** · 틱 속도 **19.8/초**",
}


@pytest.mark.parametrize("locale", LOCALES)
def test_fault_4_giving_up_names_the_last_cause_and_the_last_figures(locale: str) -> None:
    lines = told(replace(EXHAUSTED, report=SEGV, last=SAMPLE), locale).splitlines()
    assert (lines[1], lines[-1]) == (CAUSES[locale], FIGURES[locale])


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("verdict", list(Verdict))
def test_fault_4_every_last_cause_has_its_words(verdict: Verdict, locale: str) -> None:
    line = told(replace(EXHAUSTED, report=report(verdict)), locale).splitlines()[1]
    assert catalogue(locale).text(VERDICT_WORDS[verdict]) in line


def test_fault_4_what_the_last_cause_rests_on_is_quoted() -> None:
    killed = ExitReport(Verdict.OUT_OF_MEMORY, ExitStatus(signal=9), (Evidence(EvidenceKind.OOM_KILL, OOM_LINE),))
    assert "\n> Out of memory" in told(replace(EXHAUSTED, report=killed))


def test_one_notice_tells_of_all_servers_that_a_reboot_took_down() -> None:
    embed = shown(REBOOTED)
    assert embed.title == "🔌 The machine was restarted"
    assert (embed.description or "").splitlines()[:2] == [
        "**2 servers went down with it**: survival, ark",
        "🕒 Last seen running <t:1795499940:R>",
    ]
    assert "…" in told(replace(REBOOTED, servers=tuple(f"s{n}" for n in range(99)), last_seen_ms=None))


def test_fault_31_what_a_restored_database_lacks_is_told() -> None:
    text = told(RESTORED)
    assert "<t:1795496400:f>" in text
    assert "gamekeeper.db.damaged" in text
    assert "`gamekeeper server import`" in told(replace(RESTORED, backup_ms=None))


def test_every_event_that_alerts_can_be_rendered_and_no_other() -> None:
    assert {type(event) for event in ALERTS} == {kind for kind in EVENT_TYPES.values() if kind.alerts}
    with pytest.raises(TypeError, match="server_ready"):
        alert_embed(ServerReady(server_id="survival", at_ms=AT_MS, run_id=1, after_s=2), 1, "x", catalogue("en"))


def test_fault_49_names_and_log_lines_ping_nobody_and_keep_the_layout() -> None:
    nasty = "@everyone <@&1> ``` **x** \u202e"
    seen = ExitReport(Verdict.CRASHED, SEGV.status, (Evidence(EvidenceKind.LOG_LINE, nasty),))
    embed = shown(crash(seen, log_tail=(nasty, "last")), name=nasty)
    assert "@everyone" not in (embed.title or "")
    description = embed.description or ""
    assert "@everyone" not in description.split("```")[0]
    assert description.count("```") == 2
    assert "\u202e" not in description + (embed.title or "")


TEXT = st.text(st.characters(exclude_categories=()), max_size=400)
LONG = st.one_of(TEXT, st.builds(lambda text: text * 60, TEXT))


@given(st.sampled_from(LOCALES), LONG, st.lists(LONG, max_size=20), LONG, st.sampled_from(list(EvidenceKind)))
def test_fault_39_any_text_makes_a_legal_crash(
    locale: str, name: str, log: list[str], detail: str, kind: EvidenceKind
) -> None:
    seen = ExitReport(Verdict.CRASHED, ExitStatus(code=1), tuple(Evidence(kind, detail) for _ in range(9)))
    shown(crash(seen, log_tail=tuple(log)), locale, name=name)


@given(st.sampled_from(LOCALES), LONG, LONG, LONG)
def test_fault_39_any_text_makes_a_legal_failed_start(locale: str, name: str, subject: str, who: str) -> None:
    event = replace(START_FAILED, subject=subject, by=replace(ALICE, name=who))
    shown(event, locale, name=name)
