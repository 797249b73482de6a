"""The machines that the contract is tried on, real ones and the fake one, each with a hand of fate on it."""

from __future__ import annotations

import asyncio
import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from monitor.errors import LaunchFault
from monitor.local.log import CapturedLog
from monitor.local.machine import local_probe, local_system
from monitor.local.neighbours import STRANGER
from monitor.local.probe import TreeProbe
from monitor.local.psutil_reader import PsutilReader
from monitor.local.psutil_table import PsutilTable
from monitor.local.records import Records
from monitor.local.system import System
from monitor.model import ExitStatus
from monitor.ports import Launcher, LaunchRequest, Probe, ServerLog, ServerProcess
from tests.fakes.machine import STUBBORN, FakeLauncher, FakeLog, FakeProbe, FakeProcess
from tests.monitor.local.stage import LIMIT_S, Puppet, Stage

if sys.platform != "win32":
    from monitor.local.posix import PosixSystem
if sys.platform == "linux":
    from monitor.local.linux import ProcfsTable


UNDER_WINE = sys.platform == "win32" and hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")
"""Its list of connections has no pids, and psutil gets no names out of it."""


def called(pid: int) -> str:
    """Give the name of a process that runs this Python."""
    return f"{Path(sys.executable).name if UNDER_WINE else psutil.Process(pid).name()}, pid {pid}"


async def ended(process: ServerProcess) -> ExitStatus:
    async with asyncio.timeout(LIMIT_S):
        return await process.wait()


@dataclass(frozen=True)
class Ends:
    terminated: ExitStatus
    killed: ExitStatus
    termination_can_be_ignored: bool


SIGNALLED = Ends(ExitStatus(signal=15), ExitStatus(signal=9), termination_can_be_ignored=True)
BY_HANDLE = Ends(ExitStatus(code=1), ExitStatus(code=1), termination_can_be_ignored=False)
"""Windows knows one way of ending another process."""


@dataclass(frozen=True)
class Abilities:
    """What not every machine can."""

    console: bool = True
    records: bool = True
    """Whether it knows how those ended whom nobody watched."""


class Machine(Protocol):
    """A machine under test, and the hand of fate on it."""

    @property
    def launcher(self) -> Launcher: ...

    @property
    def probe(self) -> Probe: ...

    @property
    def ends(self) -> Ends:
        """How those look that it terminates or kills."""
        ...

    @property
    def can(self) -> Abilities: ...

    async def start(
        self, marker: str = "run-game", *, stubborn: bool = False, ports: Iterable[int] = ()
    ) -> ServerProcess: ...

    async def exit(self, process: ServerProcess, code: int) -> None: ...

    async def exit_unwatched(self, process: ServerProcess, code: int) -> None:
        """Let go of it first."""
        ...

    async def next_line(self, process: ServerProcess) -> str:
        """Have the game take a line from its console."""
        ...

    def hold_port(self) -> tuple[int, str]:
        """Have a stranger listen on a port; give it and the name of that stranger."""
        ...

    def start_by_hand(self, marker: str) -> str:
        """Have somebody else start what `start(marker)` would; give what that process is called."""
        ...

    def bad_request(self) -> LaunchRequest: ...

    def log(self) -> ServerLog: ...

    def write(self, log: ServerLog, line: str) -> None: ...


@dataclass
class RealMachine:
    stage: Stage
    probe: Probe
    ends: Ends = BY_HANDLE if sys.platform == "win32" else SIGNALLED
    can: Abilities = Abilities()
    puppets: dict[ServerProcess, Puppet] = field(default_factory=dict)

    @property
    def launcher(self) -> Launcher:
        return self.stage.launcher

    async def start(
        self, marker: str = "run-game", *, stubborn: bool = False, ports: Iterable[int] = ()
    ) -> ServerProcess:
        process, puppet = await self.stage.play(marker, server_id=marker, marker=marker, ports=tuple(ports))
        self.puppets[process] = puppet
        if stubborn:
            await puppet.order("ignore SIGINT")
            await puppet.order("ignore SIGTERM")
        else:
            await puppet.order("leave-on SIGINT")
        return process

    async def exit(self, process: ServerProcess, code: int) -> None:
        self.puppets[process].send(f"exit {code}")

    async def exit_unwatched(self, process: ServerProcess, code: int) -> None:
        process.close()
        self.puppets[process].send(f"exit {code}")
        await self.puppets[process].gone()
        late = await self.launcher.adopt(process.identity)
        if late is not None:  # its socket goes a moment before it does
            await ended(late)
            late.close()

    async def next_line(self, process: ServerProcess) -> str:
        puppet = self.puppets[process]
        await puppet.order("read-console")
        log = CapturedLog(self.stage.folder / "logs" / f"{puppet.facts['role']}.log")
        return log.tail(1)[0].removeprefix("read ")

    def hold_port(self) -> tuple[int, str]:
        return self.stage.port, STRANGER if UNDER_WINE else called(os.getpid())

    def start_by_hand(self, marker: str) -> str:
        request = self.stage.request(marker)
        child = subprocess.Popen(request.argv, cwd=request.cwd, stdin=subprocess.DEVNULL)
        self.stage.strangers.append(child)
        return called(child.pid)

    def bad_request(self) -> LaunchRequest:
        return self.stage.request(argv=("no-such-program-anywhere",))

    def log(self) -> ServerLog:
        return CapturedLog(self.stage.folder / "server.log", cap_bytes=1000)

    def write(self, log: ServerLog, line: str) -> None:
        with log.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


@dataclass
class PretendMachine:
    launcher: FakeLauncher = field(default_factory=FakeLauncher)
    ends: Ends = SIGNALLED
    can: Abilities = Abilities()

    @property
    def probe(self) -> Probe:
        return FakeProbe(self.launcher)

    async def start(
        self, marker: str = "run-game", *, stubborn: bool = False, ports: Iterable[int] = ()
    ) -> ServerProcess:
        request = LaunchRequest("survival", ("game",), Path(), {}, marker, Path("server.log"), tuple(ports))
        process = await self.launcher.spawn(request)
        if stubborn:
            process.temper = STUBBORN
        return process

    async def exit(self, process: ServerProcess, code: int) -> None:
        assert isinstance(process, FakeProcess)
        process.exit(code)

    async def exit_unwatched(self, process: ServerProcess, code: int) -> None:
        assert isinstance(process, FakeProcess)
        process.close()
        process.exit(code)
        self.launcher.records[process.request.marker] = ExitStatus(code=code)

    async def next_line(self, process: ServerProcess) -> str:
        assert isinstance(process, FakeProcess)
        return process.typed.pop(0)

    def hold_port(self) -> tuple[int, str]:
        self.launcher.held = {25565: "java, pid 4711"}
        return 25565, "java, pid 4711"

    def start_by_hand(self, marker: str) -> str:
        self.launcher.twin = "game, pid 4711"
        return self.launcher.twin

    def bad_request(self) -> LaunchRequest:
        self.launcher.refuse_with = LaunchFault.NOT_FOUND
        return LaunchRequest("survival", ("no-such-program-anywhere",), Path(), {}, "m", Path("server.log"))

    def log(self) -> ServerLog:
        return FakeLog(cap=1000)

    def write(self, log: ServerLog, line: str) -> None:
        assert isinstance(log, FakeLog)
        log.write(line)


Made = tuple[System, Probe, Abilities]

HERE = Abilities(console=sys.platform != "win32", records=sys.platform == "linux")

REAL: dict[str, Callable[[Path], Made]] = {"real": lambda runs: (local_system(runs), local_probe(), HERE)}
if sys.platform == "linux":
    REAL["real-without-recorder"] = lambda _: (local_system(), local_probe(), Abilities(records=False))
    REAL["real-without-pidfd"] = lambda runs: (PosixSystem(ProcfsTable(), Records(runs)), local_probe(), HERE)
if sys.platform != "win32":
    REAL["real-by-psutil"] = lambda runs: (
        PosixSystem(PsutilTable(), Records(runs)),
        TreeProbe(PsutilReader(PsutilTable())),
        HERE,
    )
