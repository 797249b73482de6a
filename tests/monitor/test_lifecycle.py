"""Every transition and every request, in every state."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from monitor.errors import WrongState
from monitor.lifecycle import IllegalTransition, Request, change_state, require, with_run, without_run
from monitor.model import ExitReport, ExitStatus, Players, ProcessId, Run, Sample, Server, State, Verdict
from monitor.spec import ServerSpec

SPEC = ServerSpec(id="ark", name="Ark", game="generic", argv=("run",), cwd=Path())

# Written out by hand, in the order of the columns: the state it comes from, and all that may follow it.
FOLLOWS = {
    "stopped": "starting backoff failed",
    "starting": "running stopping stopped backoff failed",
    "running": "stopping stopped backoff failed unresponsive",
    "unresponsive": "running stopping stopped backoff failed",
    "stopping": "stopped starting running backoff failed",
    "backoff": "starting stopped failed",
    "failed": "starting stopped",
}

TAKES = {
    "start": "stopped backoff failed",
    "stop": "starting running unresponsive backoff",
    "restart": "starting running unresponsive",
    "remove": "stopped backoff failed",
    "command": "starting running unresponsive stopping",
    "force_stop": "starting running unresponsive backoff stopping",
    "cancel": "starting running unresponsive stopping backoff failed",
}


@pytest.mark.parametrize(("before", "after"), list(product(State, State)), ids=lambda state: state.value)
def test_transition(before: State, after: State) -> None:
    server = Server(SPEC, before, since_ms=1, next_start_ms=9)
    if after.value in FOLLOWS[before.value].split():
        assert change_state(server, after, 5) == replace(server, state=after, since_ms=5, next_start_ms=None)
    else:
        with pytest.raises(IllegalTransition, match=f"ark: {before.value} → {after.value}"):
            change_state(server, after, 5)


@pytest.mark.parametrize(("request_", "state"), list(product(Request, State)), ids=lambda value: value.value)
def test_request(request_: Request, state: State) -> None:
    server = Server(SPEC, state)
    if state.value in TAKES[request_.value].split():
        require(server, request_)
        return
    with pytest.raises(WrongState) as caught:
        require(server, request_)
    assert (caught.value.server_id, caught.value.state, caught.value.wanted) == ("ark", state, request_.value)


def test_every_state_can_be_left() -> None:
    assert all(FOLLOWS[state.value] for state in State)


def test_a_new_process_brings_no_numbers_of_the_last_one() -> None:
    run = Run(7, "ark", 1_000, "m", ProcessId(42, 1))
    worn = Server(SPEC, latest=Sample("ark", 1), players=Players(3), tick_rate=20.0)
    server = with_run(worn, run)
    assert (server.process, server.run_id, server.started_ms) == (ProcessId(42, 1), 7, 1_000)
    assert (server.latest, server.players, server.tick_rate) == (None, None, None)


def test_after_its_end_only_the_report_is_left() -> None:
    report = ExitReport(Verdict.CRASHED, ExitStatus(code=3))
    live = with_run(Server(SPEC, players=Players(3)), Run(7, "ark", 1_000, "m", ProcessId(42, 1)))
    server = without_run(live, report, 5_000)
    assert server == Server(SPEC, last_exit=report, last_exit_ms=5_000)
