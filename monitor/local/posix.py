"""Starting, holding and finding processes on POSIX: Linux at its best, the rest by `psutil`."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("POSIX only")

import os
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from monitor.local import fifo, priority, recorder
from monitor.local.posix_hold import Kept, PosixHold
from monitor.local.recorder import Recorder
from monitor.local.records import RecordFile, Records
from monitor.local.system import Hold, PortHolder, Start
from monitor.local.tree import ProcessTable, marked_root, members
from monitor.model import ExitStatus, ProcessId

_LOG_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_CONSOLE_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY
_NOT_EXECUTED = (126, 127)
"""What shells, setsid and env exit with when the system does not take a program."""
_BEGIN_LIMIT_S = 2.0
_BEGIN_PAUSE_S = 0.0001

log = structlog.get_logger(__name__)


class PosixSystem:
    """A POSIX machine. With a folder for records, starts have a recorder where the system has what it takes."""

    def __init__(self, table: ProcessTable, records: Records | None = None) -> None:
        self._table = table
        self._records = records
        self._recorders: dict[ProcessId, Recorder] = {}
        self._waiting: Recorder | None = None
        """One that was started ahead, for whichever server is started next."""
        self._begun: dict[str, tuple[str, ProcessId, RecordFile]] = {}
        """The last run that was begun here of each server, by its id: marker, process and record."""

    def spawn(self, start: Start) -> Hold:
        self._collect_ended()
        console = fifo.make(start.log)
        try:
            with _no_signal_blocked():
                return self._spawn_recorded(start, console) or self._spawn_bare(start, console)
        except OSError:
            if console != fifo.NOWHERE:
                console.unlink(missing_ok=True)
            raise

    def prepare(self) -> None:
        if self._records is not None and self._waiting is None:
            with suppress(OSError), _no_signal_blocked():
                self._waiting = Recorder(self._records)

    def close(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.abandon()

    def open_log(self, path: Path) -> int:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, _LOG_FLAGS, 0o600)

    def port_holder(self, ports: Collection[int]) -> PortHolder | None:
        return self._table.port_holder(ports)

    def twin(self, argv: tuple[str, ...], cwd: Path, ours: Collection[ProcessId]) -> str | None:
        return self._table.twin(argv, cwd, ours)

    def hold(self, identity: ProcessId) -> Hold | None:
        return self._hold(identity, self._known(identity)) if self._table.is_live(identity) else None

    def find(self, marker: str) -> Hold | None:
        begun = self._begun_as(marker)
        if begun is None:
            found = marked_root(marker, self._table.rows(markers=True))
            return None if found is None else self._hold(found, Kept(marker))
        root, record = begun
        rows = self._table.rows(markers=True, since=root.started)
        left = next(iter(members(root, marker, rows)), None)
        return None if left is None else self._hold(left, Kept(marker, record=record if left == root else None))

    def _begun_as(self, marker: str) -> tuple[ProcessId, RecordFile] | None:
        """Give the process that a run of this boot began with, and its record, where that is known. Blocking."""
        for whose, root, record in self._begun.values():
            if whose == marker:
                return root, record
        found = None if self._records is None else self._records.of_marker(marker)
        game = None if found is None else self._recorded_game(found)
        if found is None or game is None or game.boot_id != self.boot_id():
            return None
        return game, found

    def _recorded_game(self, record: RecordFile) -> ProcessId | None:
        """Give the game of a record, once it is certain that it has begun or never will. Blocking."""
        read = record.read()
        if read is None or read.game is None:
            return None
        deadline = time.monotonic() + _BEGIN_LIMIT_S
        while recorder.has_yet_to_begin(read.game.pid) and time.monotonic() < deadline:
            time.sleep(_BEGIN_PAUSE_S)
        after = record.read()  # it is written down before its process is gone
        return None if after is None else after.game

    def ended(self, marker: str) -> ExitStatus | None:
        record = None if self._records is None else self._records.of_marker(marker)
        read = None if record is None else record.read()
        if record is None or read is None or read.game is None or self._table.is_live(read.game):
            return None
        return record.wait_for_end() if read.game.boot_id == self.boot_id() else read.end

    def boot_id(self) -> str:
        return self._table.boot_id()

    def _hold(self, identity: ProcessId, kept: Kept) -> Hold:
        return PosixHold(identity, self._table, kept, lambda: self._collect(identity))

    def _known(self, identity: ProcessId) -> Kept:
        found = None if self._records is None else self._records.of_game(identity)
        if found is None:
            return Kept(self._table.marker_of(identity.pid))
        record, marker = found
        return Kept(marker, record=record)

    def _spawn_recorded(self, start: Start, console: Path) -> Hold | None:
        """Start it under a recorder; `None` where that does not work, and nothing of it is left."""
        if self._records is None or not recorder.fits(start.argv[0]):
            return None
        waiting, self._waiting = self._waiting, None
        begun = None if waiting is None else self._begin(waiting, start, console)
        try:
            begun = begun or self._begin(Recorder(self._records), start, console)
        except OSError as error:
            log.debug("no_recorder", server=start.server_id, error=str(error))
        if begun is None:
            return None
        keeper, hold, record = begun
        self._recorders[hold.identity] = keeper
        if self._has_begun(keeper, hold.identity):
            priority.set_for_session(hold.identity.pid, start.priority)
        elif record.wait_for_end() is not None and self._was_refused(keeper, record):
            # Started without a recorder, it fails with the system's own reason.
            hold.close()
            self._recorders.pop(hold.identity).collect()
            return None
        self._begun[start.server_id] = start.marker, hold.identity, record
        return hold

    def _begin(self, keeper: Recorder, start: Start, console: Path) -> tuple[Recorder, Hold, RecordFile] | None:
        """Have a recorder begin the server; `None` where that does not work, and nothing of both is left."""
        hold = None
        try:
            identity = self._table.identify(keeper.game_pid())
            if identity is None or keeper.has_ended():
                raise ProcessLookupError(keeper.pid)
            record = keeper.record(start, identity)
            priority.give(identity.pid, start.priority, start.cpus)
            hold = self._hold(identity, Kept(start.marker, console, record))
            keeper.begin(start, console, record)
        except OSError as error:
            log.debug("no_recorder", server=start.server_id, error=str(error))
            if hold is not None:
                hold.close()
            keeper.abandon()
            return None
        return keeper, hold, record

    @staticmethod
    def _was_refused(keeper: Recorder, record: RecordFile) -> bool:
        """Whether the system did not take the program. Not every shell says so itself, and env(1) never does."""
        read = record.read()
        if read is None or read.end is None:
            return False
        return read.game is None or (read.end.code in _NOT_EXECUTED and keeper.was_refused())

    def _has_begun(self, keeper: Recorder, identity: ProcessId) -> bool:
        """Wait until the program itself runs; False when it is gone before that was seen."""
        deadline = time.monotonic() + _BEGIN_LIMIT_S
        while keeper.is_preparing(identity.pid) and time.monotonic() < deadline:
            if not self._table.is_live(identity):
                return False
            time.sleep(_BEGIN_PAUSE_S)
        return True

    def _spawn_bare(self, start: Start, console: Path) -> Hold:
        """Start it as a child of ours: when the bot is gone, only the kernel may tell how it ended."""
        descriptor = os.open(console, _CONSOLE_FLAGS)
        try:
            with priority.processors(start.cpus):
                child = subprocess.Popen(  # noqa: S603 - argv comes from the owner's servers file, and no shell reads it
                    start.argv, cwd=start.cwd, env=start.env, stdin=descriptor, stdout=start.output,
                    stderr=start.output, start_new_session=True,
                )  # fmt: skip
        finally:
            os.close(descriptor)
        priority.give(child.pid, start.priority, ())
        priority.set_for_session(child.pid, start.priority)
        identity = self._table.identify(child.pid)
        if identity is None:
            child.kill()
            child.wait()
            raise ProcessLookupError(child.pid)
        # The hold collects the child, so subprocess must neither do that too nor complain that nobody did.
        child.returncode = 0
        return self._hold(identity, Kept(start.marker, console))

    def _collect(self, identity: ProcessId) -> None:
        """Have the recorder of a server that has ended collected; it has ended too, or does in a moment."""
        keeper = self._recorders.pop(identity, None)
        if keeper is not None and not keeper.has_ended():
            threading.Thread(target=keeper.collect, name=f"recorder-{keeper.pid}", daemon=True).start()

    def _collect_ended(self) -> None:
        """Collect the recorders of servers that ended while nobody watched them."""
        for identity, keeper in list(self._recorders.items()):
            if keeper.has_ended():
                self._recorders.pop(identity, None)


@contextmanager
def _no_signal_blocked() -> Iterator[None]:
    blocked = signal.pthread_sigmask(signal.SIG_SETMASK, ())  # a child inherits what its thread blocks
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
