"""A full disk, a folder that takes nothing, a disk that fails: real ones, in processes with a mount of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

if sys.platform == "win32":
    pytest.skip("mounts of one's own are Linux's", allow_module_level=True)

from tests.storage.scarce import play, possible

pytestmark = pytest.mark.skipif(not possible(), reason="it needs a mount of its own (unshare)")

if TYPE_CHECKING:
    Answer = dict[str, Any]
    Play = Callable[[str], Answer]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Plays a scenario, once."""
    return cache(lambda scenario: play(scenario, tmp_path_factory.mktemp(scenario)))


NOTHING_LOST = {"lost": [], "check": [["ok"]], "foreign_keys": []}


def nothing_lost(answer: Answer) -> bool:
    return {key: answer[key] for key in NOTHING_LOST} == NOTHING_LOST


def test_fault_29_a_full_disk_costs_measurements_and_no_event(played: Play) -> None:
    answer = played("full")
    assert nothing_lost(answer)
    assert (answer["events"], answer["intents"]) == (200, [[1]])
    assert answer["before"] is None
    assert set(answer["flushes"]) == {"full"}
    assert (answer["degraded"], answer["in_memory"]) == ("full", False)
    # 2,010 were taken, 1,000 may wait, and each of the others is counted.
    assert answer["dropped"] == 1000
    assert answer["told"] == ["storage_degraded"]


def test_fault_29_once_there_is_room_again_it_goes_on_by_itself(played: Play) -> None:
    answer = played("full")
    assert (answer["after"], answer["then"]) == (None, None)
    assert answer["told_then"] == ["storage_degraded", "storage_recovered"]


def test_fault_29_what_even_the_reserve_has_no_room_for_is_kept_in_memory_until_there_is(
    played: Play,
) -> None:
    answer = played("exhausted")
    assert answer["history"] == answer["happened"] > 10
    assert nothing_lost(answer)
    assert (answer["told"], answer["then"]) == (["storage_degraded", "storage_recovered"], None)


def test_fault_29_a_disk_that_is_full_at_the_start_costs_no_start(played: Play) -> None:
    answer = played("full_at_the_start")
    assert answer["degraded"] is not None
    assert answer["servers"] == 1
    assert nothing_lost(answer)
    assert (answer["told"], answer["then"]) == (["storage_degraded", "storage_recovered"], None)


def test_fault_32_in_a_read_only_folder_everything_is_known_and_taken_in_and_it_is_said(
    played: Play,
) -> None:
    answer = played("read_only")
    assert answer["degraded"] in {"read_only", "no_folder"}
    assert (answer["servers"], answer["known"]) == (1, 1)
    assert answer["flush"] == answer["degraded"]
    # Three crashes and the warning wait to be told.
    assert (answer["told"], answer["pending"]) == (["storage_degraded"], 4)


def test_fault_32_once_the_folder_takes_writes_again_what_memory_kept_is_on_the_disk(
    played: Play,
) -> None:
    answer = played("read_only")
    assert nothing_lost(answer)
    assert (answer["then"], answer["flush_then"]) == (None, None)
    assert answer["told_then"] == ["storage_degraded", "storage_recovered"]
    assert answer["runs"] == [[1, 9]]
    assert answer["samples"] == [[10]]


def test_fault_32_what_a_killed_bot_left_in_its_log_is_read_in_a_read_only_folder_too(
    played: Play,
) -> None:
    answer = played("read_only_after_a_kill")
    assert answer["degraded"] is not None
    assert answer["lost"] == []


def test_a_disk_that_fails_is_told_once_and_costs_no_event(played: Play) -> None:
    answer = played("failing")
    assert (answer["degraded"], answer["flush"], answer["told"]) == ("disk", "disk", ["storage_degraded"])
    assert (answer["then"], answer["flush_then"]) == (None, None)
    assert answer["told_then"] == ["storage_degraded", "storage_recovered"]
    assert nothing_lost(answer)
