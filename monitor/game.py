"""What an adapter gives: a game as the monitor speaks to it. Also the contract of a plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from monitor.model import Players
from monitor.spec import ReadyPolicy, ServerSpec, StopPolicy


@dataclass(frozen=True, slots=True)
class GameTraits:
    """What is true of a game whatever the server: the defaults for what a spec leaves out."""

    ready: ReadyPolicy
    stop: StopPolicy
    clean_exit_codes: tuple[int, ...] = (0,)
    shutdown_log: tuple[str, ...] = ()
    """Regular expressions: a line of these means that the game was told to stop from inside."""
    fatal_log: tuple[str, ...] = ()
    """Regular expressions: a line of these means that the game could not start or go on."""


class Game(Protocol):
    """One server, spoken to in its game's own way. It owns its connection.

    Every call may raise `GameUnavailable`, `AccessRefused` or `NotSupported`; none of them means "zero" or "done".
    """

    @property
    def traits(self) -> GameTraits: ...

    async def is_ready(self) -> bool:
        """Whether it answers as a ready server does. Used where no log line tells."""
        ...

    async def signs_of_life(self) -> Mapping[str, bool]:
        """Ask through every way there is whether it answers: "admin", "query". Empty: there is no way to ask.

        Bounded in time by itself, and never raises a `GameError`.
        """
        ...

    async def players(self) -> Players: ...

    async def tick_rate(self) -> float | None:
        """Simulation steps a second; `None` where the game does not tell."""
        ...

    async def warn(self, message: str) -> None:
        """Tell everybody who is on."""
        ...

    async def save(self) -> None:
        """Return once the world is on disk, as far as the game tells."""
        ...

    async def ask_to_stop(self) -> None: ...

    async def command(self, text: str) -> str:
        """Run an admin command and return what it answered, possibly nothing.

        Raises:
            CommandRejected: it was not sent; the reason says why.
        """
        ...

    async def close(self) -> None: ...


GameFactory = Callable[[ServerSpec], Game]
"""An adapter: makes the game of a server from its spec."""
