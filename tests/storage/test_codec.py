"""What JSON cannot hold is dealt with, not passed on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from monitor.errors import StorageError, StorageFault
from storage.codec import from_json, to_json


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Thing:
    number: float
    text: str = ""
    colour: Colour = Colour.RED
    parts: tuple[int, ...] = ()
    where: Path | None = None


@pytest.mark.parametrize(
    "thing",
    [
        pytest.param(Thing(1.5, "é 한글 \x00 \u2028", parts=(1, 2), where=Path("/a b")), id="all of it"),
        pytest.param(Thing(float("inf")), id="infinity"),
        pytest.param(Thing(2.0**53), id="a large number"),
    ],
)
def test_there_and_back(thing: Thing) -> None:
    assert from_json(Thing, to_json(thing), "here") == thing


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    assert from_json(Thing, to_json(Thing(1, "a\ud800b")), "here").text == "a?b"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("{", "", id="cut"),
        pytest.param('{"number": 1, "colour": "blue"}', "colour", id="unknown member"),
        pytest.param("{}", "number", id="missing field"),
    ],
)
def test_what_is_not_ours_is_unreadable(text: str, place: str) -> None:
    with pytest.raises(StorageError) as caught:
        from_json(Thing, text, "here")
    assert caught.value.fault is StorageFault.UNREADABLE
    assert caught.value.path == "here"
    assert caught.value.detail.startswith("Thing: ")
    assert place in caught.value.detail
