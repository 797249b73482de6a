"""Who else runs here, as far as it gets in a server's way, by `psutil`: for systems without `/proc`."""

from __future__ import annotations

import socket
from collections.abc import Collection, Sequence
from pathlib import Path

import psutil

from monitor.local.system import PortHolder
from monitor.local.tree import ProcessTable
from monitor.model import ProcessId

STRANGER = "another program"
_LONGEST_SHEBANG = 256
_UDP = socket.SOCK_DGRAM
_NEARBY = frozenset(("", "*", "0.0.0.0", "::", "127.0.0.1", "::1", "::ffff:127.0.0.1", "::ffff:0.0.0.0"))  # noqa: S104


def port_holder(ports: Collection[int]) -> PortHolder | None:
    """Say who listens (TCP), or waits for packets from anybody (UDP), on the first of `ports` that is taken."""
    try:
        connections = psutil.net_connections("inet")
    except (psutil.Error, OSError):  # not everybody may ask
        return None
    held = {
        connection.laddr.port: connection.pid
        for connection in connections
        if connection.laddr
        and connection.laddr.ip in _NEARBY
        and (connection.status == psutil.CONN_LISTEN or (connection.type == _UDP and not connection.raddr))
    }
    taken = next((port for port in ports if port in held), None)
    return None if taken is None else PortHolder(taken, named(held[taken]))


def named(pid: int | None) -> str:
    """Call a process by its name and pid."""
    if not pid:  # Windows says 0 where it does not tell
        return STRANGER
    try:
        return f"{psutil.Process(pid).name()}, pid {pid}"
    except (psutil.Error, OSError):
        return f"pid {pid}"


def same_program(line: Sequence[str], executable: str | None, argv: tuple[str, ...], folder: Path) -> bool:
    """Tell whether a process with that command line runs `argv`, whose program is an absolute path.

    The system puts the interpreter of a script in front of its command line, and runs that.
    """
    before, words = tuple(line[: -len(argv)]), tuple(line[-len(argv) :])
    if len(words) != len(argv) or words[1:] != argv[1:]:
        return False
    program = Path(argv[0])
    if before:
        return before in _interpreters(program) and _same_file(folder / words[0], program)
    return any(_same_file(Path(found), program) for found in (executable, folder / words[0]) if found)


def _interpreters(script: Path) -> tuple[tuple[str, ...], ...]:
    """Give what may stand before a script's name in a command line: by execve(2), and by env(1) after that."""
    try:
        with script.open("rb") as file:
            first = file.readline(_LONGEST_SHEBANG)
    except OSError:
        return ()
    if not first.startswith(b"#!"):
        return ()
    words = tuple(first[2:].decode("utf-8", "replace").strip().split(None, 1))
    by_env = tuple(word for word in " ".join(words[1:]).split() if word != "-S")
    return words, by_env


def twin(argv: tuple[str, ...], cwd: Path, ours: Collection[ProcessId], table: ProcessTable) -> str | None:
    """Name a live process with the same program, arguments and folder that is none of `ours`."""
    for process in psutil.process_iter():
        try:
            if not _same_file(Path(process.cwd()), cwd):
                continue
            line, executable = process.cmdline(), process.exe()
        except (psutil.Error, OSError):  # not ours to look at
            continue
        if same_program(line, executable, argv, cwd):
            identity = table.identify(process.pid)
            if identity is not None and identity not in ours:
                return named(process.pid)
    return None


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
