"""What stands in the files, and that a file under its final name is always whole."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import StorageError, UnknownServer
from monitor.metrics import BY_KEY, METRICS
from monitor.model import Sample
from storage.database import Database
from storage.export import PAGE_ROWS, Export, ExportRow
from storage.export_file import FORMULA_STARTS, Format, Written, columns, export_to, head, lines, write_export
from storage.samples import SampleBuffer
from tests.fakes.clock import FakeClock

CPU_AND_MEMORY = (BY_KEY["cpu"], BY_KEY["memory"])
MEMORY_STEP_BYTES = round(1 / BY_KEY["memory"].scale)
TWO_ROWS: list[ExportRow] = [(1_767_225_600, "ark", (1234, 5)), (1_767_225_605, "ark", (None, None))]


def all_of(form: Format, rows: Sequence[ExportRow] = TWO_ROWS) -> str:
    return (head(form, CPU_AND_MEMORY) + lines(form, CPU_AND_MEMORY, rows)).decode("ascii")


# What stands in them


def test_csv_names_each_unit_and_leaves_unknown_empty() -> None:
    assert all_of(Format.CSV) == (
        "time_utc,epoch_s,server,cpu_percent_of_core,memory_bytes\r\n"
        f"2026-01-01T00:00:00Z,1767225600,ark,123.4,{5 * MEMORY_STEP_BYTES}\r\n"
        "2026-01-01T00:00:05Z,1767225605,ark,,\r\n"
    )


def test_json_lines_are_an_object_each_with_null_for_unknown() -> None:
    assert [json.loads(line) for line in all_of(Format.JSONL).splitlines()] == [
        {
            "time_utc": "2026-01-01T00:00:00Z",
            "epoch_s": 1767225600,
            "server": "ark",
            "cpu_percent_of_core": 123.4,
            "memory_bytes": 5 * MEMORY_STEP_BYTES,
        },
        {
            "time_utc": "2026-01-01T00:00:05Z",
            "epoch_s": 1767225605,
            "server": "ark",
            "cpu_percent_of_core": None,
            "memory_bytes": None,
        },
    ]


def test_every_metric_has_a_column_of_its_own() -> None:
    names = columns(METRICS)
    assert len(set(names)) == len(METRICS) + 3
    assert all(name.startswith(metric.key) for name, metric in zip(names[3:], METRICS, strict=True))


numbers = st.none() | st.integers(-(2**53), 2**53)
id_texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.lists(st.tuples(st.integers(0, 2**33), id_texts, st.tuples(numbers, numbers)), max_size=5))
def test_both_formats_say_the_same_of_any_rows(rows: list[ExportRow]) -> None:
    read = list(csv.DictReader(io.StringIO(_text(Format.CSV, rows), newline="")))
    objects = [json.loads(line) for line in _text(Format.JSONL, rows).split("\n")[:-1]]
    assert len(read) == len(objects) == len(rows)
    for line, told in zip(read, objects, strict=True):
        assert datetime.fromisoformat(told["time_utc"]).timestamp() == told["epoch_s"]
        assert line["server"].removeprefix("'") == told["server"].removeprefix("'")
        assert [line[key] for key in ("cpu_percent_of_core", "memory_bytes")] == [
            "" if told[key] is None else str(told[key]) for key in ("cpu_percent_of_core", "memory_bytes")
        ]


def _text(form: Format, rows: list[ExportRow]) -> str:
    return (head(form, CPU_AND_MEMORY) + lines(form, CPU_AND_MEMORY, rows)).decode()


@given(st.sampled_from(FORMULA_STARTS), st.text(max_size=10))
def test_no_text_is_a_formula_to_a_spreadsheet(start: str, rest: str) -> None:
    text = lines(Format.CSV, (), [(0, start + rest, ())]).decode()
    [[_, _, server]] = csv.reader(io.StringIO(text, newline=""))
    assert server == f"'{start}{rest}"


def test_a_number_below_zero_is_a_number_and_no_formula() -> None:
    assert lines(Format.CSV, CPU_AND_MEMORY, [(0, "ark", (-15, 0))]).endswith(b",ark,-1.5,0\r\n")


# Files


@pytest.fixture
async def buffer(db: Database, two_servers: tuple[str, str]) -> SampleBuffer:
    """Holds two and a half pages of ark."""
    buffer = SampleBuffer(db, FakeClock())
    buffer.add([Sample("ark", at_s, players=at_s % 30) for at_s in range(5 * PAGE_ROWS // 2)])
    return buffer


EXPORT = Export(("ark",), 0, 5 * PAGE_ROWS // 2, (BY_KEY["players"],))


@pytest.mark.parametrize("form", Format)
async def test_a_file_has_every_row_and_nothing_lies_beside_it(
    db: Database, buffer: SampleBuffer, tmp_path: Path, form: Format
) -> None:
    target = tmp_path / "place" / "out"
    target.parent.mkdir()
    target.write_text("what was there before")
    written = await export_to(db, EXPORT, form, target, waiting=buffer)
    told = target.read_bytes().splitlines()[form is Format.CSV :]
    assert len(told) == written.rows == 5 * PAGE_ROWS // 2
    assert written == Written(written.rows, target.stat().st_size, 1.0)
    assert list(target.parent.iterdir()) == [target]


async def test_progress_grows_up_to_the_whole(db: Database, buffer: SampleBuffer, tmp_path: Path) -> None:
    await buffer.flush()
    told: list[Written] = []
    written = await export_to(db, EXPORT, Format.CSV, tmp_path / "out", on_progress=told.append)
    assert [each.rows for each in told] == [1000, 2000, 2500]
    assert told == sorted(told, key=lambda each: (each.done, each.size_bytes))
    assert 0.3 < told[0].done < 0.5
    assert told[-1].size_bytes == written.size_bytes


class FullDisk(io.BytesIO):
    """Has room for the head and one page."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()
        self.pieces: list[bytes] = []

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self.threads.add(threading.get_ident())
        if len(self.pieces) == 2:
            raise OSError(28, "No space left on device")
        self.pieces.append(data)
        return len(data)


async def test_only_whole_rows_are_written_and_never_on_the_loop(db: Database, buffer: SampleBuffer) -> None:
    await buffer.flush()
    disk = FullDisk()
    with pytest.raises(OSError, match="No space"):
        await write_export(db, EXPORT, Format.CSV, disk)
    assert [piece.endswith(b"\r\n") for piece in disk.pieces] == [True, True]
    assert disk.pieces[1].count(b"\r\n") == PAGE_ROWS
    assert threading.get_ident() not in disk.threads


async def test_what_fails_half_way_leaves_what_was_there_before(
    db: Database, buffer: SampleBuffer, tmp_path: Path
) -> None:
    await buffer.flush()
    target = tmp_path / "place" / "out"
    target.parent.mkdir()
    target.write_text("what was there before")
    closing: list[asyncio.Task[None]] = []

    def close_under_it(written: Written) -> None:
        closing.append(asyncio.create_task(db.close()))

    with pytest.raises(StorageError):
        await export_to(db, EXPORT, Format.CSV, target, on_progress=close_under_it)
    await asyncio.gather(*closing)
    assert target.read_text() == "what was there before"
    assert list(target.parent.iterdir()) == [target]


async def test_what_is_cancelled_leaves_nothing(db: Database, buffer: SampleBuffer, tmp_path: Path) -> None:
    await buffer.flush()
    begun = asyncio.Event()
    place = tmp_path / "place"
    place.mkdir()

    def told(written: Written) -> None:
        begun.set()

    task = asyncio.create_task(export_to(db, EXPORT, Format.JSONL, place / "out", on_progress=told))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(place.iterdir()) == []


async def test_an_unknown_server_leaves_no_file(db: Database, tmp_path: Path) -> None:
    with pytest.raises(UnknownServer):
        await export_to(db, Export(("dune",), 0, 10), Format.CSV, tmp_path / "out")
    assert not (tmp_path / "out").exists()


async def test_a_folder_that_is_not_there(db: Database, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await export_to(db, Export((), 0, 10), Format.CSV, tmp_path / "nowhere" / "out")
