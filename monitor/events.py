"""What happened, in the past tense. An event is on disk before anyone acts on it.

Each carries all that is needed to tell it later, when the server has long moved on: an alert that was held up by an
outage is rendered from its event alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from monitor.event import Event as Event  # noqa: PLC0414  # so that mypy lets them be had from here
from monitor.event import HostEvent as HostEvent  # noqa: PLC0414  # so that mypy lets them be had from here
from monitor.event import Severity as Severity  # noqa: PLC0414  # so that mypy lets them be had from here
from monitor.limit_events import ForecastLifted, LimitCleared, LimitCrossed, LimitForeseen, LimitRestart
from monitor.model import Actor, Evidence, ExitReport, ProcessId, Run, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStarted(Event):
    """A process was spawned for it."""

    kind: ClassVar[str] = "server_started"

    run_id: int
    process: ProcessId
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReady(Event):
    """Players can join."""

    kind: ClassVar[str] = "server_ready"

    run_id: int
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAdopted(Event):
    """The bot came back and found it running, the same process as before."""

    kind: ClassVar[str] = "server_adopted"

    run_id: int
    process: ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerMoved(Event):
    """Its launcher ended, or it started itself again: it is another process now, and the same run."""

    kind: ClassVar[str] = "server_moved"

    run_id: int
    process: ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHung(Event):
    """It runs, but has not answered for too long."""

    kind: ClassVar[str] = "server_hung"
    severity: ClassVar[Severity] = Severity.CRITICAL
    alerts: ClassVar[bool] = True

    run_id: int
    evidence: tuple[Evidence, ...]
    last: Sample | None = None
    log_tail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRecovered(Event):
    """It was hung, and answers again by itself."""

    kind: ClassVar[str] = "server_recovered"
    alerts: ClassVar[bool] = True

    run_id: int
    after_s: float
    """How long it had been taken for hung."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartCalledOff(Event):
    """Somebody did not want the restart that the policy had planned."""

    kind: ClassVar[str] = "restart_called_off"

    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStopped(Event):
    """It ended because somebody wanted it to."""

    kind: ClassVar[str] = "server_stopped"

    run_id: int
    report: ExitReport
    uptime_s: float


class NextStep(StrEnum):
    """What happens after an exit nobody asked for."""

    RESTART = "restart"
    STAY_DOWN = "stay_down"
    """The policy says so."""
    GIVE_UP = "give_up"
    """The budget is used up."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the restart policy makes of an exit."""

    step: NextStep
    attempt: int = 0
    """Which restart of the budget this is, from 1."""
    budget: int = 0
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCrashed(Event):
    """It ended and nobody asked for it; the report's verdict says which way."""

    kind: ClassVar[str] = "server_crashed"
    severity: ClassVar[Severity] = Severity.CRITICAL
    alerts: ClassVar[bool] = True

    run_id: int
    report: ExitReport
    uptime_s: float
    aftermath: Aftermath
    last: Sample | None = None
    """The last measurement before the end."""
    log_tail: tuple[str, ...] = ()
    """The last lines of its log: cleaned of colour and control codes, not yet of secrets of other people's making."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFailed(Event):
    """It could not be started at all: no process came to be."""

    kind: ClassVar[str] = "start_failed"
    severity: ClassVar[Severity] = Severity.CRITICAL
    alerts: ClassVar[bool] = True

    reason: str
    """The `LaunchFault` that stood in the way."""
    subject: str
    """The path, folder or port concerned."""
    by: Actor
    holder: str = ""
    """Who holds the port, or runs the same program already, where that is what stood in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartsExhausted(Event):
    """It failed too often in too short a time, and is left down until somebody starts it."""

    kind: ClassVar[str] = "restarts_exhausted"
    severity: ClassVar[Severity] = Severity.CRITICAL
    alerts: ClassVar[bool] = True

    failures: int
    window_s: float
    report: ExitReport | None = None
    """How it failed the last time; not known of what was written down before this was."""
    last: Sample | None = None
    """The last measurement before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRebooted(HostEvent):
    """The machine was restarted while servers ran on it: one notice for all of them."""

    kind: ClassVar[str] = "host_rebooted"
    severity: ClassVar[Severity] = Severity.WARNING
    alerts: ClassVar[bool] = True

    servers: tuple[str, ...]
    """The ids of those that ran, and went down with it."""
    last_seen_ms: int | None = None
    """When the bot last knew them to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseRestored(HostEvent):
    """The database was damaged: it was set aside, and a backup took its place."""

    kind: ClassVar[str] = "database_restored"
    severity: ClassVar[Severity] = Severity.CRITICAL
    alerts: ClassVar[bool] = True

    set_aside: str
    """The name of the file that the damaged database is kept in."""
    backup_ms: int | None
    """When the backup was made: what was written since is missing. `None`: there was none, and nothing is left."""
    until_ms: int | None = None
    """When the damaged database was last written to: nothing newer can be missing."""
    found: str = ""
    """What is wrong with it, in SQLite's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageDegraded(HostEvent):
    """The database cannot be used as it should be; the bot goes on as well as it can."""

    kind: ClassVar[str] = "storage_degraded"
    severity: ClassVar[Severity] = Severity.WARNING
    alerts: ClassVar[bool] = True

    fault: str
    """The `StorageFault`."""
    path: str
    in_memory: bool
    """Whether everything is kept in memory alone until it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageRecovered(HostEvent):
    """The database can be used again."""

    kind: ClassVar[str] = "storage_recovered"
    alerts: ClassVar[bool] = True

    fault: str
    """The `StorageFault` that it was."""
    after_s: float
    samples_dropped: int
    """Measurements that were given up meanwhile."""


@dataclass(frozen=True, slots=True)
class Past:
    """What an earlier bot wrote down of a server."""

    run: Run | None = None
    """Its latest run."""
    event: Event | None = None
    """Its latest event."""
    forgiven_ms: int = 0
    """When a person last started it, or called its restarts off: failures before that do not count."""
    seen_ms: int | None = None
    """When anything was last measured, of this server or another."""


EVENT_TYPES: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        ServerStarted,
        ServerReady,
        ServerAdopted,
        ServerMoved,
        ServerHung,
        ServerRecovered,
        RestartCalledOff,
        ServerStopped,
        ServerCrashed,
        StartFailed,
        RestartsExhausted,
        HostRebooted,
        DatabaseRestored,
        StorageDegraded,
        StorageRecovered,
        LimitCrossed,
        LimitCleared,
        LimitForeseen,
        ForecastLifted,
        LimitRestart,
    )
}
"""Every kind of event that a database may hold."""
