from __future__ import annotations

import errno
import io
import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import log
from bot.log import configure_logging

CANARY = "canary-8d1c-password"
needs_dev_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full to fill")
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no such file modes")


def lines(folder: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in (folder / log.FILE_NAME).read_text(encoding="utf-8").splitlines()]


def test_a_line_reaches_file_and_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with configure_logging("info", tmp_path):
        structlog.get_logger("monitor.fleet").info("server started", server="생존", pid=7)
    ((written, line),) = ((line["timestamp"], {**line, "timestamp": ""}) for line in lines(tmp_path))
    assert written.endswith("Z")
    assert line == {
        "timestamp": "",
        "event": "server started",
        "server": "생존",
        "pid": 7,
        "level": "info",
        "logger": "monitor.fleet",
    }
    shown = capsys.readouterr().err
    assert "server started" in shown
    assert "생존" in shown
    assert "\x1b" not in shown


def test_the_standard_library_takes_the_same_way(tmp_path: Path) -> None:
    with configure_logging("info", tmp_path):
        logging.getLogger("discord.client").warning("shard %d away", 3)
    (line,) = lines(tmp_path)
    assert (line["event"], line["level"], line["logger"]) == ("shard 3 away", "warning", "discord.client")


@pytest.mark.parametrize(
    ("name", "level", "heard"),
    [
        ("cogs.control", "debug", ["debug", "info", "warning"]),
        ("cogs.control", "info", ["info", "warning"]),
        ("discord.http", "debug", ["info", "warning"]),
        ("discord.http", "error", []),
    ],
)
def test_libraries_keep_their_debug_lines_to_themselves(
    name: str, level: str, heard: list[str], tmp_path: Path
) -> None:
    with configure_logging(level, tmp_path):
        for each in ("debug", "info", "warning"):
            structlog.get_logger(name).log(logging.getLevelNamesMapping()[each.upper()], "x")
        logging.getLogger("elsewhere").error("last")
    assert [line["level"] for line in lines(tmp_path)] == [*heard, "error"]


def test_a_terminal_gets_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    with configure_logging("info", None):
        structlog.get_logger("bot").info("hello")
    assert "\x1b[" in terminal.getvalue()


def test_without_a_console_there_is_still_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with configure_logging("info", tmp_path):
        structlog.get_logger("bot").info("hello")
    assert [line["event"] for line in lines(tmp_path)] == ["hello"]


def _refuse() -> None:
    raise ValueError(CANARY)


def _fail() -> None:
    try:
        _refuse()
    except ValueError as err:
        raise RuntimeError(f"while at {CANARY}") from err


def test_fault_64_a_secret_is_in_no_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with configure_logging("debug", tmp_path, [CANARY]) as it:
        it.redaction.hide(["later-known-password"])
        ours, theirs = structlog.get_logger("bot"), logging.getLogger("discord")
        ours.info(f"text {CANARY}", field=CANARY, deep={"a": [CANARY]}, obj=ValueError(CANARY))
        ours.info("positional %s", CANARY, late="later-known-password")
        theirs.error("foreign %s", CANARY)
        try:
            _fail()
        except RuntimeError:
            ours.exception("ours")
            theirs.exception("theirs")
    everything = (tmp_path / log.FILE_NAME).read_text(encoding="utf-8") + capsys.readouterr().err
    assert CANARY not in everything
    assert "later-known-password" not in everything
    assert everything.count("RuntimeError: while at ***") == 4


@posix_only
def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    with configure_logging("info", tmp_path):
        structlog.get_logger("bot").info("x")
    assert (tmp_path / log.FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_it_rotates_and_keeps_five(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_MAX_BYTES", 500)
    with configure_logging("info", tmp_path):
        for number in range(60):
            structlog.get_logger("bot").info("line", number=number)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [log.FILE_NAME, *(f"{log.FILE_NAME}.{n}" for n in range(1, 5))]
    assert all(file.stat().st_size <= 500 for file in files)
    assert lines(tmp_path)[-1]["number"] == 59


def test_a_file_that_cannot_be_renamed_grows_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_MAX_BYTES", 500)
    for number in range(1, 5):
        in_the_way = tmp_path / f"{log.FILE_NAME}.{number}"
        in_the_way.mkdir()
        (in_the_way / "held").touch()
    with configure_logging("info", tmp_path):
        for number in range(20):
            structlog.get_logger("bot").info("line", number=number)
    assert [line["number"] for line in lines(tmp_path)] == list(range(20))


@needs_dev_full
def test_fault_57_a_full_disk_costs_lines_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / log.FILE_NAME).symlink_to("/dev/full")
    with configure_logging("info", tmp_path):
        for number in range(300):
            structlog.get_logger("bot").info("x" * 100, number=number)
    shown = capsys.readouterr().err
    assert shown.count("lines of the log are being lost") == 1
    assert "number=299" in shown


def test_fault_57_a_folder_that_cannot_be_made_costs_lines_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with configure_logging("info", tmp_path / "file"):
        structlog.get_logger("bot").info("first")
        structlog.get_logger("bot").info("second")
        (tmp_path / "file").unlink()
        structlog.get_logger("bot").info("third")
    assert [line["event"] for line in lines(tmp_path / "file")] == ["third"]
    assert capsys.readouterr().err.count("being lost") == 1


class Console(io.StringIO):
    """A console that can be told to fail."""

    full = False

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(text)


def test_fault_57_each_outage_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    console, elsewhere = Console(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", console)
    with configure_logging("info", None):
        monkeypatch.setattr(sys, "stderr", elsewhere)
        for number, console.full in enumerate([True, True, False, True]):
            structlog.get_logger("bot").info("line", number=number)
    assert re.findall(r"number=(\d)", console.getvalue()) == ["2"]
    assert elsewhere.getvalue().count("being lost (No space left on device)") == 2


def test_a_closed_console_costs_lines_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.StringIO()
    monkeypatch.setattr(sys, "stderr", console)
    with configure_logging("info", tmp_path):
        console.close()
        structlog.get_logger("bot").info("still here")
    assert [line["event"] for line in lines(tmp_path)] == ["still here"]


def test_closing_leaves_everything_as_it_was(tmp_path: Path) -> None:
    before = (list(logging.root.handlers), logging.root.level, logging.getLogger("bot").level)
    with configure_logging("error", tmp_path) as it:
        assert len(logging.root.handlers) == len(before[0]) + 2
    it.close()
    assert (logging.root.handlers, logging.root.level, logging.getLogger("bot").level) == before
    assert not structlog.is_configured()
