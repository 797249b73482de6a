"""What the monitor needs of the world, as protocols: tests pass fakes, and a second host can come later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from monitor.events import Event, Past
from monitor.model import (
    Actor,
    ExitStatus,
    HostReading,
    Intent,
    Plan,
    ProcessId,
    Run,
    Rung,
    Sample,
    Server,
    TreeReading,
)
from monitor.spec import Priority, ServerSpec

T = TypeVar("T")


class Clock(Protocol):
    """Time, injected: no decision and no task reads the real clock by itself."""

    def now_ms(self) -> int:
        """UTC epoch milliseconds; jumps when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def wait_for(self, awaitable: Awaitable[T], timeout_s: float) -> T:
        """Await it for at most `timeout_s`, then cancel it and raise `TimeoutError`."""
        ...


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """A program to be started."""

    server_id: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    """Added to the inherited environment, from which the bot's own settings are taken out."""
    marker: str
    """Put into the environment as `GAMEKEEPER_RUN`."""
    log: Path
    """Standard output and error are appended here."""
    ports: tuple[int, ...] = ()
    """Where it is going to listen: a start is refused while somebody else does."""
    priority: Priority = Priority.NORMAL
    cpus: tuple[int, ...] = ()
    """The logical processors that it may use, from 0; empty: all."""


class ServerProcess(Protocol):
    """One live process of a server. Each call that touches it checks its identity first."""

    @property
    def identity(self) -> ProcessId: ...

    async def wait(self) -> ExitStatus:
        """Return once the operating system says that it ended. May be awaited by many, and again."""
        ...

    async def interrupt(self, signal_name: str) -> None:
        """Send the polite signal to the process itself. Does nothing when it is already gone."""
        ...

    async def type_line(self, text: str) -> None:
        """Type a line into its console, where it has one that outlives the bot, without waiting for it to be read.

        Raises:
            NotSupported: it has none.
            CommandRejected: the text is no line, or too long.
            GameUnavailable: it has not read for so long that no more fits in, or it has just ended.
        """
        ...

    async def terminate_tree(self) -> None:
        """Ask it and all its descendants to end: SIGTERM, or on Windows a plain termination."""
        ...

    async def kill_tree(self) -> None:
        """End it and all its descendants, whatever they think of it."""
        ...

    async def memory_bytes(self) -> int | None:
        """Give the resident memory of its whole tree now; `None` where it cannot be read."""
        ...

    async def out_of_memory(self) -> str | None:
        """Once it has ended: what the operating system says of killing it for want of memory, in its own words.

        `None` where it says nothing, which proves nothing either.
        """
        ...

    def close(self) -> None:
        """Let go of the handles. The process lives on."""
        ...


class Launcher(Protocol):
    """Starts processes on a machine, and finds again the ones it started before."""

    async def spawn(self, request: LaunchRequest) -> ServerProcess:
        """Start it in its own session, with its output in a file.

        Raises:
            LaunchRefused: the program cannot be started as described; nothing is left behind.
        """
        ...

    async def adopt(self, identity: ProcessId) -> ServerProcess | None:
        """Take hold of a process that is already running; `None` when that very process is gone."""
        ...

    async def find(self, marker: str) -> ServerProcess | None:
        """Look for a live process of the run with this marker: its root, or what the root left behind."""
        ...

    async def ended(self, marker: str) -> ExitStatus | None:
        """Say how the run with this marker ended while nobody watched; `None` where nobody knows, or it has not."""
        ...

    def boot_id(self) -> str:
        """The machine's boot id, as in `ProcessId.boot_id`; empty where it has none."""
        ...


class ServerLog(Protocol):
    """The captured output of one server."""

    @property
    def path(self) -> Path: ...

    def mark(self) -> int:
        """The position of its end now. Blocking, short."""
        ...

    def begin(self, marker: str) -> int:
        """Write a line that says that the run with this marker begins; give the mark after it. Blocking, short."""
        ...

    def mark_of(self, marker: str) -> int:
        """The mark after that line, or, where there is none, of the beginning. Blocking: all of it is read."""
        ...

    def read_since(self, mark: int) -> tuple[str, int]:
        """The whole lines written since `mark` and the mark after them. Blocking, short, at most 1 MiB at a time."""
        ...

    def tail(self, lines: int) -> tuple[str, ...]:
        """The last lines, without colour and control codes. Blocking, short."""
        ...

    def trim(self) -> None:
        """Rotate it when it has outgrown its cap. Blocking, short."""
        ...


class Probe(Protocol):
    """Reads the counters of the operating system. Off the event loop: `host`, and `read` where it `blocks`."""

    def blocks(self, roots: Mapping[str, ProcessId]) -> bool:
        """Whether the next `read` may take over some milliseconds. Every few seconds it says yes."""
        ...

    def read(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        """Read every tree in one pass. A server whose tree could not be read is left out: unknown, not zero."""
        ...

    def host(self) -> HostReading: ...


class SampleSink(Protocol):
    """Takes samples in. Never blocks and never fails: what cannot be kept is counted and dropped."""

    def add(self, samples: Sequence[Sample]) -> None: ...


class EventLog(Protocol):
    """The durable record. When a call returns, it is on disk and survives a power cut."""

    async def begin_run(self, server_id: str, at_ms: int, marker: str) -> Run:
        """Write down that a process is about to be spawned."""
        ...

    async def write_intent(self, intent: Intent) -> None:
        """Write down what somebody asked for, before any signal is sent."""
        ...

    async def record(self, event: Event, run: Run | None = None) -> int:
        """Write an event, its alerts, and the run as it now stands, in one transaction; give the event's id."""
        ...

    async def record_and_begin(self, event: Event, run: Run, at_ms: int, marker: str) -> tuple[int, Run]:
        """Do what `record` and `begin_run` do, and give both, in one transaction: half the waiting for the disk."""
        ...

    async def abandon_run(self, run_id: int) -> None:
        """Forget a run that no process came of."""
        ...

    async def past(self) -> Mapping[str, Past]:
        """What is known of each server that ever ran, by server id; a run is open while `ended_ms` is `None`."""
        ...

    async def intent_of(self, run_id: int) -> Intent | None:
        """The last intent written down for a run."""
        ...

    async def failures_since(self, server_id: str, since_ms: int) -> Sequence[int]:
        """When (epoch milliseconds) this server's runs ended with an unwanted verdict since then, in order."""
        ...


OnRung = Callable[[Rung], None]
"""Told of each step of a stop as it begins. Called on the event loop; must return at once."""


class Control(Protocol):
    """All that cogs may ask of the fleet.

    Every call that names a server may raise `UnknownServer`; what it asks for may be refused with `WrongState`.
    """

    def servers(self) -> Sequence[Server]:
        """Every server as it stands, in the order of their ids."""
        ...

    def server(self, server_id: str) -> Server: ...

    async def start(self, server_id: str, by: Actor) -> Server:
        """Return once it is ready to be joined, or refused.

        Raises:
            LaunchRefused: the program cannot be started.
        """
        ...

    async def stop(
        self,
        server_id: str,
        by: Actor,
        *,
        reason: str = "",
        force: bool = False,
        on_rung: OnRung | None = None,
    ) -> Server:
        """Return once it is down. `force` leaves out the polite steps, also of a stop that is under way."""
        ...

    async def plan(self, server_id: str, plan: Plan) -> Server:
        """Announce a stop or restart for later; players are warned as it comes near. Return at once."""
        ...

    async def cancel(self, server_id: str, by: Actor) -> Server:
        """Call off a planned stop, one that has not got past saving, or a pending restart."""
        ...

    async def restart(
        self, server_id: str, by: Actor, *, reason: str = "", on_rung: OnRung | None = None
    ) -> Server: ...

    async def command(self, server_id: str, text: str, by: Actor) -> str | None:
        """Run an admin command on it and return the answer; `None`: it was typed into a console that has none."""
        ...

    def log(self, server_id: str) -> ServerLog: ...

    async def take_in(self, spec: ServerSpec) -> Server:
        """Look after it from now on, or by this description; while it is up, that counts from its next start on.

        A process that it left running is found again. It is not started.

        Raises:
            StorageError: what became of it before cannot be read.
        """
        ...

    async def let_go(self, server_id: str, by: Actor, *, leave_running: bool = False) -> None:
        """Look after it no more. Its process, if it has one, is never ended by this.

        Raises:
            WrongState: it is up, and was not to be left running.
        """
        ...
