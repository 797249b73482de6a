"""How a server stands, and whoever waits for it to settle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from monitor import lifecycle
from monitor.model import ExitReport, ProcessId, Run, Sample, Server, State
from monitor.pulse import Vitals
from monitor.spec import ServerSpec

Settling = asyncio.Future[Server]
"""Gives the server once nothing that somebody asked for is under way any more."""

_UNKNOWN = Vitals()


class Standing:
    """Holds the one current `Server` value of a supervisor."""

    def __init__(self, spec: ServerSpec, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._server = Server(spec, since_ms=now_ms())
        self._latest: Sample | None = None
        self._vitals = _UNKNOWN
        self._settling: Settling | None = None
        self._stopping: Settling | None = None

    @property
    def server(self) -> Server:
        if self._server.latest is not self._latest:
            self._server = replace(self._server, latest=self._latest)
        return self._server

    @property
    def process(self) -> ProcessId | None:
        return self._server.process

    @property
    def latest(self) -> Sample | None:
        return self._latest

    @property
    def vitals(self) -> Vitals:
        """What the game last said of itself."""
        return self._vitals

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
        elif self._server.called_off_by is not None:
            self._spare()

    def note(self, **facts: Any) -> None:
        """Take in what was found out about it."""
        self._server = replace(self._server, **facts)

    def measured(self, sample: Sample) -> None:
        """Take in a sample; the value is made when it is asked for, which is less often."""
        self._latest = sample

    def felt(self, vitals: Vitals) -> None:
        """Take in what the game says of itself."""
        self._vitals = vitals
        self.note(players=vitals.players, tick_rate=vitals.tick_rate)

    def live(self, run: Run) -> None:
        self._forget_figures()
        self._server = lifecycle.with_run(self._server, run)

    def ended(self, report: ExitReport | None, ended_ms: int | None) -> None:
        self._forget_figures()
        self._server = lifecycle.without_run(self._server, report, ended_ms)

    def _forget_figures(self) -> None:
        self._latest, self._vitals = None, _UNKNOWN

    def settling(self) -> Settling:
        """Give what to wait for: the server as it is at the end of what is under way now."""
        settling = self._settling = self._settling or asyncio.get_running_loop().create_future()
        if self.state in lifecycle.SETTLED:
            self.settle()
        return settling

    def stopping(self) -> Settling:
        """Give what whoever wants it to end waits for: the server as it is then, or when the stop is called off."""
        stopping = self._stopping = self._stopping or asyncio.get_running_loop().create_future()
        if self.state in lifecycle.SETTLED:
            self.settle()
        return stopping

    def settle(self) -> None:
        """Let everybody go who waits."""
        settling, self._settling = self._settling, None
        self._tell(settling)
        self._spare()

    def _spare(self) -> None:
        """Let those go who wait for a stop."""
        stopping, self._stopping = self._stopping, None
        self._tell(stopping)

    def _tell(self, waiting: Settling | None) -> None:
        if waiting is not None and not waiting.done():
            waiting.set_result(self.server)

    def close(self) -> None:
        for waiting in (self._settling, self._stopping):
            if waiting is not None:
                waiting.cancel()
