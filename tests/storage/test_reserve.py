"""Room that is held, given up piece by piece, and taken back."""

from __future__ import annotations

import os
from collections import namedtuple
from pathlib import Path

import pytest

from storage.reserve import PIECE_BYTES, RESERVE_BYTES, Reserve

Usage = namedtuple("Usage", "total used free")  # noqa: PYI024  # what shutil gives


@pytest.fixture
def reserve(tmp_path: Path) -> Reserve:
    return Reserve(tmp_path / "reserve", size_bytes=1000, piece_bytes=400)


def held(tmp_path: Path) -> int:
    return (tmp_path / "reserve").stat().st_size


def test_it_is_given_up_piece_by_piece_until_nothing_is_left(reserve: Reserve, tmp_path: Path) -> None:
    assert reserve.fill()
    sizes = [held(tmp_path)]
    while reserve.give():
        sizes.append(held(tmp_path))
    assert sizes == [1000, 600, 200, 0]


def test_it_is_taken_back_whole(reserve: Reserve, tmp_path: Path) -> None:
    reserve.fill()
    reserve.give()
    assert reserve.fill()
    assert held(tmp_path) == 1000


@pytest.mark.parametrize(("held_bytes", "needed_bytes"), [(1000, 1000), (600, 1400), (0, 2000)])
def test_there_is_room_where_it_is_whole_and_as_much_is_free_again(
    reserve: Reserve, tmp_path: Path, held_bytes: int, needed_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reserve").write_bytes(bytes(held_bytes))
    for free_bytes, room in ((needed_bytes - 1, False), (needed_bytes, True)):
        monkeypatch.setattr("shutil.disk_usage", lambda _path, free=free_bytes: Usage(10**6, 10**6 - free, free))
        assert reserve.fill() is room
        assert held(tmp_path) == (1000 if room else held_bytes)


@pytest.mark.skipif(os.name != "posix", reason="it counts blocks")
@pytest.mark.parametrize("by_writing", [False, True], ids=["allocated", "written"])
def test_what_it_holds_is_no_hole(tmp_path: Path, by_writing: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    if by_writing:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    assert Reserve(tmp_path / "reserve").fill()
    blocks = (tmp_path / "reserve").stat().st_blocks * 512
    assert held(tmp_path) == RESERVE_BYTES <= blocks + PIECE_BYTES


def test_without_a_folder_there_is_no_room_and_nothing_to_give(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "nowhere" / "reserve")
    assert not reserve.fill()
    assert not reserve.give()
