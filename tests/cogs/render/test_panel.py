"""What a panel shows, and what is a change of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogs.locale.catalogue import catalogue
from cogs.render.limits import DESCRIPTION, TOTAL, total
from cogs.render.panel import Face, face, off_embed, panel_embed
from cogs.render.totals import totals
from monitor.model import Players, Sample, Server, State
from tests.cogs.render.samples import AT_MS, server

EN, KO = catalogue("en"), catalogue("ko")
GIB = 1 << 30


def running(players: Players | None = None, **figures: Any) -> Server:
    sample = Sample("survival", AT_MS // 1000, cpu_pct=34.0, rss_bytes=round(3.21 * GIB))
    return replace(server(), players=players, latest=replace(sample, **figures))


def test_a_server_is_two_lines_that_fit_a_phone() -> None:
    both = [running(Players(5, 20)), replace(server(State.STOPPED), players=None)]
    first, second, third, _, summary = face(both, EN).text.splitlines()
    assert first == "🟢 **Survival** · running <t:1795488480:R>"
    assert second == "👥 5/20 · CPU 35% · 3.2 GiB"
    assert third.startswith("⏹️ **Survival** · stopped <t:")
    assert summary == "**5 players · 1 of 2 servers up**"


def test_one_that_is_down_is_one_line() -> None:
    down = replace(server(State.STOPPED), latest=None, players=None)
    assert face([down], KO).text.splitlines()[0].startswith("⏹️ **Survival** · 중지됨 <t:")


@pytest.mark.parametrize(
    ("figures", "shown"),
    [
        ({"cpu_pct": 32.6}, "CPU 35% · 3.2 GiB"),
        ({"cpu_pct": 1.9}, "CPU 0% · 3.2 GiB"),
        ({"cpu_pct": 1234.0}, "CPU 1,235% · 3.2 GiB"),
        ({"cpu_pct": None}, "3.2 GiB"),
        ({"rss_bytes": 430 << 20}, "CPU 35% · 450 MiB"),
        ({"rss_bytes": None}, "CPU 35%"),
    ],
    ids=str,
)
def test_figures_are_coarse(figures: dict[str, Any], shown: str) -> None:
    assert face([running(**figures)], EN).text.splitlines()[1] == shown


def change(one: Server, other: Server) -> str:
    before, after = face([one], EN), face([other], EN)
    return "none" if before == after else "figures" if before.news == after.news else "news"


@pytest.mark.parametrize(
    ("other", "is_"),
    [
        (running(cpu_pct=36.9), "none"),
        (running(rss_bytes=round(3.24 * GIB)), "none"),
        (replace(running(), latest=Sample("survival", 9, cpu_pct=34.0, rss_bytes=round(3.21 * GIB))), "none"),
        (running(cpu_pct=90.0), "figures"),
        (running(rss_bytes=4 * GIB), "figures"),
        (running(Players(1, 20)), "news"),
        (replace(running(), state=State.STOPPING), "news"),
        (replace(running(), started_ms=AT_MS + 60_000), "news"),
    ],
    ids=["noise", "noise of memory", "later", "CPU", "memory", "a player", "state", "another start"],
)
def test_what_is_a_change(other: Server, is_: str) -> None:
    assert change(running(), other) == is_


def test_the_moment_is_no_part_of_what_is_compared() -> None:
    shown = face([running()], EN)
    assert (panel_embed(shown, EN, AT_MS).description or "").endswith(f"Last change <t:{AT_MS // 1000}:R>")
    assert "<t:" not in shown.news[0].replace("<t:1795488480:R>", "")


def test_without_a_server_it_says_how_to_be_rid_of_it() -> None:
    assert "/panel unpin" in face([], EN).text


def test_when_the_bot_ends_the_figures_are_told_to_be_old() -> None:
    embed = off_embed(face([running()], EN), EN, AT_MS)
    assert embed.title == "💤 The bot is off"
    assert f"So it stood <t:{AT_MS // 1000}:R>" in (embed.description or "")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 150), st.text(max_size=80), st.sampled_from(State))
def test_fault_39_it_fits_whatever_is_in_it(number: int, name: str, state: State) -> None:
    servers = [
        replace(server(state, server_id=f"s{n}", name=name), players=Players(10**6, 10**6)) for n in range(number)
    ]
    for words in (EN, KO):
        shown: Face = face(servers, words)
        for embed in (panel_embed(shown, words, AT_MS), off_embed(shown, words, AT_MS)):
            assert total(embed) <= TOTAL
            assert len(embed.description or "") <= DESCRIPTION
        if number > 1:
            assert totals(servers, words) in (panel_embed(shown, words, AT_MS).description or "")


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([7, 5, 0], "12 players · 3 of 4 servers up"),
        ([1, 0, 0], "1 player · 3 of 4 servers up"),
        ([0, 0, 0], "0 players · 3 of 4 servers up"),
        ([7, None, 0], "7+ players · 3 of 4 servers up"),
        ([None, None, None], "3 of 4 servers up"),
    ],
    ids=str,
)
def test_what_nobody_can_tell_is_not_none(counts: list[int | None], told: str) -> None:
    up = [replace(server(), players=None if online is None else Players(online)) for online in counts]
    assert totals([*up, server(State.STOPPED)], EN) == told


def test_with_nothing_up_nobody_is_counted() -> None:
    assert totals([replace(server(State.FAILED), players=Players(3))], EN) == "0 of 1 server up"
    assert totals([server(State.STOPPED)] * 2, KO) == "서버 2개 중 0개 실행 중"
