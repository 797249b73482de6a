"""What is told after an alert."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.locale.catalogue import catalogue
from cogs.render.alerts import alert_embed
from cogs.render.incident import LINES_AT_MOST, call_embed, developments, looked_after, return_embed
from cogs.render.incident import test_embed as trial_embed
from cogs.render.palette import GREEN
from monitor.alerting import DEVELOPMENTS
from monitor.events import (
    Aftermath,
    Event,
    NextStep,
    ServerReady,
    ServerStarted,
    ServerStopped,
)
from monitor.model import Actor, ActorKind, ExitReport, ExitStatus, Verdict
from tests.cogs.render.legal import assert_legal
from tests.cogs.render.samples import ALICE, AT_MS, crash
from tests.storage.examples import EXAMPLES

EN, KO = catalogue("en"), catalogue("ko")
HANGUL = re.compile("[가-힣]")
BY_KIND: dict[type[Event], Event] = {type(event): replace(event, at_ms=AT_MS + 40_000) for event in EXAMPLES}
POLICY = Actor(ActorKind.POLICY, "restart", "restart")
READY = ServerReady(server_id="survival", at_ms=AT_MS + 40_000, run_id=8, after_s=3.0)


@pytest.mark.parametrize("kind", [kind for kind in DEVELOPMENTS if kind in BY_KIND], ids=lambda kind: kind.__name__)
def test_every_development_is_a_line_with_its_time_in_both_languages(kind: type[Event]) -> None:
    [line] = developments([BY_KIND[kind]], AT_MS, EN)
    [korean] = developments([BY_KIND[kind]], AT_MS, KO)
    assert f"<t:{(AT_MS + 40_000) // 1000}:t>" in line
    assert "\n" not in line
    assert line.split(" ", 1)[0] == korean.split(" ", 1)[0]
    assert HANGUL.search(korean)


def test_a_restart_by_policy_has_no_name_and_one_by_somebody_has_theirs() -> None:
    started = BY_KIND[ServerStarted]
    assert isinstance(started, ServerStarted)
    assert "Started by Alice" in developments([replace(started, by=ALICE)], AT_MS, EN)[0]
    assert developments([replace(started, by=POLICY)], AT_MS, EN)[0].endswith("Restarting")


def test_that_it_is_up_again_counts_from_the_alert() -> None:
    assert developments([READY], AT_MS, EN)[0].endswith("Up again after 40 s")


def test_another_crash_says_why_and_what_is_next() -> None:
    again = crash(aftermath=Aftermath(NextStep.RESTART, 3, 5, 80))
    assert developments([again], AT_MS, EN)[0].endswith(
        "Down again: SIGSEGV (invalid memory access) · Restart 3 of 5 in 1 m 20 s"
    )
    nothing = crash(ExitReport(Verdict.ENDED_UNSEEN, ExitStatus()), aftermath=Aftermath(NextStep.STAY_DOWN))
    assert developments([nothing], AT_MS, EN)[0].endswith("Down again")


def test_who_stopped_it_is_told_and_in_game_is_in_game() -> None:
    stopped = BY_KIND[ServerStopped]
    assert isinstance(stopped, ServerStopped)
    assert "Stopped by" in developments([stopped], AT_MS, EN)[0]
    in_game = replace(stopped, report=ExitReport(Verdict.STOPPED_IN_GAME, ExitStatus()))
    assert developments([in_game], AT_MS, EN)[0].endswith("Stopped in game")


def test_of_many_lines_the_latest_are_shown() -> None:
    lines = developments([crash() for _ in range(LINES_AT_MOST + 3)], AT_MS, EN)
    assert len(lines) == LINES_AT_MOST + 1
    assert lines[0] == "… 3 more lines before that"


def test_lines_stand_between_the_facts_and_the_log() -> None:
    then = [*developments([READY], AT_MS, EN), looked_after(ALICE, AT_MS, EN)]
    embed = alert_embed(crash(), 7, "Survival", EN, installation="9f86d081", then=then, also=[9])
    assert_legal(embed)
    facts, up_again, cared_for, fence = [
        (embed.description or "").index(text) for text in ("Restart 2", "Up again", "Alice looks after it", "```")
    ]
    assert facts < up_again < cared_for < fence
    assert embed.footer.text == "#7, #9 · 9f86d081"


def test_a_return_is_green_and_says_how_long_it_took() -> None:
    embed = return_embed(READY, 9, "Survival", EN, opened_ms=AT_MS, installation="9f86d081")
    assert_legal(embed)
    assert embed.title == "✅ Survival is up again"
    assert "After 40 s of trouble" in (embed.description or "")
    assert embed.colour is not None
    assert embed.colour.value == GREEN


def test_a_call_names_the_server_and_the_time_and_a_test_names_who_asked() -> None:
    call = call_embed(crash(), 7, "Survival", EN, minutes=10, installation="9f86d081")
    assert_legal(call)
    assert call.title == "📣 Survival still needs somebody"
    assert "for 10 minutes" in (call.description or "")
    assert call.footer.text == "📣 #7 · 9f86d081"
    assert "Alice" in (trial_embed(ALICE, AT_MS, EN).description or "")


TEXT = st.text(st.characters(exclude_categories=()), max_size=200)


@given(TEXT, st.lists(TEXT, max_size=12), st.sampled_from(["en", "ko"]))
def test_fault_39_49_any_text_makes_legal_messages(name: str, tails: list[str], locale: str) -> None:
    words, who = catalogue(locale), replace(ALICE, name=name)
    started = BY_KIND[ServerStarted]
    assert isinstance(started, ServerStarted)
    then = developments([replace(started, by=who)] * 20, AT_MS, words)
    assert_legal(alert_embed(crash(log_tail=tuple(tails)), 7, name, words, then=then, also=range(1, 99, 2)))
    for embed in (
        return_embed(READY, 9, name, words, opened_ms=AT_MS),
        call_embed(crash(), 7, name, words, minutes=1, installation="0" * 8),
        trial_embed(who, AT_MS, words),
    ):
        assert_legal(embed)
        assert "@everyone" not in f"{embed.title}{embed.description}"
