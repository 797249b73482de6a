"""The adapter for any game: a process, and Source RCON where the spec names an admin endpoint."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from monitor.errors import AccessRefused, GameFault, GameUnavailable, NotSupported
from monitor.game import GameTraits
from monitor.games.rcon_connection import RconConnection
from monitor.model import Players
from monitor.spec import ReadyPolicy, ServerSpec, StopPolicy

POLITE_SIGNAL = "SIGINT" if sys.platform == "win32" else "SIGTERM"
"""The signal that most programs take for "save and end".

On POSIX an interrupt is ignored by many that have no terminal. On Windows it is Ctrl+C, and each server has a console
there; at Ctrl+Break a Java writes down what its threads do, and goes on.
"""

_TRAITS = GameTraits(
    ready=ReadyPolicy(timeout_s=120.0),
    stop=StopPolicy(signal=POLITE_SIGNAL, save_s=30.0, polite_s=30.0, terminate_s=10.0),
)


class GenericGame:
    """What can be done for a game about which nothing is known. Implements `monitor.ports.Game`."""

    def __init__(self, spec: ServerSpec) -> None:
        self._spec = spec
        self._rcon = RconConnection(spec.admin) if spec.admin is not None else None

    @property
    def traits(self) -> GameTraits:
        return _TRAITS

    async def is_ready(self) -> bool:
        """Whether it takes the admin password; without an endpoint, that it runs is all there is to know."""
        if self._rcon is not None:
            await self._rcon.connect()
        return True

    async def signs_of_life(self) -> Mapping[str, bool]:
        """Log in to the admin port anew.

        The query port is not asked: its protocol is not known here, and the system itself takes connections for a
        program that is frozen.
        """
        return {} if self._rcon is None else {"admin": await _answers(self._rcon)}

    async def players(self) -> Players:
        raise NotSupported("players")

    async def tick_rate(self) -> float | None:
        return None

    async def warn(self, message: str) -> None:  # noqa: ARG002  # the port's signature
        raise NotSupported("warn")

    async def save(self) -> None:
        """Send the save command of the spec, where it has one; its answer is taken for the proof."""
        command = self._spec.stop.save or self.traits.stop.save
        if command is None:
            raise NotSupported("save")
        limit_s = self._spec.stop.save_s or self.traits.stop.save_s
        await self._admin("save").command(command, timeout_s=limit_s)

    async def ask_to_stop(self) -> None:
        """Send the stop command. A game that hangs up instead of answering is ending, as it was asked to."""
        command = self._spec.stop.command or self.traits.stop.command
        if command is None:
            raise NotSupported("stop")
        admin = self._admin("stop")
        # First, so that a connection closed from here on was closed by the command.
        await admin.connect()
        try:
            await admin.command(command)
        except GameUnavailable as err:
            if err.fault is not GameFault.CLOSED:
                raise

    async def command(self, text: str) -> str:
        return await self._admin("command").command(text)

    async def close(self) -> None:
        if self._rcon is not None:
            await self._rcon.close()

    def _admin(self, action: str) -> RconConnection:
        if self._rcon is None:
            raise NotSupported(action)
        return self._rcon


async def _answers(admin: RconConnection) -> bool:
    """Whether anything at all comes back: a refusal is an answer, and so is one that makes no sense."""
    try:
        await admin.reconnect()
    except AccessRefused:
        return True
    except GameUnavailable as unavailable:
        return unavailable.fault is GameFault.PROTOCOL
    return True
