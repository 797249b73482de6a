from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cogs.render import worker
from cogs.render.worker import LENGTH, OK, answer, read_frame, serve, write_frame
from tests.cogs.render.charts import curve, pixels, request

ROOT = Path(worker.__file__).parents[2]
COMMAND = [sys.executable, "-m", "cogs.render.worker"]
ASKED = request(("cpu", [curve([1.0, 2.0, 3.0])])).to_json()
END_S = 30


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(COMMAND, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        yield started
        started.kill()


def pipes(process: subprocess.Popen[bytes]) -> tuple[io.BufferedWriter, io.BufferedReader]:
    assert isinstance(process.stdin, io.BufferedWriter)
    assert isinstance(process.stdout, io.BufferedReader)
    return process.stdin, process.stdout


def test_it_says_it_is_ready_draws_and_ends_with_its_input(process: subprocess.Popen[bytes]) -> None:
    stdin, stdout = pipes(process)
    assert read_frame(stdout) == OK
    for _ in range(2):
        write_frame(stdin, ASKED)
        picture = read_frame(stdout)
        assert picture is not None
        assert picture[:1] == OK
        assert pixels(picture[1:]).shape[1] == 800
    stdin.close()
    assert process.wait(END_S) == 0
    assert stdout.read() == b""


def test_after_a_request_it_cannot_draw_it_draws_the_next(process: subprocess.Popen[bytes]) -> None:
    stdin, stdout = pipes(process)
    assert read_frame(stdout) == OK
    write_frame(stdin, b"nonsense")
    refused = read_frame(stdout)
    assert refused is not None
    assert refused.startswith(b"\1JSONDecodeError: ")
    write_frame(stdin, ASKED)
    assert (read_frame(stdout) or b"")[:1] == OK


def test_it_is_less_important_than_the_games(process: subprocess.Popen[bytes]) -> None:
    assert read_frame(pipes(process)[1]) == OK
    if sys.platform == "win32":
        pytest.skip("on Windows the bot gives it its priority: see test_painter")
    assert psutil.Process(process.pid).nice() == min(19, os.nice(0) + worker.NICENESS)


def test_it_ends_quietly_when_nobody_reads_its_answer(process: subprocess.Popen[bytes]) -> None:
    stdin, stdout = pipes(process)
    assert read_frame(stdout) == OK
    stdout.close()
    write_frame(stdin, ASKED)
    assert process.wait(END_S) == 0


def test_it_loads_neither_discord_nor_the_catalogues() -> None:
    unwanted = {"discord", "babel", "aiosqlite", "matplotlib.pyplot"}
    code = f"import sys, cogs.render.worker; print({unwanted} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "set()"


@pytest.mark.parametrize("data", [b"", b"\0\0", LENGTH.pack(5), LENGTH.pack(5) + b"four"])
def test_an_input_that_ends_inside_a_frame_has_ended(data: bytes) -> None:
    assert read_frame(io.BytesIO(data)) is None
    sink = io.BytesIO()
    serve(io.BytesIO(data), sink)
    assert sink.getvalue() == LENGTH.pack(1) + OK


def test_a_frame_is_read_as_it_was_written() -> None:
    pipe = io.BytesIO()
    write_frame(pipe, "서버".encode())
    pipe.seek(0)
    assert read_frame(pipe) == "서버".encode()


def test_what_goes_wrong_is_told() -> None:
    assert answer(b"{}").startswith(b"\1KeyError")
