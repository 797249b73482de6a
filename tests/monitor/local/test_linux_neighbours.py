"""Who is in a server's way, by `/proc`."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from monitor.local import neighbours, proc_neighbours
from monitor.local.linux import ProcfsTable
from monitor.local.neighbours import same_program
from monitor.local.proc_neighbours import waiting_sockets
from monitor.local.system import PortHolder
from tests.monitor.local.stage import Stage

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:63DD 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1 0 100
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20000 1 0 100
   2: 3500007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 18000 1 0 100
   3: 0100007F:63DD 0100007F:D431 06 00000000:00000000 03:00001000 00000000     0        0 0 3 0000000000000000
   4: 0100007F:A000 0100007F:63DD 01 00000000:00000000 00:00000000 00000000  1000        0 40000 1 0000000000000000 20
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0 0 51
   1: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0 0 52
   2: 0000000000000000FFFF00000100007F:1F92 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0 0 53
   3: 000080FE00000000FF005450B6ADFE1F:1F93 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0 0 54
"""
UDP = """\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  100: 00000000:2013 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 61 2 0000000000000000 0
  101: 0100007F:2014 0100007F:2013 01 00000000:00000000 00:00000000 00000000     0        0 62 2 0000000000000000 0
"""


@pytest.mark.skipif(sys.byteorder == "big", reason="these samples are of a little-endian machine")
@pytest.mark.parametrize(
    ("table", "state", "found"),
    [
        (TCP, "0A", [(25565, "31337"), (22, "20000")]),
        (TCP6, "0A", [(8080, "51"), (8081, "52"), (8082, "53")]),
        (UDP, "07", [(8211, "61")]),
        ("", "0A", []),
        (TCP.splitlines()[0], "0A", []),
    ],
    ids=["tcp", "tcp6", "udp", "no such table", "nobody"],
)
def test_who_waits_nearby_is_read_from_the_tables(table: str, state: str, found: list[tuple[int, str]]) -> None:
    assert list(waiting_sockets(table, state)) == found


US = f"{Path('/proc/self/comm').read_text().strip()}, pid {os.getpid()}"


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def listen(sockets: ExitStack, address: str, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    ours = sockets.enter_context(socket.socket(family, kind))
    ours.bind((address, 0))
    if kind == socket.SOCK_STREAM:
        ours.listen()
    return int(ours.getsockname()[1])


HELD: dict[str, tuple[str, socket.SocketKind]] = {
    "tcp on loopback": ("127.0.0.1", socket.SOCK_STREAM),
    "tcp everywhere": ("0.0.0.0", socket.SOCK_STREAM),
    "tcp6 on loopback": ("::1", socket.SOCK_STREAM),
    "tcp6 everywhere": ("::", socket.SOCK_STREAM),
    "udp on loopback": ("127.0.0.1", socket.SOCK_DGRAM),
    "udp everywhere": ("0.0.0.0", socket.SOCK_DGRAM),
    "udp6 everywhere": ("::", socket.SOCK_DGRAM),
}


@pytest.mark.parametrize(("address", "kind"), HELD.values(), ids=HELD.keys())
def test_fault_14_whoever_has_a_port_is_named(sockets: ExitStack, address: str, kind: socket.SocketKind) -> None:
    try:
        port = listen(sockets, address, kind)
    except OSError:
        pytest.skip("no IPv6 here")
    assert proc_neighbours.port_holder([port]) == PortHolder(port, US)


def test_a_port_on_another_address_is_in_nobodys_way(sockets: ExitStack) -> None:
    assert proc_neighbours.port_holder([listen(sockets, "127.0.0.53")]) is None


def test_a_free_port_a_connected_one_and_one_just_closed_are_in_nobodys_way(sockets: ExitStack) -> None:
    with ExitStack() as open_for_now:
        port = listen(open_for_now, "127.0.0.1")
        client = open_for_now.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert proc_neighbours.port_holder([client.getsockname()[1]]) is None
    assert proc_neighbours.port_holder([port]) is None
    assert proc_neighbours.port_holder([]) is None


def test_the_first_port_that_is_taken_is_named(sockets: ExitStack) -> None:
    first, second = listen(sockets, "127.0.0.1"), listen(sockets, "127.0.0.1")
    assert proc_neighbours.port_holder([second, first]) == PortHolder(second, US)


def test_a_holder_that_is_hidden_from_us_is_another_program(
    sockets: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listen(sockets, "127.0.0.1")
    monkeypatch.setattr(proc_neighbours, "_opened", lambda _: iter(()))
    assert proc_neighbours.port_holder([port]) == PortHolder(port, "another program")


async def test_fault_14_an_orphan_of_an_older_bot_is_named(stage: Stage) -> None:
    process, puppet = await stage.play()
    process.close()  # as if this bot knew nothing of it
    request = stage.request()
    twin = proc_neighbours.twin(request.argv, request.cwd, ())
    assert twin is not None
    assert twin.endswith(f", pid {puppet.pid}")
    assert proc_neighbours.twin(request.argv, request.cwd, (process.identity,)) is None


class Lookalikes:
    """A script, and processes that look more or less like it."""

    def __init__(self, folder: Path, stack: ExitStack, shebang: str) -> None:
        self.folder = folder
        self.script = folder / "start.sh"
        self.script.write_text(f"#!{shebang}\nread -r line\n")
        self.script.chmod(0o755)
        self._stack = stack

    def start(self, *argv: str, cwd: Path | None = None) -> None:
        child = subprocess.Popen(argv, cwd=cwd or self.folder, stdin=subprocess.PIPE)
        self._stack.enter_context(child)
        self._stack.callback(child.kill)

    def found(self, by: str, *arguments: str) -> bool:
        argv = (str(self.script), *arguments)
        if by == "procfs":
            return proc_neighbours.twin(argv, self.folder, ()) is not None
        return neighbours.twin(argv, self.folder, (), ProcfsTable()) is not None


@pytest.mark.parametrize("by", ["procfs", "psutil"])
@pytest.mark.parametrize("shebang", ["/bin/sh", "/bin/sh -u", "/usr/bin/env sh"])
def test_fault_14_the_same_script_started_by_hand_is_known_whatever_it_was_called(
    tmp_path: Path, sockets: ExitStack, by: str, shebang: str
) -> None:
    lookalikes = Lookalikes(tmp_path, sockets, shebang)
    assert not lookalikes.found(by, "-x", "world")
    other = tmp_path / "other"
    other.mkdir()
    lookalikes.start("./start.sh", "-x", "another world")
    lookalikes.start("./start.sh")
    lookalikes.start("../start.sh", "-x", "world", cwd=other)
    lookalikes.start("/bin/sh", "-c", "read line", "-x", "world")
    assert not lookalikes.found(by, "-x", "world")
    lookalikes.start("./start.sh", "-x", "world")
    assert settles(lambda: lookalikes.found(by, "-x", "world"))


@pytest.mark.parametrize("by", ["procfs", "psutil"])
def test_whoever_reads_a_script_does_not_run_it(tmp_path: Path, sockets: ExitStack, by: str) -> None:
    lookalikes = Lookalikes(tmp_path, sockets, "/bin/sh")
    lookalikes.start("tail", "-f", "start.sh")
    lookalikes.start("cat", "-", "./start.sh")
    assert not lookalikes.found(by)


def settles(wanted: Callable[[], bool]) -> bool:
    """Wait until it is so: env(1) takes a moment to become what it starts."""
    deadline = time.monotonic() + 10
    while not (so := wanted()) and time.monotonic() < deadline:
        time.sleep(0.001)
    return so


PROGRAMS: dict[str, tuple[list[str], str | None, bool]] = {
    "by its path from the folder": (["./game", "-x"], None, True),
    "by a name of its own": (["renamed", "-x"], "{}/game", True),
    "other arguments": (["./game", "-y"], "{}/game", False),
    "more arguments": (["./game", "-x", "-y"], "{}/game", False),
    "fewer arguments": (["./game"], "{}/game", False),
    "as an argument of something else": (["time", "./game", "-x"], "/usr/bin/time", False),
    "another program": (["other", "-x"], "/no/such", False),
    "hidden": ([], None, False),
}


@pytest.mark.parametrize(("line", "executable", "same"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_is_known_by_its_file_and_all_its_arguments(
    tmp_path: Path,
    line: list[str],
    executable: str | None,
    same: bool,  # noqa: FBT001
) -> None:
    program = tmp_path / "game"
    program.write_bytes(b"\x7fELF")
    found = None if executable is None else executable.format(tmp_path)
    assert same_program(line, found, (str(program), "-x"), tmp_path) is same


async def test_looking_takes_milliseconds(stage: Stage) -> None:
    request = stage.request()
    loop = asyncio.get_running_loop()
    fastest = 1.0
    for _ in range(10):
        began = loop.time()
        proc_neighbours.twin(request.argv, request.cwd, ())
        proc_neighbours.port_holder([25565, 25575])
        fastest = min(fastest, loop.time() - began)
    assert fastest < 0.05
