"""What is written down about runs, so that it can be known after the bot was away: one small file a server.

Its lines: `marker M` and `game PID STARTED BOOT`, by the bot; `never-began`, by the shell that was to become the
game, when the bot ended before it had said so, or where the program could not be executed; what the recording shell
says of a signal, if anything; `exit N`, by that shell, once the game has ended.

A recorder is started before it is known whose it will be; until then its file bears nobody's name. The file of the
next start takes the place of the last one's, for by then what that says has been taken into the database.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from monitor.model import ExitStatus, ProcessId

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
_SUFFIX = ".run"
_NOBODYS = ".waiting"
NEVER_BEGAN = "never-began"
_EXIT = re.compile(r"exit (\d{1,3})")
_SIGNAL_BASE = 128
_MOST_SIGNALS = 64
_UNSAID = (_SIGNAL_BASE + 2, _SIGNAL_BASE + 13)
_PATIENCE_S = 1.0
_PAUSE_S = 0.002


@dataclass(frozen=True, slots=True)
class Record:
    """One file, as it stands."""

    marker: str
    game: ProcessId | None = None
    end: ExitStatus | None = None


def parse_record(text: str) -> Record | None:
    """Read a record; `None` when it is none."""
    marker, game, said = None, None, list[str]()
    lines = text.splitlines()
    last = _EXIT.fullmatch(lines[-1]) if lines and text.endswith("\n") else None
    for line in lines[: -1 if last else None]:
        word, _, rest = line.partition(" ")
        if word == "marker" and marker is None:
            marker = rest
        elif word == "game" and game is None:
            game = _parse_identity(rest)
        elif word == NEVER_BEGAN:
            game = None
        else:
            said.append(line)
    if marker is None:
        return None
    return Record(marker, game, None if last is None else exit_status(int(last[1]), " ".join(said)))


def exit_status(code: int, said: str) -> ExitStatus:
    """Undo a shell's joining of signals and codes: it gives 128 + n for signal n, but a game may exit with 143 too.

    The shell names the signal of a program that was ended by one, except for SIGINT and SIGPIPE. So a high code that
    it said nothing about is a code; the two that it never speaks of are taken for signals.
    """
    number = code - _SIGNAL_BASE
    if not 0 < number <= _MOST_SIGNALS or not (said.strip() or code in _UNSAID):
        return ExitStatus(code=code)
    return ExitStatus(signal=number, core_dumped="core dumped" in said)


class RecordFile:
    """The record of one run."""

    def __init__(self, path: Path, marker: str) -> None:
        self._path = path
        self._marker = marker

    @property
    def path(self) -> Path:
        return self._path

    def read(self) -> Record | None:
        """Read it; `None` when there is none, or one of a later run."""
        record = _read(self._path)
        return record if record is not None and record.marker == self._marker else None

    def wait_for_end(self) -> ExitStatus | None:
        """Give how the game ended, which is written a moment after it has. Blocking, at most a second."""
        deadline = time.monotonic() + _PATIENCE_S
        while (record := self.read()) is not None and record.end is None and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)
        return None if record is None else record.end


class Records:
    """A folder of records."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._cleared = False

    def make(self) -> tuple[Path, int]:
        """Make a file for nobody, and give it with a descriptor that appends to it.

        The first time, what bots that are gone made for nobody is removed.

        Raises:
            OSError: it cannot be made.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._cleared:
            self._cleared = True
            for left in self._folder.glob(f"*{_NOBODYS}"):
                left.unlink(missing_ok=True)
        path = self._folder / f"{uuid.uuid4().hex}{_NOBODYS}"
        return path, os.open(path, _FLAGS, 0o600)

    def begin(self, path: Path, server_id: str, marker: str, game: ProcessId) -> RecordFile:
        """Have a file that `make` gave take the place of a server's record, to which somebody may still write.

        Raises:
            OSError: it cannot be.
        """
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, f"marker {marker}\ngame {game.pid} {game.started} {game.boot_id}\n".encode())
        finally:
            os.close(descriptor)
        return RecordFile(path.replace(self._folder / f"{server_id}{_SUFFIX}"), marker)

    def of_marker(self, marker: str) -> RecordFile | None:
        return next((RecordFile(path, marker) for path, record in self._all() if record.marker == marker), None)

    def of_game(self, identity: ProcessId) -> tuple[RecordFile, str] | None:
        """Give the record of a live process, and the marker in it."""
        found = ((path, record.marker) for path, record in self._all() if record.game == identity)
        return next(((RecordFile(path, marker), marker) for path, marker in found), None)

    def _all(self) -> Iterator[tuple[Path, Record]]:
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            record = _read(path)
            if record is not None:
                yield path, record


def _read(path: Path) -> Record | None:
    with suppress(OSError):
        return parse_record(path.read_text("utf-8", "replace"))
    return None


def _parse_identity(text: str) -> ProcessId | None:
    pid, started, boot_id = (*text.split(" "), "", "")[:3]
    return ProcessId(int(pid), int(started), boot_id) if pid.isdigit() and started.isdigit() else None
