from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.locale.catalogue import catalogue
from cogs.render.plans import announced, called_off, goes_on, plan_figure, plan_lines
from cogs.render.server import server_embed
from cogs.render.status import status_embed
from monitor.model import IntentAction, Plan, State
from tests.cogs.render.legal import assert_legal, units
from tests.cogs.render.samples import ALICE, AT_MS, server

EN = catalogue("en")
PLANNABLE = (IntentAction.STOP, IntentAction.RESTART)
DUE_S = AT_MS // 1000 + 300
STOP = Plan(IntentAction.STOP, ALICE, DUE_S * 1000)


@pytest.mark.parametrize(("action", "word"), [(IntentAction.STOP, "Stops"), (IntentAction.RESTART, "Restarts")])
def test_a_plan_names_its_action_time_and_author(action: IntentAction, word: str) -> None:
    planned = replace(server(), planned=replace(STOP, action=action))
    assert plan_lines(planned, EN) == [f"🗓️ {word} <t:{DUE_S}:R> (<t:{DUE_S}:t>), planned by Alice"]
    assert plan_figure(planned, EN) == [f"🗓️ {word.lower()} <t:{DUE_S}:R>"]


def test_without_a_plan_there_is_nothing_to_show() -> None:
    assert plan_lines(server(), EN) == []
    assert plan_figure(server(), EN) == []


def test_a_plan_stands_under_the_state_and_above_the_players() -> None:
    embed = server_embed(replace(server(), planned=STOP), EN)
    assert [line.split(" ")[0] for line in (embed.description or "").splitlines()] == ["**running**", "🗓️", "👥"]


def test_a_list_keeps_the_plan_even_where_its_lines_are_short() -> None:
    planned = [replace(server(server_id=f"s{n}", name="x" * 24), planned=STOP) for n in range(30)]
    shown = (status_embed(planned, EN).description or "").splitlines()
    assert all(f"stops <t:{DUE_S}:R>" in line for line in shown)
    assert len(shown) == 30


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize("action", PLANNABLE)
def test_every_plan_has_words(action: IntentAction, locale: str) -> None:
    words, plan = catalogue(locale), replace(STOP, action=action, reason="tea")
    planned = replace(server(), planned=plan)
    texts = [announced(planned, plan, plan, words), called_off(planned, words), *plan_lines(planned, words)]
    for text in texts:
        assert bool(re.search("[가-힣]", text)) is (locale == "ko")
        assert not re.search(r"\{\w+\}", text)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State.STOPPING, "goes on running"),
        (State.BACKOFF, "stays down"),
        (State.FAILED, "not given up any more"),
        (State.STARTING, "goes on running"),
        (State.RUNNING, "goes on running"),
        (State.UNRESPONSIVE, "goes on running"),
    ],
)
def test_what_was_called_off_depends_on_how_it_stood(state: State, told: str) -> None:
    assert told in called_off(server(state), EN)


def test_a_pending_restart_counts_more_than_a_plan_behind_it() -> None:
    assert "stays down" in called_off(replace(server(State.BACKOFF), planned=STOP), EN)


def test_who_called_a_stop_off_is_named_as_long_as_it_runs() -> None:
    spared = replace(server(), called_off_by=ALICE)
    assert goes_on(spared, EN) == "🟢 **Survival** goes on running: Alice called it off."
    assert goes_on(replace(spared, process=None), EN) is None
    assert goes_on(server(), EN) is None


TEXT = st.text(st.characters(exclude_categories=()), max_size=400)


@given(TEXT, TEXT, TEXT, st.sampled_from(PLANNABLE), st.sampled_from(["en", "ko"]))
def test_fault_39_49_any_text_fits_and_pings_nobody(
    name: str, who: str, reason: str, action: IntentAction, locale: str
) -> None:
    words = catalogue(locale)
    plan = Plan(action, replace(ALICE, name=who + "@everyone"), DUE_S * 1000, reason + "<@&1>")
    planned = replace(server(name=name + "@here"), planned=plan, called_off_by=plan.by)
    for text in (announced(planned, plan, plan, words), called_off(planned, words), goes_on(planned, words) or ""):
        assert units(text) <= 2000
        assert not re.search("@everyone|@here|<@&1>", text)
    assert_legal(server_embed(planned, words))
    assert_legal(status_embed([planned] * 60, words))
