"""A machine without processes: what a test decides is what happens on it.

It passes the same contract suite as the real one (`tests/monitor/local/test_contract.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from monitor.errors import GameFault, GameUnavailable, LaunchFault, LaunchRefused, NotSupported
from monitor.local.console_line import refuse_unless_line
from monitor.model import ExitStatus, HostReading, ProcessId, TreeReading
from monitor.ports import LaunchRequest

CLEAN = ExitStatus(code=0)
TERMINATED = ExitStatus(signal=15)
KILLED = ExitStatus(signal=9)


@dataclass(frozen=True, slots=True)
class Temper:
    """How a fake process takes being asked to end. `None`: it ignores it."""

    on_interrupt: ExitStatus | None = CLEAN
    on_terminate: ExitStatus | None = TERMINATED
    on_kill: ExitStatus | None = KILLED


STUBBORN = Temper(on_interrupt=None, on_terminate=None)


@dataclass(eq=False)
class FakeProcess:
    """A process whose end the test decides. It is its own handle: adopting it gives the same object."""

    identity: ProcessId
    request: LaunchRequest
    temper: Temper = field(default_factory=Temper)
    interrupts: list[str] = field(default_factory=list)
    """The signal names it was sent while alive, in order."""
    terminated: int = 0
    """How often it was asked to terminate while alive."""
    killed: int = 0
    closed: bool = False
    adopted: int = 0
    """How often somebody took hold of it again."""
    status: ExitStatus | None = None
    console: bool = True
    """Whether it has a console to type into."""
    typed: list[str] = field(default_factory=list)
    """The lines typed into its console while alive, in order."""
    on_line: Callable[[str], None] | None = None
    """Called with each typed line, as a game that reads its console."""
    memory: int | None = None
    """What its tree holds, bytes."""
    oom: str | None = None
    """What the machine says of killing it for want of memory."""
    tree: list[FakeProcess] = field(default_factory=list)
    """All that began with the same spawn, itself among them; of a process that was made by hand, nothing."""
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def alive(self) -> bool:
        return self.status is None

    def exit(self, code: int | None = None, *, signal: int | None = None, core_dumped: bool = False) -> None:
        """End it: `exit(3)`, `exit(signal=11)`, or `exit()` where the machine cannot tell how."""
        self._end(ExitStatus(code=code, signal=signal, core_dumped=core_dumped))

    async def wait(self) -> ExitStatus:
        await self._ended.wait()
        if self.status is None:
            raise AssertionError
        return self.status

    async def memory_bytes(self) -> int | None:
        return self.memory

    async def interrupt(self, signal_name: str) -> None:
        if self.alive:
            self.interrupts.append(signal_name)
            self._end(self.temper.on_interrupt)

    async def type_line(self, text: str) -> None:
        refuse_unless_line(text)
        if not self.console:
            raise NotSupported("console")
        if not self.alive:
            raise GameUnavailable(GameFault.CLOSED)
        self.typed.append(text)
        if self.on_line is not None:
            self.on_line(text)

    async def out_of_memory(self) -> str | None:
        return None if self.alive else self.oom

    async def terminate_tree(self) -> None:
        for process in self._live_tree():
            process.terminated += 1
            process._end(process.temper.on_terminate)

    async def kill_tree(self) -> None:
        for process in self._live_tree():
            process.killed += 1
            process._end(process.temper.on_kill)

    def _live_tree(self) -> list[FakeProcess]:
        return [process for process in self.tree or [self] if process.alive]

    def close(self) -> None:
        self.closed = True

    def _end(self, status: ExitStatus | None) -> None:
        if status is not None and self.alive:
            self.status = status
            self._ended.set()


class FakeLauncher:
    """A machine that remembers its processes. Give it to two fleets in turn to play a restart of the bot."""

    def __init__(self, *, temper: Temper | None = None, boot: str = "boot-1") -> None:
        self.temper = temper or Temper()
        """How the processes spawned from now on behave."""
        self.boot = boot
        self.refuse_with: LaunchFault | None = None
        """Refuse every spawn with this, naming the program."""
        self.held: Mapping[int, str] = {}
        """Ports that somebody else listens on, and who: a start that needs one is refused."""
        self.twin: str | None = None
        """Who runs the same program already, so that every start is refused."""
        self.records: dict[str, ExitStatus] = {}
        """How runs ended while nobody watched, by marker; what no test put here, nobody knows."""
        self.on_spawn: Callable[[FakeProcess], None] | None = None
        """Called with each new process before `spawn` returns."""
        self.spawned: list[LaunchRequest] = []
        """What was really started, in order; refused requests are not in it."""
        self.processes: list[FakeProcess] = []
        self._news = asyncio.Condition()

    async def spawn(self, request: LaunchRequest) -> FakeProcess:
        await asyncio.sleep(0)
        if self.refuse_with is not None:
            raise LaunchRefused(request.server_id, self.refuse_with, request.argv[0])
        if self.twin is not None:
            raise LaunchRefused(request.server_id, LaunchFault.ALREADY_RUNNING, request.argv[0], self.twin)
        if (port := next((port for port in request.ports if port in self.held), None)) is not None:
            raise LaunchRefused(request.server_id, LaunchFault.PORT_HELD, str(port), self.held[port])
        process = self._begin(request, [], self.temper)
        self.spawned.append(request)
        if self.on_spawn is not None:
            self.on_spawn(process)
        async with self._news:
            self._news.notify_all()
        return process

    def fork(self, parent: FakeProcess, *, memory: int | None = None, temper: Temper | None = None) -> FakeProcess:
        """Let a process start another one, which has its marker."""
        child = self._begin(parent.request, parent.tree, temper or parent.temper)
        child.memory = memory
        return child

    def _begin(self, request: LaunchRequest, tree: list[FakeProcess], temper: Temper) -> FakeProcess:
        number = len(self.processes) + 1
        identity = ProcessId(1000 + number, 50_000 + number, self.boot)
        process = FakeProcess(identity, request, temper, tree=tree)
        tree.append(process)
        self.processes.append(process)
        return process

    async def nth(self, number: int, timeout_s: float = 30.0) -> FakeProcess:
        """Wait for the `number`-th spawn, counted from 1, and give its process."""
        async with asyncio.timeout(timeout_s), self._news:
            await self._news.wait_for(lambda: len(self.processes) >= number)
        return self.processes[number - 1]

    async def adopt(self, identity: ProcessId) -> FakeProcess | None:
        await asyncio.sleep(0)
        return self._take(lambda process: process.identity == identity)

    async def find(self, marker: str) -> FakeProcess | None:
        await asyncio.sleep(0)
        return self._take(lambda process: process.request.marker == marker)

    async def ended(self, marker: str) -> ExitStatus | None:
        await asyncio.sleep(0)
        return self.records.get(marker)

    def boot_id(self) -> str:
        return self.boot

    def reboot(self, boot: str = "boot-2") -> None:
        """End every process unseen, as a reboot does; nobody's `wait` returns."""
        self.processes.clear()
        self.boot = boot

    def is_alive(self, identity: ProcessId) -> bool:
        return any(process.alive and process.identity == identity for process in self.processes)

    def _take(self, wanted: Callable[[FakeProcess], bool]) -> FakeProcess | None:
        found = next((process for process in self.processes if process.alive and wanted(process)), None)
        if found is not None:
            found.adopted += 1
            found.closed = False
        return found


class FakeLog:
    """A log in memory. Marks count characters, and go on counting over a trim."""

    def __init__(self, path: Path = Path("server.log"), *, cap: int = 8 * 1024 * 1024) -> None:
        self._path = path
        self._cap = cap
        self._text = ""
        self._base = 0
        self.trims = 0
        self._begun: dict[str, int] = {}

    @property
    def path(self) -> Path:
        return self._path

    def write(self, line: str) -> None:
        """Append a whole line."""
        self._text += f"{line}\n"

    def mark(self) -> int:
        return self._base + len(self._text)

    def begin(self, marker: str) -> int:
        self._begun[marker] = self.mark()
        return self._begun[marker]

    def mark_of(self, marker: str) -> int:
        return max(self._base, self._begun.get(marker, 0))

    def read_since(self, mark: int) -> tuple[str, int]:
        return self._text[max(0, mark - self._base) :], self.mark()

    def tail(self, lines: int) -> tuple[str, ...]:
        return tuple(self._text.splitlines()[-lines:]) if lines else ()

    def trim(self) -> None:
        self.trims += 1
        if len(self._text) > self._cap:
            self._base += len(self._text)
            self._text = ""


READING = TreeReading(
    at_monotonic_s=0.0, cpu_time_s=1.0, rss_bytes=64 << 20, read_bytes=0, write_bytes=0, threads=4, processes=1
)


class FakeProbe:
    """Reads `readings[server_id]`, or `READING`, for each root that is alive on the fake machine."""

    def __init__(self, launcher: FakeLauncher) -> None:
        self._launcher = launcher
        self.readings: dict[str, TreeReading] = {}
        self.unreadable: set[str] = set()
        """Servers whose trees the machine refuses to show."""
        self.reads: list[dict[str, ProcessId]] = []
        """What was asked for, one entry a pass."""
        self.host_reading = HostReading(cpu_pct=10.0, memory_total_bytes=16 << 30, memory_available_bytes=8 << 30)

    def blocks(self, roots: Mapping[str, ProcessId]) -> bool:
        return True

    def read(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        self.reads.append(dict(roots))
        return {
            server_id: self.readings.get(server_id, READING)
            for server_id, identity in roots.items()
            if server_id not in self.unreadable and self._launcher.is_alive(identity)
        }

    def host(self) -> HostReading:
        return self.host_reading
