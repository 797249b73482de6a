"""The nouns: who asks, how a server is doing, how a life of it ended. How it is described is in `spec`.

Everything here is frozen and belongs to the standard library alone. Times are UTC epochs with their unit in the
name; `None` means "not known", never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from monitor.spec import ServerSpec


class ActorKind(StrEnum):
    """Where a request came from."""

    DISCORD = "discord"
    SCHEDULE = "schedule"
    POLICY = "policy"
    COMMAND_LINE = "command_line"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asked: a Discord user, a schedule, a policy, or somebody at the command line."""

    kind: ActorKind
    id: str
    """The Discord user id, the schedule's or policy's name, or the user of the operating system."""
    name: str
    """What people call them; written by others, so escape it before showing it."""

    @property
    def person(self) -> bool:
        """Whether that is somebody, and not something that acts by itself."""
        return self.kind in (ActorKind.DISCORD, ActorKind.COMMAND_LINE)


class State(StrEnum):
    """What a server is doing. The transitions between these are in `lifecycle`."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    BACKOFF = "backoff"
    """Down, and coming back by itself after a pause."""
    FAILED = "failed"
    """Down, and given up: it failed too often."""
    UNRESPONSIVE = "unresponsive"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """Who a process is, so that a reused pid is never taken for it."""

    pid: int
    started: int
    """Linux: start time in clock ticks since boot (`/proc/PID/stat` field 22). Windows: creation FILETIME."""
    boot_id: str = ""
    """Linux: `/proc/sys/kernel/random/boot_id`. Empty where `started` is an absolute time."""


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """How the operating system says a process ended. Both `None`: it could not tell."""

    code: int | None = None
    """0 to 255 on POSIX; the unsigned 32-bit code on Windows."""
    signal: int | None = None
    """The POSIX signal that ended it."""
    core_dumped: bool = False


class Verdict(StrEnum):
    """What an exit meant. The table is in `docs/supervision.md`."""

    STOPPED = "stopped"
    STOPPED_IN_GAME = "stopped_in_game"
    UNEXPECTED_EXIT = "unexpected_exit"
    FAILED_TO_START = "failed_to_start"
    CRASHED = "crashed"
    CONSOLE_CLOSED = "console_closed"
    OUT_OF_MEMORY = "out_of_memory"
    HOST_REBOOTED = "host_rebooted"
    ENDED_UNSEEN = "ended_unseen"
    HUNG = "hung"

    @property
    def wanted(self) -> bool:
        """Whether somebody meant it to end."""
        return self in (Verdict.STOPPED, Verdict.STOPPED_IN_GAME)

    @property
    def failure(self) -> bool:
        """Whether it is the server's own failing: it alerts, and counts against the restart budget."""
        return not self.wanted and self is not Verdict.HOST_REBOOTED


class EvidenceKind(StrEnum):
    """What a verdict rests on."""

    ASKED = "asked"
    SIGNAL = "signal"
    EXIT_CODE = "exit_code"
    NO_EXIT_CODE = "no_exit_code"
    LOG_LINE = "log_line"
    NEVER_READY = "never_ready"
    OOM_KILL = "oom_kill"
    OTHER_BOOT = "other_boot"
    GONE_WHILE_AWAY = "gone_while_away"
    PROBES_UNANSWERED = "probes_unanswered"
    """How many times in a row nothing answered."""
    NO_ANSWER = "no_answer"
    """Which of the ways to ask it stays silent: "admin", "query"."""
    LOG_SILENT = "log_silent"
    """For how many seconds its log has not grown."""
    FORCED = "forced"
    NOT_SAVED = "not_saved"
    """The world was not seen to be saved before it was stopped; the detail says how far that came."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact behind a verdict, as data; `cogs/render` finds the words."""

    kind: EvidenceKind
    detail: str = ""
    """The fact itself: "SIGSEGV", "0xC0000005", the log line, the actor's name."""


@dataclass(frozen=True, slots=True)
class ExitReport:
    """How one life of a server ended, and what that was taken for."""

    verdict: Verdict
    status: ExitStatus
    evidence: tuple[Evidence, ...] = ()
    by: Actor | None = None
    """Who asked for it, where somebody did."""


@dataclass(frozen=True, slots=True)
class Run:
    """One life of a server, from spawn to exit."""

    id: int
    server_id: str
    started_ms: int
    marker: str
    """The value of `GAMEKEEPER_RUN` in the process's environment: finds it when its pid was never written down."""
    process: ProcessId | None = None
    """`None` until the spawn has succeeded."""
    ready_ms: int | None = None
    ended_ms: int | None = None
    report: ExitReport | None = None


class IntentAction(StrEnum):
    """What somebody asked for that ends a process, or that it should not end after all."""

    STOP = "stop"
    RESTART = "restart"
    CALL_OFF = "call_off"
    """What was asked for before is not wanted any more."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody asked for, written down before any signal is sent."""

    server_id: str
    run_id: int
    action: IntentAction
    by: Actor
    at_ms: int
    reason: str = ""


class Rung(StrEnum):
    """The steps of a stop, from the politest to the last."""

    WARN = "warn"
    SAVE = "save"
    ASK = "ask"
    TERMINATE = "terminate"
    KILL = "kill"

    @property
    def forced(self) -> bool:
        return self in (Rung.TERMINATE, Rung.KILL)


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement of one server's whole process tree."""

    server_id: str
    at_s: int
    """UTC epoch seconds."""
    cpu_pct: float | None = None
    """CPU time over the interval, in percent of one core: 250.0 is two and a half cores."""
    rss_bytes: int | None = None
    read_bytes_per_s: float | None = None
    write_bytes_per_s: float | None = None
    threads: int | None = None
    players: int | None = None
    tick_rate: float | None = None
    """Simulation steps a second, where the game tells."""


class TreeReading(NamedTuple):
    """What the operating system counted for a process tree, up to one instant. A tuple: one a server and tick."""

    at_monotonic_s: float
    cpu_time_s: float
    """User and system time of every live process of the tree, since each began."""
    rss_bytes: int
    read_bytes: int | None
    write_bytes: int | None
    threads: int
    processes: int
    io_at_monotonic_s: float | None = None
    """When the bytes were counted, where that was before the rest."""


@dataclass(frozen=True, slots=True)
class HostReading:
    """What the operating system says of the whole machine."""

    cpu_pct: float
    """Over the time since the reading before, 0 to 100 for all cores together."""
    memory_total_bytes: int
    memory_available_bytes: int


@dataclass(frozen=True, slots=True)
class Players:
    """Who is on a server, as far as the game tells."""

    online: int
    maximum: int | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A stop or restart that was asked for, and is to come."""

    action: IntentAction
    by: Actor
    due_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """One server being looked after, as it stands at this moment."""

    spec: ServerSpec
    """As it is described, in force now."""
    state: State = State.STOPPED
    since_ms: int = 0
    """When it entered this state."""
    process: ProcessId | None = None
    run_id: int | None = None
    started_ms: int | None = None
    """When the live process was spawned."""
    latest: Sample | None = None
    players: Players | None = None
    tick_rate: float | None = None
    """Simulation steps a second, where the game tells."""
    restarts_used: int = 0
    """Restarts by policy inside the policy's window."""
    next_start_ms: int | None = None
    """In BACKOFF: when it will be started again."""
    planned: Plan | None = None
    """A stop or restart that is announced for later."""
    called_off_by: Actor | None = None
    """Who called off the last stop that was begun of the live process; `None` while it stands."""
    last_exit: ExitReport | None = None
    last_exit_ms: int | None = None
    next_spec: ServerSpec | None = None
    """A description given while it was up: in force from its next start on."""

    @property
    def described(self) -> ServerSpec:
        """The newest description, in force or not."""
        return self.next_spec or self.spec

    @property
    def id(self) -> str:
        return self.spec.id
