"""`gamekeeper export`: raw samples to a file or a pipe, without Discord."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from bot.app import BACKUPS, DATABASE, EXPORTS
from bot.lock import AlreadyRunning, only_one
from bot.settings import Settings
from monitor.errors import GamekeeperError
from monitor.local.clock import SystemClock
from monitor.metrics import BY_KEY
from storage.backup import Backups, copy_beside
from storage.database import Database
from storage.export import MOST_HOURS, MOST_S, Export, ExportFault, ExportRefused, span_s, wanted
from storage.export_file import Format, Written, export_to, write_export
from storage.faults import file_errors_translated
from storage.folder import FOLDER_MODE
from storage.opening import open_for_command

STDOUT = "-"
SHOWN_EVERY_S = 0.1
WIDTH = 40
MIB = 1024 * 1024


class OutputFailed(GamekeeperError):
    """The export could not be written to where it should go."""

    def __init__(self, output: str, reason: str) -> None:
        super().__init__(output, reason)
        self.output = output
        self.reason = reason
        """In the system's own words."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed after `gamekeeper export`."""

    server_ids: Sequence[str]
    span: str
    fields: str
    form: Format
    output: str
    """A file's path, or `STDOUT`."""


class Progress:
    """One line on the terminal that keeps changing; nothing where there is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shows = stream.isatty()
        self._next_s = 0.0

    def show(self, written: Written) -> None:
        if self._shows and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + SHOWN_EVERY_S
            line = f"{written.done:4.0%}  {written.rows:,} rows  {written.size_bytes / MIB:.1f} MiB"
            self._stream.write(f"\r{line:{WIDTH}}")
            self._stream.flush()

    def end(self) -> None:
        if self._shows:
            self._stream.write(f"\r{'':{WIDTH}}\r")
            self._stream.flush()


REFUSALS: dict[ExportFault, str] = {
    ExportFault.BAD_RANGE: "{subject!r} is no length of time: write one such as 90m, 24h or 7d",
    ExportFault.RANGE_TOO_LONG: f"{{subject}} is too long: measurements are kept for {MOST_HOURS}h",
    ExportFault.NO_SUCH_FIELD: f"there is no field {{subject!r}}: the fields are {','.join(BY_KEY)}",
}


def understand(text: str, *, span: str = "1h", fields: str = "") -> str:
    """Give `text` back if it makes sense as what it is given for, and else complain as `argparse` wants it."""
    try:
        wanted((), span, fields, now_s=0)
    except ExportRefused as err:
        raise argparse.ArgumentTypeError(REFUSALS[err.fault].format(subject=err.subject)) from err
    return text


def export(settings: Settings, asked: Asked) -> int:
    """Write what was asked for; how far it is, and what came of it, stands on standard error.

    Raises:
        UnknownServer: the database has never heard of one of the servers.
        OutputFailed: it cannot be written there. A file of that name is as it was before.
        StorageError: the database cannot be used.
    """
    export = wanted(asked.server_ids, asked.span, asked.fields, SystemClock().now_ms() // 1000)
    progress = Progress(sys.stderr)
    try:
        with _readable(settings.data_dir) as path, _stream(asked.output) as stream:
            backups = Backups(path.parent / BACKUPS, settings.backups_kept)
            opening = open_for_command(path, backups, SystemClock().now_ms())
            written = asyncio.run(_export(opening, export, asked, stream, progress))
    except BrokenPipeError:
        return _reader_gone()
    except OSError as err:
        raise OutputFailed(asked.output, err.strerror or str(err)) from err
    finally:
        progress.end()
    print(_result(asked, written), file=sys.stderr)
    return 0


@contextmanager
def _readable(data_dir: Path) -> Iterator[Path]:
    """Give the database, or, while a bot has it, a copy: never two connections that could write to one file.

    What the bot has measured and not written yet, some seconds of it, is not in the copy.
    """
    path = data_dir / DATABASE
    with ExitStack() as stack:
        try:
            stack.enter_context(only_one(data_dir))
        except AlreadyRunning:
            path = stack.enter_context(_copied(path, data_dir / EXPORTS))
        yield path


@contextmanager
def _copied(path: Path, folder: Path) -> Iterator[Path]:
    with ExitStack() as stack:
        with file_errors_translated(folder):
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
            room = stack.enter_context(tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True))
        copy = Path(room, path.name)
        copy_beside(path, copy)
        yield copy


@contextmanager
def _stream(output: str) -> Iterator[BinaryIO | None]:
    """What is written into as it is: a pipe, a device. `None`: a file, the place of which another one takes."""
    path = Path(output)
    if output == STDOUT:
        yield sys.stdout.buffer
    elif path.exists() and not path.is_file():
        with path.open("wb") as stream:
            yield stream
    else:
        yield None


async def _export(
    opening: Awaitable[Database], export: Export, asked: Asked, stream: BinaryIO | None, progress: Progress
) -> Written:
    async with await opening as db:
        if stream is not None:
            return await write_export(db, export, asked.form, stream, on_progress=progress.show)
        return await export_to(db, export, asked.form, Path(asked.output), on_progress=progress.show)


def _reader_gone() -> int:
    """Whoever read the pipe has had enough, as `head` has. What is left in our buffer must not be sent after them."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _result(asked: Asked, written: Written) -> str:
    of = ", ".join(asked.server_ids)
    if written.rows == 0:
        longer = "" if span_s(asked.span) == MOST_S else ", or give a longer --range"
        return f"Nothing was measured of {of} in the last {asked.span}. See that it runs{longer}."
    where = "" if asked.output == STDOUT else f" to {asked.output}"
    return f"Wrote {written.rows:,} rows of {of} ({written.size_bytes / MIB:.1f} MiB){where}."
