"""A parent for each server that outlives the bot, and writes down how the server ended.

POSIX tells the exit code to the parent alone. Here the parent is a shell that does nothing but wait. It catches the
signals that would end it: what a shell ignores its children ignore too, what it catches is at its default in them.

The server is given a session of its own, in which the recorder is not, and does not begin before the bot has its
identity: a bot that dies before that has started nothing. Why a shell: `docs/decisions/0004-recorder.md`.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("POSIX only")

import contextlib
import os
import re
import select
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from monitor.local.environment import MARKER
from monitor.local.records import NEVER_BEGAN
from monitor.local.system import Start

_SHELL = "/bin/sh"
_LIMIT_S = 10.0
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HELD_BACK = ("LD_", "GLIBC_", "MALLOC_", "DYLD_")
"""Variables that would change the recorder itself: a game may bring its own C library."""

SCRIPT = f"""\
trap : HUP INT QUIT PIPE ALRM TERM USR1 USR2
exec 3<&0 4>&1 5>&2 </dev/null >/dev/null
(
exec <>"$1" >>"$2" 2>&1 || exit
{MARKER}=$3
export {MARKER}
shift 3
read -r pid rest </proc/self/stat
echo "$pid" >&4
read -r go <&3 || {{ echo {NEVER_BEGAN} >&5; exit; }}
exec "$@" 3<&- 4>&- 5>&-
)
echo "exit $?" >&2
"""
"""Standard input says when to begin, standard output takes the pid, standard error is the record: there the shell
also says which signal ended a program. Arguments: console, log, marker, then the program."""


@cache
def _tools() -> tuple[str, str] | None:
    session, environment = shutil.which("setsid"), shutil.which("env")
    if session is None or environment is None or not os.access(_SHELL, os.X_OK):
        return None
    return (session, environment) if Path("/proc/self/stat").exists() else None


def fits(program: str) -> bool:
    """Whether there is what a recorder is made of (a shell, `setsid`, `env`, `/proc`), and the program is plain.

    What is neither ELF nor a script is for the kernel to judge: `setsid` has a shell read what the kernel refuses.
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
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(_line((_SHELL, "-c", SCRIPT)))
    except OSError:
        return False


class Recorder:
    """A recorder that has been started, and waits to be told to begin."""

    def __init__(self, start: Start, console: Path, record: int) -> None:
        """Start it.

        Raises:
            OSError: it could not be, and nothing was.
        """
        tools = _tools()
        if tools is None:
            raise FileNotFoundError(_SHELL)
        session, environment = tools
        own, apart = split_environment(start.env)
        program = (session, *((environment, *apart) if apart else ()), *start.argv)
        argv = (_SHELL, "-c", SCRIPT, "gamekeeper", str(console), str(start.log.absolute()), start.marker, *program)
        self._stages = frozenset(
            _line(words) for words in (argv, program, program[1 : -len(start.argv)] + start.argv)
        )
        self._stages -= {_line(start.argv)}
        self._log, self._log_bytes = start.log, os.fstat(start.output).st_size
        self._complaints = tuple(f"{name}: " for name in ("setsid", "env", session, environment))
        go, self._go = os.pipe()
        self._said, say = os.pipe()
        try:
            child = subprocess.Popen(  # noqa: S603 - our own script; argv reaches it as arguments
                argv, cwd=start.cwd, env=own, stdin=go, stdout=say, stderr=record, start_new_session=True
            )
        except OSError:
            self._hang_up()
            raise
        finally:
            os.close(go)
            os.close(say)
        self.pid = child.pid
        # Collected by `collect`, so subprocess must neither do that too nor complain that nobody did.
        child.returncode = 0

    def game_pid(self) -> int:
        """Give the pid that the server will have.

        Raises:
            OSError: there will be no server.
        """
        ready, _, _ = select.select([self._said], [], [], _LIMIT_S)
        said = os.read(self._said, 64) if ready else b""
        if not said.strip().isdigit():
            raise ChildProcessError(self.pid)
        return int(said)

    def begin(self) -> None:
        os.write(self._go, b"\n")
        self._hang_up()

    def abandon(self) -> None:
        """Have it end without a server, and wait for that."""
        self._hang_up()
        self.collect()

    def collect(self) -> None:
        """Wait for its end, which comes right after the server's."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def has_ended(self) -> bool:
        """Whether it has; then it is collected."""
        try:
            return os.waitpid(self.pid, os.WNOHANG) != (0, 0)
        except ChildProcessError:
            return True

    def was_refused(self) -> bool:
        """Whether the log shows that `setsid` or `env` could not execute the program."""
        try:
            with self._log.open("rb") as log:
                log.seek(self._log_bytes)
                said = log.read(64).decode("utf-8", "replace")
        except OSError:
            return False
        return said.startswith(self._complaints)

    def is_preparing(self, game_pid: int) -> bool:
        """Whether that process does not run the program yet."""
        try:
            line = Path(f"/proc/{game_pid}/cmdline").read_bytes()
        except OSError:
            return True
        return not line or line in self._stages

    def _hang_up(self) -> None:
        for descriptor in (self._go, self._said):
            if descriptor >= 0:
                os.close(descriptor)
        self._go = self._said = -1


def split_environment(env: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Give what the recorder may have itself, and the rest as words for env(1): what it would lose or suffer from.

    The marker is in neither: the recorder must not be taken for the server.
    """
    own = {name: value for name, value in env.items() if _NAME.fullmatch(name) and not name.startswith(_HELD_BACK)}
    apart = [f"{name}={value}" for name, value in env.items() if name not in own]
    own.pop(MARKER, None)
    return own, apart


def _line(words: tuple[str, ...]) -> bytes:
    return b"".join(os.fsencode(word) + b"\0" for word in words)
