"""How a server stands, and whoever waits for it to settle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from monitor import lifecycle
from monitor.model import ExitReport, Run, Server, State
from monitor.spec import ServerSpec

Settling = asyncio.Future[Server]
"""Gives the server once nothing that somebody asked for is under way any more."""


class Standing:
    """Holds the one current `Server` value of a supervisor."""

    def __init__(self, spec: ServerSpec, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._server = Server(spec, since_ms=now_ms())
        self._settling: Settling | None = None

    @property
    def server(self) -> Server:
        return self._server

    @property
    def state(self) -> State:
        return self._server.state

    def change(self, to: State, *, next_start_ms: int | None = None) -> None:
        """Enter a state, unless it is in it already."""
        if to is self.state:
            return
        changed = lifecycle.change_state(self._server, to, self._now_ms())
        self._server = replace(changed, next_start_ms=next_start_ms)
        if to in lifecycle.SETTLED:
            self.settle()

    def note(self, **facts: Any) -> None:
        """Take in what was found out about it."""
        self._server = replace(self._server, **facts)

    def live(self, run: Run) -> None:
        self._server = lifecycle.with_run(self._server, run)

    def ended(self, report: ExitReport | None, ended_ms: int | None) -> None:
        self._server = lifecycle.without_run(self._server, report, ended_ms)

    def settling(self) -> Settling:
        """Give what to wait for: the server as it is at the end of what is under way now."""
        if self._settling is None:
            self._settling = asyncio.get_running_loop().create_future()
        settling = self._settling
        if self.state in lifecycle.SETTLED:
            self.settle()
        return settling

    def settle(self) -> None:
        """Let everybody go who waits."""
        settling, self._settling = self._settling, None
        if settling is not None and not settling.done():
            settling.set_result(self._server)

    def close(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
