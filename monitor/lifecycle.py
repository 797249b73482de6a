"""Which state may follow which, and what may be asked for in each. Pure; the diagram is in `docs/supervision.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from monitor.errors import WrongState
from monitor.model import ExitReport, Run, Server, State


class Request(StrEnum):
    """What people ask of a server."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    COMMAND = "command"
    FORCE_STOP = "force_stop"
    """End it now, also where a polite stop is under way."""
    CANCEL = "cancel"
    """Call off what is announced, begun or planned."""
    REMOVE = "remove"
    """Look after it no more."""


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.STOPPED: frozenset({State.STARTING, State.BACKOFF, State.FAILED}),
    State.STARTING: frozenset({State.RUNNING, State.STOPPING, State.STOPPED, State.BACKOFF, State.FAILED}),
    State.RUNNING: frozenset({State.STOPPING, State.STOPPED, State.BACKOFF, State.FAILED, State.UNRESPONSIVE}),
    State.UNRESPONSIVE: frozenset({State.RUNNING, State.STOPPING, State.STOPPED, State.BACKOFF, State.FAILED}),
    State.STOPPING: frozenset({State.STOPPED, State.STARTING, State.RUNNING, State.BACKOFF, State.FAILED}),
    State.BACKOFF: frozenset({State.STARTING, State.STOPPED, State.FAILED}),
    State.FAILED: frozenset({State.STARTING, State.STOPPED}),
}
"""STOPPED leads to BACKOFF and FAILED when a server is found to have ended while the bot was away. STOPPING leads
to STARTING when what was asked for is a restart, back to STARTING or RUNNING when the stop is called off in time, and
to BACKOFF or FAILED when a server is ended because it hung."""

ACCEPTED: Mapping[Request, frozenset[State]] = {
    Request.START: frozenset({State.STOPPED, State.BACKOFF, State.FAILED}),
    Request.STOP: frozenset({State.STARTING, State.RUNNING, State.UNRESPONSIVE, State.BACKOFF}),
    Request.RESTART: frozenset({State.STARTING, State.RUNNING, State.UNRESPONSIVE}),
    Request.FORCE_STOP: frozenset({State.STARTING, State.RUNNING, State.UNRESPONSIVE, State.BACKOFF, State.STOPPING}),
    Request.CANCEL: frozenset(
        {State.STARTING, State.RUNNING, State.UNRESPONSIVE, State.STOPPING, State.BACKOFF, State.FAILED}
    ),
    Request.REMOVE: frozenset({State.STOPPED, State.BACKOFF, State.FAILED}),
    Request.COMMAND: frozenset({State.STARTING, State.RUNNING, State.UNRESPONSIVE, State.STOPPING}),
}

SETTLED = frozenset({State.STOPPED, State.RUNNING, State.BACKOFF, State.FAILED, State.UNRESPONSIVE})
"""States in which nothing that somebody asked for is still under way."""


class IllegalTransition(AssertionError):
    """A bug of ours: the supervisor tried a transition that does not exist."""


def require(server: Server, request: Request) -> None:
    """Refuse what makes no sense in the server's present state.

    Raises:
        WrongState: it is not accepted now.
    """
    if server.state not in ACCEPTED[request]:
        raise WrongState(server.id, server.state, request.value, name=server.spec.name)


def change_state(server: Server, to: State, at_ms: int) -> Server:
    """Give the server as it is after entering `to`; the only way its state ever changes."""
    if to not in TRANSITIONS[server.state]:
        raise IllegalTransition(f"{server.id}: {server.state} → {to}")
    return replace(server, state=to, since_ms=at_ms, next_start_ms=None)


def with_run(server: Server, run: Run) -> Server:
    """Give the server as it is with `run` as its live process."""
    return replace(
        server,
        process=run.process,
        run_id=run.id,
        started_ms=run.started_ms,
        latest=None,
        players=None,
        tick_rate=None,
        called_off_by=None,
    )


def without_run(server: Server, report: ExitReport | None, ended_ms: int | None) -> Server:
    """Give the server as it is once its process has ended."""
    return replace(
        server,
        process=None,
        run_id=None,
        started_ms=None,
        latest=None,
        players=None,
        tick_rate=None,
        last_exit=report,
        last_exit_ms=ended_ms,
    )
