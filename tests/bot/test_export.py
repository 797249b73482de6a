"""`gamekeeper export`: what is written where, and the exit code that scripts go by."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from bot.__main__ import FAILED, main
from bot.app import DATABASE, EXPORTS
from bot.export import Progress
from bot.lock import only_one
from monitor.local.clock import SystemClock
from monitor.model import Sample
from monitor.spec import AdminEndpoint, Secret
from storage.database import Database
from storage.export_file import Written
from storage.samples import SampleBuffer
from storage.servers import Servers
from tests.bot.bot_process import command, environment
from tests.fakes.house import spec_of

CANARY = "canary-83de-export"
ROWS = 3000


@pytest.fixture(autouse=True)
def data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder and an environment with nothing in them but where the data goes."""
    for name in list(os.environ):
        if name.upper().startswith(("DISCORD_", "GAMEKEEPER_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAMEKEEPER_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def measured(data_dir: Path) -> Path:
    """A database in which ark was measured every 5 s up to now, and rust never."""

    async def measure() -> None:
        clock = SystemClock()
        specs = [spec_of("ark", admin=AdminEndpoint("127.0.0.1", 1, Secret(CANARY)), env={"KEY": CANARY})]
        async with await Database.open(data_dir / DATABASE) as db:
            await Servers(db).save([*specs, spec_of("rust")])
            buffer = SampleBuffer(db, clock)
            now_s = clock.now_ms() // 1000
            buffer.add([Sample("ark", now_s - 5 * n, cpu_pct=12.5, players=n % 30) for n in range(ROWS)])
            await buffer.flush()

    asyncio.run(measure())
    return data_dir


@pytest.mark.usefixtures("measured")
def test_json_lines_go_to_standard_output_and_all_else_to_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "ark"]) == 0
    told = capsys.readouterr()
    rows = [json.loads(line) for line in told.out.splitlines()]
    assert len(rows) == ROWS
    assert {(row["server"], row["cpu_percent_of_core"]) for row in rows} == {("ark", 12.5)}
    assert told.err == f"Wrote 3,000 rows of ark ({len(told.out) / 2**20:.1f} MiB).\n"


@pytest.mark.usefixtures("measured")
def test_a_file_of_chosen_fields_and_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["export", "ark", "--range", "1h", "--format", "csv", "--fields", "players,cpu", "--output", "ark.csv"]
    assert main(typed) == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "ark.csv").read_text())))
    assert list(rows[0]) == ["time_utc", "epoch_s", "server", "players_count", "cpu_percent_of_core"]
    assert 715 <= len(rows) <= 720
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.endswith(" to ark.csv.\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ark.csv", "data"]


@pytest.mark.usefixtures("measured")
def test_several_servers_in_one_file(tmp_path: Path) -> None:
    assert main(["export", "rust", "ark", "--output", "both.jsonl"]) == 0
    assert (tmp_path / "both.jsonl").read_text().count('"server":"ark"') == ROWS


@pytest.mark.usefixtures("measured")
def test_nothing_measured_is_no_failure_and_says_what_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "rust", "--range", "2h"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "Nothing was measured of rust in the last 2h. See that it runs, or give a longer --range.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["dune"], "there is no server 'dune'. See which there are: gamekeeper server list", id="server"),
        pytest.param(["ark", "--output", "no/where"], "no/where cannot be written: No such file", id="no-folder"),
        pytest.param(["ark", "--output", "data"], "data cannot be written: ", id="a-folder"),
    ],
)
@pytest.mark.usefixtures("measured")
def test_what_fails_says_why_and_leaves_nothing(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *arguments]) == FAILED
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"gamekeeper: {said}")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes with a name are POSIX's")
@pytest.mark.usefixtures("measured")
def test_a_pipe_or_a_device_is_written_into_and_stays_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        assert main(["export", "ark", "--output", str(pipe)]) == 0
        assert read.result(5).count("\n") == ROWS
    assert pipe.is_fifo()


def test_beside_a_running_bot_a_copy_is_exported_and_nothing_of_it_stays(
    measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bot has the database open, and its log holds what the file does not."""
    with only_one(measured), closing(sqlite3.connect(measured / DATABASE)) as bot:
        [newest] = bot.execute("SELECT max(at_s) FROM samples").fetchone()
        bot.execute("UPDATE samples SET players = 77 WHERE at_s = ?", (newest,))
        bot.commit()
        assert main(["export", "ark", "--range", "1h"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out.splitlines()[-1])["players_count"] == 77
    assert list((measured / EXPORTS).iterdir()) == []


def test_beside_a_running_bot_without_a_database_it_says_so(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with only_one(data_dir):
        assert main(["export", "ark"]) == FAILED
    assert capsys.readouterr().err.startswith("gamekeeper: ")


@pytest.mark.usefixtures("measured")
def test_fault_64_no_secret_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("jsonl", "csv"):
        assert main(["export", "ark", "--format", form]) == 0
        told = capsys.readouterr()
        assert len(told.out) > ROWS
        assert CANARY not in told.out + told.err


@pytest.mark.skipif(sys.platform == "win32", reason="head and pipes as in a shell")
async def test_a_reader_that_has_had_enough_is_no_traceback(measured: Path, tmp_path: Path) -> None:
    variables = environment(GAMEKEEPER_DATA_DIR=str(measured))
    reader, writer = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "export",
        "ark",
        cwd=tmp_path,
        env=variables,
        stdout=writer,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writer)
    first = await asyncio.to_thread(os.read, reader, 10)
    os.close(reader)
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert first == b'{"time_utc'
    assert (process.returncode, err) == (FAILED, b"")


async def test_it_runs_as_a_program_of_its_own(measured: Path, tmp_path: Path) -> None:
    told = await command(tmp_path, {"GAMEKEEPER_DATA_DIR": str(measured)}, "export", "ark", "--format", "csv")
    assert told.code == 0
    assert len(told.out.splitlines()) == ROWS + 1


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_one_line_that_changes_and_is_gone_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr("bot.export.time.monotonic", lambda: now_s)
    terminal = Terminal()
    progress = Progress(terminal)
    for rows, done, passed_s in ((1000, 0.25, 0.0), (2000, 0.5, 0.01), (3000, 0.75, 1.0)):
        now_s += passed_s
        progress.show(Written(rows, rows * 200, done))
    progress.end()
    shown = terminal.getvalue().split("\r")
    assert [line.strip() for line in shown] == ["", "25%  1,000 rows  0.2 MiB", "75%  3,000 rows  0.6 MiB", "", ""]
    assert len({len(line) for line in shown[1:4]}) == 1


def test_what_is_no_terminal_sees_none_of_it() -> None:
    log = io.StringIO()
    progress = Progress(log)
    progress.show(Written(1000, 1, 0.5))
    progress.end()
    assert log.getvalue() == ""
