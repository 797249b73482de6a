"""Many alerts of one kind in one message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.locale.catalogue import catalogue
from cogs.render.storms import OTHERS, SERVERS_AT_MOST, TITLES, Storm, storm_embed
from monitor.events import EVENT_TYPES, Event
from tests.cogs.render.legal import assert_legal
from tests.cogs.render.samples import AT_MS, crash
from tests.storage.examples import EXAMPLES

EN, KO = catalogue("en"), catalogue("ko")
HERE = "9f86d081"


def crashes(servers: Sequence[str]) -> list[tuple[int, Event]]:
    return [(n, replace(crash(), server_id=name, at_ms=AT_MS + n * 1000)) for n, name in enumerate(servers, 1)]


def test_it_counts_and_names_the_worst_first() -> None:
    storm = Storm(crashes(["ark", "rust", "rust", "ark", "rust"]), up_again=2, before=9)
    embed = storm_embed(storm, str.title, EN, installation=HERE)
    assert_legal(embed)
    assert embed.title == "💥 14 crashes in 4 s"
    assert (embed.description or "").splitlines() == [
        "**Rust** × 3 · <t:1795500005:R> · SIGSEGV (invalid memory access)",
        "**Ark** × 2 · <t:1795500004:R> · SIGSEGV (invalid memory access)",
        "🟢 2 are up again",
        "⬆️ The first 9 stand above.",
        "➡️ `/status` shows how they are now.",
    ]
    assert embed.footer.text == "#1–5 · 9f86d081"


def test_in_korean() -> None:
    embed = storm_embed(Storm(crashes(["ark"] * 12)), str.title, KO)
    assert embed.title == "💥 11초 동안 비정상 종료 12건"
    assert "`/status` 명령으로 지금" in (embed.description or "")


def test_of_many_servers_the_worst_are_named() -> None:
    embed = storm_embed(Storm(crashes([f"s{n}" for n in range(SERVERS_AT_MOST + 5)])), str, EN)
    assert "… and 5 more servers" in (embed.description or "")


@pytest.mark.parametrize("kind", [event for event in EXAMPLES if event.alerts], ids=lambda event: event.kind)
def test_every_kind_that_alerts_can_be_summed_up(kind: Event) -> None:
    embed = storm_embed(Storm([(n, kind) for n in range(1, 12)]), str, EN)
    assert_legal(embed)
    assert "11" in (embed.title or "")


def test_every_title_is_of_a_kind_that_there_is() -> None:
    assert set(TITLES) <= set(EVENT_TYPES)
    assert OTHERS not in TITLES.values()


TEXT = st.text(st.characters(exclude_categories=()), max_size=100)


@given(st.lists(TEXT, min_size=1, max_size=40), st.integers(1, 3000))
def test_fault_39_49_any_storm_is_a_legal_message(names: list[str], count: int) -> None:
    told = crashes([f"s{n % len(names)}" for n in range(count)])
    embed = storm_embed(Storm(told), lambda server_id: names[int(server_id[1:])], EN, installation=HERE)
    assert_legal(embed)
    assert "@everyone" not in (embed.description or "")
