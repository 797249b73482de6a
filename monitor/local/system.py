"""What each operating system must provide for this folder. `posix` and `windows` do; `launcher` builds on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from monitor.model import ExitStatus, ProcessId
from monitor.spec import Priority


@dataclass(frozen=True, slots=True)
class Start:
    """A program that was found fit to be started, and all that it is to be given."""

    server_id: str
    argv: tuple[str, ...]
    """The program first, as an absolute path."""
    cwd: Path
    env: Mapping[str, str]
    """The whole environment, the marker in it."""
    marker: str
    log: Path
    output: int
    """A descriptor of the log, open for appending; the caller closes it."""
    priority: Priority
    cpus: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PortHolder:
    """Who listens on a port that a server is going to need."""

    port: int
    name: str
    """Such as "java, pid 4711", or "another program" where we may not know."""


class Hold(Protocol):
    """A grip on one process that never turns into a grip on another one that got its pid.

    Calls that signal are blocking, check each process's identity first, and do nothing to one that is gone.
    """

    @property
    def identity(self) -> ProcessId: ...

    def watch(self, loop: asyncio.AbstractEventLoop, ended: Callable[[ExitStatus], None]) -> None:
        """Call `ended` on `loop`, once, when the process has ended. Called once, from the loop's thread."""
        ...

    def interrupt(self, signal_name: str) -> None:
        """Send the named signal to the process alone.

        Raises:
            ValueError: this system knows no such signal.
        """
        ...

    def type_line(self, text: str) -> None:
        """Type a line into its console, without waiting for it to be read.

        Raises:
            NotSupported: it has no console that we can reach.
            CommandRejected: the text is no line, or too long.
            GameUnavailable: it has not read for so long that no more fits in, or it has just ended.
        """
        ...

    def terminate_tree(self) -> None: ...

    def kill_tree(self) -> None:
        """Return once nothing of the tree is left, or a few seconds have passed."""
        ...

    def out_of_memory(self) -> str | None:
        """Once it has ended: what the system says of killing it for want of memory, in its own words."""
        ...

    def close(self) -> None:
        """Stop watching and release what the system lent. Called from the loop's thread."""
        ...


class System(Protocol):
    """An operating system, as far as starting and finding processes goes. Blocking."""

    def spawn(self, start: Start) -> Hold:
        """Start a program, free of our session.

        Raises:
            OSError: nothing was started.
        """
        ...

    def prepare(self) -> None:
        """Do ahead what the next start can be spared. Called when nobody waits."""
        ...

    def close(self) -> None:
        """Take back what was prepared. Servers are left alone."""
        ...

    def port_holder(self, ports: Collection[int]) -> PortHolder | None:
        """Say who listens on the first of these that is taken, on a loopback address or on all of them."""
        ...

    def twin(self, argv: tuple[str, ...], cwd: Path, ours: Collection[ProcessId]) -> str | None:
        """Name a live process of the same program with the same arguments in the same folder, that is not `ours`."""
        ...

    def open_log(self, path: Path) -> int:
        """Open it so that every write goes to its end, wherever that is by then.

        Raises:
            OSError: it cannot be written.
        """
        ...

    def hold(self, identity: ProcessId) -> Hold | None:
        """Take hold of that very process; `None` when it is gone."""
        ...

    def find(self, marker: str) -> Hold | None:
        """Take hold of the root of the run with this `GAMEKEEPER_RUN` marker, or of the first that it left behind."""
        ...

    def ended(self, marker: str) -> ExitStatus | None:
        """Say how the process with this marker ended, if somebody wrote it down while nobody watched."""
        ...

    def boot_id(self) -> str: ...
