"""The line by which an alert is found again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.locale.catalogue import catalogue
from cogs.render.footer import RANGES_AT_MOST, footer, tells_of, told_in
from cogs.render.limits import FOOTER
from cogs.render.text import length

EN, KO = catalogue("en"), catalogue("ko")
HERE = "9f86d081"


@pytest.mark.parametrize(
    ("ids", "delayed_s", "text"),
    [
        ([7], 0, "#7 · 9f86d081"),
        ([7], 59, "#7 · 9f86d081"),
        ([7], 240, "#7 · 9f86d081 · delayed 4 m"),
        ([12, 13, 14, 17, 15], 0, "#12–15, #17 · 9f86d081"),
        ([3, 3, 1], 0, "#1, #3 · 9f86d081"),
    ],
)
def test_it_names_the_events_and_how_late_they_are(ids: list[int], delayed_s: float, text: str) -> None:
    assert footer(ids, EN, HERE, delayed_s) == text


def test_without_an_installation_it_is_for_people_alone() -> None:
    assert footer([7], EN) == "#7"
    assert told_in("#7") is None


@given(
    ids=st.sets(st.integers(1, 10**6), min_size=1, max_size=40),
    delayed_s=st.sampled_from([0.0, 3600.0]),
    call=st.booleans(),
)
def test_fault_36_what_was_told_is_read_back(ids: set[int], delayed_s: float, *, call: bool) -> None:
    for words in (EN, KO):
        text = footer(ids, words, HERE, delayed_s, call=call)
        assert all(tells_of(text, HERE, number, call=call) for number in ids)
        assert not any(tells_of(text, HERE, number, call=call) for number in range(1, 200) if number not in ids)
        assert not tells_of(text, HERE, min(ids), call=not call)
        assert not tells_of(text, "00000000", min(ids), call=call)


def test_of_very_many_the_first_are_named() -> None:
    text = footer(range(1, 10**6, 2), EN, HERE)
    assert tells_of(text, HERE, 1)
    assert tells_of(text, HERE, 2 * RANGES_AT_MOST - 1)
    assert "…" in text
    assert length(text) <= FOOTER


@given(st.text(max_size=60))
def test_what_others_write_is_not_taken_for_ours(text: str) -> None:
    told = told_in(text)
    assert told is None or told[0] in text
