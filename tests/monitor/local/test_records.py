"""What is written down about a run, and what can be read from it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from monitor.local.records import Record, Records, exit_status, parse_record
from monitor.model import ExitStatus, ProcessId

GAME = ProcessId(4711, 80103, "58e71674-3359-49fa-8525-f5b21142a7cc")
HEAD = "marker m\ngame 4711 80103 58e71674-3359-49fa-8525-f5b21142a7cc\n"

TEXTS: dict[str, tuple[str, Record | None]] = {
    "nothing": ("", None),
    "no record": ("exit 3\n", None),
    "begun": ("marker m\n", Record("m")),
    "running": (HEAD, Record("m", GAME)),
    "ended": (HEAD + "exit 3\n", Record("m", GAME, ExitStatus(code=3))),
    "ended by a signal": (
        HEAD + "Segmentation fault (core dumped)\nexit 139\n",
        Record("m", GAME, ExitStatus(signal=11, core_dumped=True)),
    ),
    "as bash says it": (
        HEAD + "gamekeeper: line 12: 4711 Killed ( exec 0<> $1 )\nexit 137\n",
        Record("m", GAME, ExitStatus(signal=9)),
    ),
    "half a line": (HEAD + "exit 13", Record("m", GAME)),
    "never began": ("marker m\nexit 1\n", Record("m", None, ExitStatus(code=1))),
    "never began, though it was known": (HEAD + "never-began\nexit 0\n", Record("m", None, ExitStatus(code=0))),
    "without a boot id": ("marker m\ngame 7 8 \n", Record("m", ProcessId(7, 8))),
    "spoilt": ("marker m\ngame x y\n\x00\n", Record("m")),
}


@pytest.mark.parametrize(("text", "record"), TEXTS.values(), ids=TEXTS.keys())
def test_a_record_is_read_in_every_state(text: str, record: Record | None) -> None:
    assert parse_record(text) == record


STATUSES: dict[str, tuple[int, str, ExitStatus]] = {
    "clean": (0, "", ExitStatus(code=0)),
    "a code": (3, "", ExitStatus(code=3)),
    "the highest": (255, "", ExitStatus(code=255)),
    "a Java that was asked to end by SIGTERM": (143, "", ExitStatus(code=143)),
    "ended by SIGTERM": (143, "Terminated", ExitStatus(signal=15)),
    "a game that exits with 139": (139, "", ExitStatus(code=139)),
    "SIGINT, of which shells do not speak": (130, "", ExitStatus(signal=2)),
    "SIGPIPE, of which shells do not speak": (141, "", ExitStatus(signal=13)),
    "a real-time signal": (162, "Real-time signal 0", ExitStatus(signal=34)),
    "what is no signal, whatever was said": (200, "noise", ExitStatus(code=200)),
    "a code with noise": (1, "noise", ExitStatus(code=1)),
}


@pytest.mark.parametrize(("code", "said", "status"), STATUSES.values(), ids=STATUSES.keys())
def test_signals_and_codes_are_told_apart_by_what_the_shell_said(code: int, said: str, status: ExitStatus) -> None:
    assert exit_status(code, said) == status


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "data" / "runs")


def begin(records: Records, server_id: str, marker: str, *lines: str) -> int:
    path, descriptor = records.make()
    records.begin(path, server_id, marker, GAME)
    for line in lines:
        os.write(descriptor, f"{line}\n".encode())
    return descriptor


def test_records_are_found_by_marker_and_by_game(records: Records) -> None:
    assert records.of_marker("m") is None
    os.close(begin(records, "a", "m", "exit 0"))
    found = records.of_marker("m")
    assert found is not None
    assert found.read() == Record("m", GAME, ExitStatus(code=0))
    assert records.of_marker("other") is None
    by_game = records.of_game(GAME)
    assert by_game is not None
    assert by_game[1] == "m"
    assert records.of_game(ProcessId(4711, 80104, GAME.boot_id)) is None


def test_the_next_run_of_a_server_takes_the_place_of_the_last(records: Records, tmp_path: Path) -> None:
    os.close(begin(records, "a", "first", "exit 0"))
    os.close(begin(records, "a", "second"))
    assert records.of_marker("first") is None
    assert len(list((tmp_path / "data" / "runs").iterdir())) == 1


def test_a_recorder_of_an_earlier_run_does_not_write_into_the_next_ones_record(records: Records) -> None:
    late = begin(records, "a", "first")
    os.close(begin(records, "a", "second"))
    os.write(late, b"exit 1\n")
    os.close(late)
    second = records.of_marker("second")
    assert second is not None
    assert second.read() == Record("second", GAME)


def test_only_we_may_read_them(records: Records, tmp_path: Path) -> None:
    os.close(begin(records, "a", "m"))
    if os.name == "posix":
        assert (tmp_path / "data" / "runs" / "a.run").stat().st_mode & 0o777 == 0o600


def test_an_end_that_is_just_being_written_is_waited_for(records: Records) -> None:
    descriptor = begin(records, "a", "m")
    file = records.of_marker("m")
    assert file is not None
    found: list[ExitStatus | None] = []
    reader = threading.Thread(target=lambda: found.append(file.wait_for_end()))
    reader.start()
    os.write(descriptor, b"exit 5\n")
    reader.join(10)
    os.close(descriptor)
    assert found == [ExitStatus(code=5)]


def test_an_end_that_nobody_writes_is_given_up(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.local.records._PATIENCE_S", 0.01)
    os.close(begin(records, "a", "m"))
    file = records.of_marker("m")
    assert file is not None
    assert file.wait_for_end() is None
