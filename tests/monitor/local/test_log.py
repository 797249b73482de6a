"""The captured output: marks, tails, cleaning and rotation."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from monitor.local.log import CapturedLog, clean
from monitor.redaction import Redaction
from tests.monitor.local.stage import Stage

MIB = 1024 * 1024


@pytest.fixture
def log(tmp_path: Path) -> CapturedLog:
    return CapturedLog(tmp_path / "server.log", cap_bytes=1000)


def append(log: CapturedLog, text: str | bytes) -> None:
    with log.path.open("ab") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def part(log: CapturedLog, number: int) -> Path:
    return log.path.with_name(f"server.log.{number}")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("plain 한글\n", "plain 한글\n", id="plain"),
        pytest.param("\x1b[1;32mDone\x1b[0m\n", "Done\n", id="colour"),
        pytest.param("\x1b[38:2::1:2:3mx\x1b[K\n", "x\n", id="other CSI"),
        pytest.param("\x1b]0;title\x07x\x1b]8;;http://a\x1b\\y\n", "xy\n", id="titles and links"),
        pytest.param("\x1b]0;never closed\nnext\n", "\nnext\n", id="an open sequence ends with its line"),
        pytest.param("\x1bcx\x1b(By\n", "xy\n", id="short sequences"),
        pytest.param("a\rb\r\n", "ab\n", id="carriage returns"),
        pytest.param("a\tb\n", "a\tb\n", id="tabs stay"),
        pytest.param("a\0b\x07\x08\x7f\x9bc\n", "abc\n", id="control codes"),
        pytest.param("x" * 2001 + "\n" + "y" * 2000 + "\n", "x" * 1999 + "…\n" + "y" * 2000 + "\n", id="long lines"),
        pytest.param("\x1b[31m" * 1000 + "red\n", "red\n", id="the length counts after cleaning"),
    ],
)
def test_lines_are_cleaned(raw: str, expected: str) -> None:
    assert clean(raw) == expected


def test_an_absent_log_is_empty(log: CapturedLog) -> None:
    assert log.mark() == 0
    assert log.read_since(0) == ("", 0)
    assert log.tail(5) == ()
    log.trim()
    assert not log.path.exists()


def test_another_object_finds_a_run_after_an_unfinished_line_and_over_chunks(log: CapturedLog) -> None:
    half = MIB - 40  # the line that names the run lies across the end of a chunk
    append(log, "x" * half)
    mark = log.begin("run-1")
    append(log, "y" * 3 * MIB + "\nlast\n")
    later = CapturedLog(log.path)
    assert later.mark_of("run-1") == mark == half + len("\n--- gamekeeper: run run-1 begins ---\n")
    assert later.tail(1) == ("last",)


def test_fault_57_a_log_that_takes_nothing_keeps_no_run_from_beginning(log: CapturedLog) -> None:
    log.path.mkdir()
    assert log.begin("run-1") == log.path.stat().st_size


def test_what_is_captured_is_for_the_owner_alone(log: CapturedLog) -> None:
    log.begin("run-1")
    assert sys.platform == "win32" or log.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_an_older_part_is_for_the_owner_alone_from_its_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturedLog(tmp_path / "server.log", cap_bytes=10)
    append(log, "x" * 20)
    monkeypatch.setattr(Path, "chmod", pytest.fail)
    log.trim()
    assert (tmp_path / "server.log.1").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("before", range(1980, 2005))
def test_fault_64_a_secret_at_the_end_of_a_long_line_is_hidden_however_it_is_cut(
    log: CapturedLog, before: int
) -> None:
    append(log, "x" * before + "canary-7f31-and-more" + "y" * 100 + "\n")
    [line] = log.tail(1)
    assert len(line) == 2000
    assert "cana" not in Redaction(["canary-7f31-and-more"]).text(line)


def test_an_unfinished_line_is_left_for_later(log: CapturedLog) -> None:
    append(log, "whole\nunfin")
    text, mark = log.read_since(0)
    assert text == "whole\n"
    append(log, "ished\n")
    assert log.read_since(mark)[0] == "unfinished\n"


def test_a_tail_shows_an_unfinished_line(log: CapturedLog) -> None:
    append(log, "one\ntwo\nthree")
    assert log.tail(2) == ("two", "three")
    assert log.tail(0) == ()


def test_bytes_that_are_no_text_are_replaced(log: CapturedLog) -> None:
    append(log, b"bad \xff\xfe end\n")
    assert log.read_since(0)[0] == "bad \ufffd\ufffd end\n"


def test_a_character_split_between_two_reads_stays_whole(log: CapturedLog) -> None:
    raw = "한\n".encode()
    append(log, raw[:2])
    text, mark = log.read_since(0)
    append(log, raw[2:])
    assert (text, log.read_since(mark)[0]) == ("", "한\n")


def test_a_read_is_at_most_a_mebibyte_of_whole_lines(tmp_path: Path) -> None:
    log = CapturedLog(tmp_path / "server.log")
    append(log, ("x" * 99 + "\n") * 30_000)
    mark, sizes = 0, []
    while (reading := log.read_since(mark))[0]:
        text, mark = reading
        assert text.endswith("\n")
        sizes.append(len(text))
    assert sum(sizes) == 3_000_000
    assert max(sizes) <= MIB


def test_one_endless_line_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    log = CapturedLog(tmp_path / "server.log")
    append(log, "x" * (MIB + 10) + "\nnext\n")
    text, mark = log.read_since(0)
    assert len(text) == 2000
    assert log.read_since(mark)[0] == "x" * 10 + "\nnext\n"
    assert log.tail(1) == ("next",)


def test_a_log_over_its_cap_moves_to_the_next_part(log: CapturedLog) -> None:
    append(log, "old\n" * 300)
    log.trim()
    assert log.path.read_bytes() == b""
    assert part(log, 1).read_text() == "old\n" * 250, "the cap's worth of its end"
    log.trim()
    assert part(log, 1).exists()


def test_only_so_many_parts_are_kept(log: CapturedLog) -> None:
    for letter in "abcde":
        append(log, letter * 1001)
        log.trim()
    kept = {path.name: path.read_text()[0] for path in log.path.parent.glob("server.log.*")}
    assert kept == {"server.log.1": "e", "server.log.2": "d", "server.log.3": "c"}


def test_what_moved_since_the_mark_is_still_read(log: CapturedLog) -> None:
    append(log, "x" * 990 + "\n")
    mark = log.mark()
    append(log, "ready\nhalf a li")
    log.trim()
    append(log, "ne\nafter\n")
    text, mark = log.read_since(mark)
    assert text == "ready\nhalf a li"
    assert log.read_since(mark) == ("ne\nafter\n", log.mark())


def test_what_is_gone_for_good_is_passed_over(log: CapturedLog) -> None:
    append(log, "first\n")
    for _ in range(2):
        append(log, "x" * 1200 + "\n")
        log.trim()
    append(log, "last\n")
    text, mark = log.read_since(0)
    assert text == "x" * 999 + "\n"
    assert log.read_since(mark) == ("last\n", log.mark())


def test_a_log_that_somebody_else_emptied_is_read_from_its_beginning(log: CapturedLog) -> None:
    append(log, "a long line before\n")
    mark = log.mark()
    log.path.write_text("after\n")
    assert log.read_since(mark)[0] == "after\n"


def test_fault_57_no_room_for_a_copy_leaves_the_log_as_it_is(
    log: CapturedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, "x" * 1001)

    def full(self: CapturedLog, live: BinaryIO, part: BinaryIO) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(CapturedLog, "_copy", full)
    log.trim()
    assert log.path.stat().st_size == 1001
    assert [path.name for path in log.path.parent.iterdir()] == ["server.log"]


async def test_fault_16_a_flood_is_capped_while_the_game_keeps_writing(stage: Stage) -> None:
    log = CapturedLog(stage.folder / "logs" / "game.log", cap_bytes=MIB)
    _, puppet = await stage.play("game")
    for _ in range(6):
        await puppet.order(f"flood {5 * MIB // 2}")
        log.trim()
        await puppet.order("print a line after the trim")
        assert log.tail(1) == ("a line after the trim",)
        assert log.path.stat().st_size < 100, "the game goes on at the new end, not at its old offset"
    sizes = {path.name: path.stat().st_size for path in log.path.parent.glob("game.log*")}
    assert set(sizes) == {"game.log", "game.log.1", "game.log.2", "game.log.3"}
    assert max(sizes.values()) <= MIB
