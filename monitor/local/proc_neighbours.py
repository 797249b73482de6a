"""Linux: who else runs here, as far as it gets in a server's way, straight from `/proc`.

The fields of the socket tables are those of proc_net_tcp(5) and `net/ipv4/udp.c`: addresses are 32-bit words in the
machine's byte order, written in hexadecimal.
"""

from __future__ import annotations

import os
import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import socket
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from monitor.local import procfs
from monitor.local.neighbours import STRANGER, same_program
from monitor.local.system import PortHolder
from monitor.model import ProcessId

_WAITING = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""TCP_LISTEN; and TCP_CLOSE, which a UDP socket is in that takes packets from anybody."""
_NEARBY = ("0.0.0.0", "127.0.0.1", "::", "::1", "::ffff:0.0.0.0", "::ffff:127.0.0.1")  # noqa: S104 - looked for


def _as_written(address: str) -> str:
    packed = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)


_NEARBY_WRITTEN = frozenset(_as_written(address) for address in _NEARBY)


def waiting_sockets(table: str, state: str) -> Iterator[tuple[int, str]]:
    """Give port and inode of each socket of a table that is in `state` on a loopback address or on all of them."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        address, _, port = fields[1].rpartition(":")
        if fields[3] == state and address in _NEARBY_WRITTEN:
            yield int(port, 16), fields[9]


def port_holder(ports: Collection[int]) -> PortHolder | None:
    """Say who listens (TCP), or waits for packets from anybody (UDP), on the first of `ports` that is taken."""
    suspects = [port for port in ports if not _can_be_bound(port)]
    if not suspects:
        return None
    held: dict[int, str] = {}
    for name, state in _WAITING.items():
        held.update(waiting_sockets(_text(procfs.PROC / "net" / name), state))
    taken = next((port for port in suspects if port in held), None)
    return None if taken is None else PortHolder(taken, _owner_of(held[taken]))


def _can_be_bound(port: int) -> bool:
    """Whether it is certain that nobody has it: a thousand times faster than the tables, which tell who has it."""
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET6, kind) as trial:
                trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                if kind == socket.SOCK_STREAM:  # what a closed connection leaves behind is in nobody's way
                    trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind(("::", port))
    except OSError:
        return False
    return True


def twin(argv: tuple[str, ...], cwd: Path, ours: Collection[ProcessId]) -> str | None:
    """Name a live process with the same program, arguments and folder that is none of `ours`."""
    folder = os.path.realpath(cwd)
    for pid in _in_folder(folder):
        line = [os.fsdecode(word) for word in command_line(pid).split(b"\0")[:-1]]
        if not same_program(line, f"{procfs.PROC}/{pid}/exe", argv, Path(folder)):
            continue
        identity = procfs.identify(pid)
        if identity is not None and identity not in ours:
            return _named(pid)
    return None


def command_line(pid: int) -> bytes:
    """Give a process's arguments, each with a NUL behind it; nothing when it has ended or is hidden from us."""
    try:
        return (procfs.PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""


def _in_folder(folder: str) -> Iterator[int]:
    for pid in _pids():
        try:
            if os.readlink(f"{procfs.PROC}/{pid}/cwd") == folder:  # noqa: PTH115 - hot
                yield pid
        except OSError:  # a thread of the kernel, an ended one, or somebody else's
            continue


def _pids() -> Iterable[int]:
    return [int(name) for name in os.listdir(procfs.PROC) if name.isdigit()]  # noqa: PTH208 - hot


def _owner_of(inode: str) -> str:
    wanted = f"socket:[{inode}]"
    return next((_named(pid) for pid in _pids() if wanted in _opened(pid)), STRANGER)


def _opened(pid: int) -> Iterator[str]:
    folder = f"{procfs.PROC}/{pid}/fd"
    try:
        for name in os.listdir(folder):  # noqa: PTH208 - hot
            yield os.readlink(f"{folder}/{name}")  # noqa: PTH115 - a socket's name is no path
    except OSError:  # it ended, or is somebody else's
        return


def _named(pid: int) -> str:
    name = _text(procfs.PROC / str(pid) / "comm").strip()
    return f"{name}, pid {pid}" if name else f"pid {pid}"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:  # no IPv6, or the process ended
        return ""
