"""A parent for each server that outlives the bot, and writes down how the server ended.

POSIX tells the exit code to the parent alone. Here the parent is a shell that does nothing but wait. It catches the
signals that would end it: what a shell ignores its children ignore too, what it catches is at its default in them.
Its child leads a session of its own, in which the recorder is not, and waits to be told what program it is to become.

So a recorder can be started long before it is needed, and the server does not begin before the bot has its identity:
a bot that dies before that has started nothing, and both shells end. Why shells: `docs/decisions/0004-recorder.md`.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("POSIX only")

import contextlib
import errno
import os
import re
import select
import shutil
import subprocess
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from shlex import quote

from monitor.local.records import NEVER_BEGAN, RecordFile, Records
from monitor.local.system import Start
from monitor.model import ProcessId

_SHELL = "/bin/sh"
_LIMIT_S = 10.0
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HELD_BACK = ("LD_", "GLIBC_", "MALLOC_", "DYLD_")
"""Variables that would change env(1) itself: a game may bring its own C library."""
_ITS_OWN = ("PWD", "OLDPWD")
"""Variables of the folder that the shell itself is in, and was in before."""
_SPECIAL = frozenset(("OPTIND", "PPID", "UID", "EUID", "SHELLOPTS", "BASHOPTS"))
"""Variables that not every shell lets be set."""
_COMPLAINING = ("gamekeeper: ", "/proc/self/fd/0: ", "env: ")
"""How shells and env(1) begin what they say of a program that the system does not take."""
_MOST_BYTES = 60_000
"""What a pipe takes at once, whoever reads from it or does not: its 16 pages, and a little less."""

_WAITING = f"""\
exec 3>&2 2>/dev/null
trap 'echo {NEVER_BEGAN} >&3' EXIT
echo $$
exec >/dev/null
read -r go && . /proc/self/fd/0
"""
"""Standard input says when to begin and what, standard output takes the pid, standard error is the record."""

_RECORDING = """\
trap : HUP INT QUIT PIPE ALRM TERM USR1 USR2
"$1" "$2" -c "$3" gamekeeper
echo "exit $?" >&2
"""
"""Standard error is the record: there the shell also says which signal ended a program."""


@cache
def _tools() -> tuple[str, str] | None:
    session, environment = shutil.which("setsid"), shutil.which("env")
    if session is None or environment is None or not os.access(_SHELL, os.X_OK):
        return None
    return (session, environment) if Path("/proc/self/fd").exists() else None


def fits(program: str) -> bool:
    """Whether there is what a recorder is made of (a shell, `setsid`, `env`, `/proc`), and the program is plain.

    What is neither ELF nor a script is for the kernel to judge: shells read themselves what the kernel refuses.
    """
    try:
        with Path(program).open("rb") as file:
            magic = file.read(4)
    except OSError:
        return False
    return _tools() is not None and (magic == b"\x7fELF" or magic.startswith(b"#!"))


def has_yet_to_begin(pid: int) -> bool:
    """Whether that process will be a server when it is told to begin. It ends when nobody can tell it any more."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(_line((_SHELL, "-c", _WAITING)))
    except OSError:
        return False


class Recorder:
    """A recorder that has been started, and waits to be told what to begin. It ends when it is forgotten."""

    def __init__(self, records: Records) -> None:
        """Start it.

        Raises:
            OSError: it could not be, and nothing was.
        """
        tools = _tools()
        if tools is None:
            raise FileNotFoundError(_SHELL)
        session, self._environment = tools
        argv = (_SHELL, "-c", _RECORDING, "gamekeeper", session, _SHELL, _WAITING)
        self._records = records
        self._path, record = records.make()
        go, self._go = os.pipe()
        self._said, say = os.pipe()
        self._hang_up = weakref.finalize(self, _forget, self._path, self._go, self._said)
        try:
            child = subprocess.Popen(  # noqa: S603 - our own script
                argv, cwd="/", env={}, stdin=go, stdout=say, stderr=record, start_new_session=True
            )
        except OSError:
            self._hang_up()
            raise
        finally:
            for ours in (go, say, record):
                os.close(ours)
        self.pid = child.pid
        # Collected by `collect`, so subprocess must neither do that too nor complain that nobody did.
        child.returncode = 0
        self._collected = False
        self._game_pid: int | None = None
        self._stages: Collection[bytes] = ()

    def game_pid(self) -> int:
        """Give the pid that the server will have.

        Raises:
            OSError: there will be no server.
        """
        if self._game_pid is None:
            ready, _, _ = select.select([self._said], [], [], _LIMIT_S)
            said = os.read(self._said, 64) if ready else b""
            if not said.strip().isdigit():
                raise ChildProcessError(self.pid)
            self._game_pid = int(said)
        return self._game_pid

    def record(self, start: Start, game: ProcessId) -> RecordFile:
        """Write down whose it is.

        Raises:
            OSError: it cannot be.
        """
        return self._records.begin(self._path, start.server_id, start.marker, game)

    def begin(self, start: Start, console: Path, record: RecordFile) -> None:
        """Have it become the server.

        Raises:
            OSError: it cannot be told, and will not.
        """
        own, apart = split_environment(start.env)
        by_env = (self._environment, *apart, *start.argv)
        words = by_env if apart else start.argv
        order = os.fsencode("\n".join(("go", *_order(words, own, start, console, record.path), "")))
        if len(order) > _MOST_BYTES:
            raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
        self._stages = {_line((_SHELL, "-c", _WAITING, "gamekeeper")), _line(by_env)} - {_line(start.argv)}
        self._log, self._log_bytes = start.log, os.fstat(start.output).st_size
        os.write(self._go, order)
        self._hang_up()

    def abandon(self) -> None:
        """Have it end without a server, and wait for that."""
        self._hang_up()
        self.collect()

    def collect(self) -> None:
        """Wait for its end, which comes right after the server's."""
        if not self._collected:
            self._collected = True
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)

    def has_ended(self) -> bool:
        """Whether it has, and with it what was to be the server; then it is collected."""
        if not self._collected:
            try:
                self._collected = os.waitpid(self.pid, os.WNOHANG) != (0, 0)
            except ChildProcessError:
                self._collected = True
        return self._collected

    def was_refused(self) -> bool:
        """Whether the log shows that a shell, or `env`, could not execute the program."""
        try:
            with self._log.open("rb") as log:
                log.seek(self._log_bytes)
                said = log.read(64).decode("utf-8", "replace")
        except OSError:
            return False
        return said.startswith((*_COMPLAINING, f"{self._environment}: "))

    def is_preparing(self, game_pid: int) -> bool:
        """Whether that process does not run the program yet."""
        try:
            line = Path(f"/proc/{game_pid}/cmdline").read_bytes()
        except OSError:
            return True
        return not line or line in self._stages


def _order(words: Sequence[str], env: Mapping[str, str], start: Start, console: Path, record: Path) -> Iterator[str]:
    """Give the lines that make a waiting shell the server. In braces: nothing is done of what did not come whole."""
    yield "{"
    yield f"trap {quote(f'echo {NEVER_BEGAN} >>{quote(str(record))}')} EXIT"
    yield "exec 3>&-"
    yield f"cd -P {quote(str(start.cwd.absolute()))} || exit"
    yield "unset OLDPWD"
    yield from (f"export {name}={quote(value)}" for name, value in env.items() if name not in _ITS_OWN)
    yield f"exec <>{quote(str(console))} >>{quote(str(start.log.absolute()))} 2>&1 || exit"
    yield f"exec {' '.join(map(quote, words))}"
    yield "}"


def split_environment(env: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Give what a shell can set, and the rest as words for env(1): what it would lose or suffer from."""
    own = {
        name: value
        for name, value in env.items()
        if _NAME.fullmatch(name) and not name.startswith(_HELD_BACK) and name not in _SPECIAL
    }
    return own, [f"{name}={value}" for name, value in env.items() if name not in own]


def _line(words: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def _forget(record: Path, *descriptors: int) -> None:
    """Close what it listens to, and remove its record where that has become nobody's."""
    for descriptor in descriptors:
        os.close(descriptor)
    with contextlib.suppress(OSError):
        record.unlink(missing_ok=True)
