"""What each operating system must provide for this folder. `posix` and `windows` do; `launcher` builds on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from monitor.model import ExitStatus, ProcessId


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

    def terminate_tree(self) -> None: ...

    def kill_tree(self) -> None:
        """Return once nothing of the tree is left, or a few seconds have passed."""
        ...

    def close(self) -> None:
        """Stop watching and release what the system lent. Called from the loop's thread."""
        ...


class System(Protocol):
    """An operating system, as far as starting and finding processes goes. Blocking."""

    def spawn(self, argv: tuple[str, ...], cwd: Path, env: Mapping[str, str], log: int) -> Hold:
        """Start a program with the whole of `env`, writing to the descriptor `log`, free of our session.

        Raises:
            OSError: nothing was started.
        """
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

    def find(self, marker: str) -> ProcessId | None:
        """Look for the root of the tree that carries this `GAMEKEEPER_RUN` marker."""
        ...

    def boot_id(self) -> str: ...
