"""How a server is described by its owner, and the policies that go with it.

Frozen, and of the standard library alone. A policy's field that is left `None` is the game adapter's to fill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that must never be shown. `str()` and `repr()` are masked; only `reveal()` gives it."""

    value: str = field(repr=False)

    def reveal(self) -> str:
        return self.value

    def __str__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a game answers. The host is a name or an address, the port 1 to 65535."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class AdminEndpoint:
    """Where a game takes commands from its administrator, and the password for it."""

    host: str
    port: int
    password: Secret


@dataclass(frozen=True, slots=True)
class ReadyPolicy:
    """How to tell that players can join. A field left `None` is the adapter's to fill."""

    log: str | None = None
    """A regular expression that the log shows once the server is ready."""
    timeout_s: float | None = None
    """After this long without it the start is reported as slow; the server is left alone."""


@dataclass(frozen=True, slots=True)
class StopPolicy:
    """How to ask a game to stop, and how long to wait before the next, ruder step."""

    command: str | None = None
    """An admin command that stops the game."""
    signal: str | None = None
    """The polite signal, where there is no command: SIGINT (on Windows Ctrl+C), SIGTERM, or
    CTRL_BREAK_EVENT on Windows, where SIGTERM is the same."""
    save: str | None = None
    """An admin command that saves the world."""
    saved_log: str | None = None
    """A regular expression that the log shows once the world is saved."""
    saved_file: str | None = None
    """A file of the save, or a pattern such as `world/*.dat`, relative to `cwd`: newer afterwards than before."""
    save_s: float | None = None
    polite_s: float | None = None
    terminate_s: float | None = None


class RestartMode(StrEnum):
    """When a server that went down by itself comes back by itself."""

    NEVER = "never"
    ON_CRASH = "on-crash"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Restarts after an exit nobody asked for: at most `budget` of them in any `window_s` seconds."""

    policy: RestartMode = RestartMode.ON_CRASH
    budget: int = 5
    window_s: float = 600.0
    backoff_s: float = 5.0
    backoff_max_s: float = 300.0


@dataclass(frozen=True, slots=True)
class HangPolicy:
    """When an alive server counts as hung. Zero probes: never."""

    probes: int = 0
    interval_s: float = 30.0
    restart: bool = False


class Priority(StrEnum):
    """How the operating system shares the processors out among programs."""

    BELOW_NORMAL = "below-normal"
    NORMAL = "normal"
    ABOVE_NORMAL = "above-normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """A server as its owner described it."""

    id: str
    """`a-z 0-9 -`, unique, what people type."""
    name: str
    game: str
    """The adapter's name."""
    argv: tuple[str, ...]
    """The program and its arguments; never a shell line."""
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment that the server inherits."""
    autostart: bool = False
    admin: AdminEndpoint | None = None
    query: Endpoint | None = None
    ready: ReadyPolicy = ReadyPolicy()
    stop: StopPolicy = StopPolicy()
    clean_exit_codes: tuple[int, ...] | None = None
    """Exit codes that the game uses for a clean stop; `None` is the adapter's choice."""
    restart: RestartPolicy = RestartPolicy()
    hang: HangPolicy = HangPolicy()
    priority: Priority = Priority.NORMAL
    """Above normal takes a privileged bot on Linux; without it the server runs at normal."""
    cpus: tuple[int, ...] = ()
    """The logical processors that it may use, from 0; empty: all."""


P = TypeVar("P", bound="DataclassInstance")


def fill(policy: P, defaults: P) -> P:
    """Give `policy` with each `None` replaced by the same field of `defaults`."""
    missing = {f.name: getattr(defaults, f.name) for f in fields(policy) if getattr(policy, f.name) is None}
    return replace(policy, **missing)
