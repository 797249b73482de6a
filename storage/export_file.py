"""Exports as files: JSON lines or CSV, written page by page, so that memory does not grow with their length."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, TypeVar, TypeVarTuple, Unpack

from monitor.metrics import Metric, Unit
from storage.database import Database
from storage.export import Export, ExportRow, Unwritten, pages

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins so for a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""

WHOLE = frozenset({Unit.BYTES, Unit.BYTES_PER_SECOND, Unit.COUNT})


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Written:
    """How much there is of a file, so far or in the end."""

    rows: int = 0
    size_bytes: int = 0
    done: float = 0.0
    """How much of the time that it covers is in it: 0 to 1."""


OnProgress = Callable[[Written], None]
"""Told after each page. Called on the event loop; must return at once."""


def columns(metrics: Sequence[Metric]) -> list[str]:
    """The names of what stands in a row, each measure with its unit."""
    return ["time_utc", "epoch_s", "server", *(f"{metric.key}_{metric.unit.value}" for metric in metrics)]


def head(form: Format, metrics: Sequence[Metric]) -> bytes:
    """What comes before the first row."""
    return _csv([columns(metrics)]) if form is Format.CSV else b""


def lines(form: Format, metrics: Sequence[Metric], rows: Sequence[ExportRow]) -> bytes:
    """Whole lines, one for each row. What is not known is null, or nothing between two commas."""
    values = ([_utc(at_s), at_s, server_id, *_measured(metrics, stored)] for at_s, server_id, stored in rows)
    if form is Format.CSV:
        return _csv([[_no_formula(value) for value in row] for row in values])
    names = columns(metrics)
    objects = (json.dumps(dict(zip(names, row, strict=True)), separators=(",", ":")) for row in values)
    return "".join(f"{each}\n" for each in objects).encode()


async def write_export(
    db: Database,
    export: Export,
    form: Format,
    out: BinaryIO,
    *,
    waiting: Unwritten | None = None,
    on_progress: OnProgress = lambda _written: None,
) -> Written:
    """Write an export into an open file, only ever whole rows at a time, and never on the event loop.

    Raises:
        UnknownServer: the database has never heard of one of the servers.
        StorageError: the database refused.
        OSError: the file did.
    """
    written = Written(size_bytes=await in_thread(_put, out, head(form, export.metrics)))
    async with aclosing(pages(db, export, waiting)) as given:
        async for rows in given:
            size_bytes = written.size_bytes + await in_thread(_put_rows, out, form, export.metrics, rows)
            written = Written(written.rows + len(rows), size_bytes, export.done_at(rows[-1][0]))
            on_progress(written)
    await in_thread(out.flush)
    return Written(written.rows, written.size_bytes, done=1.0)


async def export_to(
    db: Database,
    export: Export,
    form: Format,
    path: Path,
    *,
    waiting: Unwritten | None = None,
    on_progress: OnProgress = lambda _written: None,
) -> Written:
    """Write an export to `path`, which is there only once it is whole; what was there before is then replaced.

    Raises:
        UnknownServer: the database has never heard of one of the servers.
        StorageError: the database refused.
        OSError: the file cannot be written.
    """
    part = _Part(path)
    try:
        out = await in_thread(part.open)
        written = await write_export(db, export, form, out, waiting=waiting, on_progress=on_progress)
        await in_thread(part.keep)
    except BaseException:
        await in_thread(part.discard)
        raise
    return written


class _Part:
    """A file that is being written, beside the place where it belongs once it is whole. Blocking, all of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beside = path.with_name(f".gamekeeper-{os.urandom(4).hex()}.part")
        self._file: BinaryIO | None = None

    def open(self) -> BinaryIO:
        self._file = self._beside.open("xb")
        return self._file

    def keep(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        self._beside.replace(self._path)

    def discard(self) -> None:
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
        with suppress(OSError):
            self._beside.unlink(missing_ok=True)


def _put(out: BinaryIO, data: bytes) -> int:
    out.write(data)
    return len(data)


def _put_rows(out: BinaryIO, form: Format, metrics: Sequence[Metric], rows: Sequence[ExportRow]) -> int:
    return _put(out, lines(form, metrics, rows))


def _measured(metrics: Sequence[Metric], stored: Sequence[int | None]) -> list[float | None]:
    return [
        None if value is None else round(value / metric.scale) if metric.unit in WHOLE else value / metric.scale
        for metric, value in zip(metrics, stored, strict=True)
    ]


def _utc(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _no_formula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


async def in_thread(work: Callable[[Unpack[Ts]], T], *given: *Ts) -> T:
    """Do it off the loop, and to its end even when cancelled meanwhile: nobody may close a file under its writer."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *given))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait((task,))
        if not task.cancelled():
            task.exception()
        raise
