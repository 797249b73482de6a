"""The one current value of a server, and who waits for it to settle."""

from __future__ import annotations

import pytest

from monitor.lifecycle import SETTLED, IllegalTransition
from monitor.model import ExitReport, ExitStatus, Players, ProcessId, Run, Sample, Server, State, Verdict
from monitor.pulse import Vitals
from monitor.standing import Standing
from tests.fakes.clock import EPOCH_MS, FakeClock
from tests.fakes.house import spec_of

PATHS = {
    State.STOPPED: [],
    State.STARTING: [State.STARTING],
    State.RUNNING: [State.STARTING, State.RUNNING],
    State.STOPPING: [State.STARTING, State.STOPPING],
    State.BACKOFF: [State.BACKOFF],
    State.FAILED: [State.FAILED],
    State.UNRESPONSIVE: [State.STARTING, State.RUNNING, State.UNRESPONSIVE],
}


@pytest.fixture
def standing(clock: FakeClock) -> Standing:
    return Standing(spec_of(), clock.now_ms)


def test_it_begins_stopped_now(standing: Standing) -> None:
    assert standing.server == Server(spec_of(), State.STOPPED, since_ms=EPOCH_MS)


async def test_a_change_tells_since_when(standing: Standing, clock: FakeClock) -> None:
    await clock.advance(3)
    standing.change(State.STARTING)
    assert (standing.state, standing.server.since_ms) == (State.STARTING, EPOCH_MS + 3_000)


async def test_the_same_state_again_is_no_change(standing: Standing, clock: FakeClock) -> None:
    await clock.advance(3)
    standing.change(State.STOPPED)
    assert standing.server.since_ms == EPOCH_MS


def test_a_change_that_does_not_exist_is_refused(standing: Standing) -> None:
    with pytest.raises(IllegalTransition):
        standing.change(State.RUNNING)
    assert standing.state is State.STOPPED


def test_the_next_start_is_forgotten_with_the_pause(standing: Standing) -> None:
    standing.change(State.BACKOFF, next_start_ms=99)
    assert standing.server.next_start_ms == 99
    standing.change(State.STARTING)
    assert standing.server.next_start_ms is None


@pytest.mark.parametrize("state", PATHS, ids=lambda state: state.value)
async def test_whoever_waits_is_let_go_once_it_settles(standing: Standing, state: State) -> None:
    for step in PATHS[state]:
        standing.change(step)
    settling = standing.settling()
    assert settling.done() is (state in SETTLED)
    assert not settling.done() or settling.result() is standing.server


async def test_the_waiting_see_the_pause_with_its_end(standing: Standing) -> None:
    standing.change(State.STARTING)
    settling = standing.settling()
    standing.change(State.BACKOFF, next_start_ms=99)
    assert settling.result().next_start_ms == 99


async def test_two_wait_for_the_same_end(standing: Standing) -> None:
    standing.change(State.STARTING)
    first, second = standing.settling(), standing.settling()
    standing.change(State.STOPPING)
    assert not first.done()
    standing.change(State.STOPPED)
    assert first.result() == second.result() == standing.server


async def test_settling_by_hand_lets_go_once(standing: Standing) -> None:
    standing.change(State.STARTING)
    first = standing.settling()
    standing.settle()
    standing.settle()
    assert first.result().state is State.STARTING
    assert not standing.settling().done()


async def test_one_who_gave_up_waiting_is_passed_over(standing: Standing) -> None:
    standing.change(State.STARTING)
    standing.settling().cancel()
    standing.change(State.STOPPED)
    assert standing.settling().result().state is State.STOPPED


async def test_closing_lets_the_waiting_go(standing: Standing) -> None:
    standing.close()
    standing.change(State.STARTING)
    settling = standing.settling()
    standing.close()
    assert settling.cancelled()


def test_facts_and_runs_are_taken_in(standing: Standing) -> None:
    report = ExitReport(Verdict.CRASHED, ExitStatus(code=3))
    standing.live(Run(7, "ark", 1_000, "m", ProcessId(42, 1)))
    standing.note(restarts_used=1)
    standing.felt(Vitals(Players(2), 20.0))
    standing.measured(Sample("ark", 1, cpu_pct=5.0))
    assert (standing.server.run_id, standing.server.players) == (7, Players(2))
    assert standing.server.latest == standing.latest == Sample("ark", 1, cpu_pct=5.0)
    assert standing.vitals == Vitals(Players(2), 20.0)
    standing.ended(report, 5_000)
    assert standing.server.latest is None
    assert standing.vitals.players is None
    assert (standing.server.run_id, standing.server.players, standing.server.last_exit) == (None, None, report)
    assert standing.server.restarts_used == 1


async def test_whoever_waited_sees_what_was_measured_last(standing: Standing) -> None:
    standing.change(State.STARTING)
    settling = standing.settling()
    standing.measured(Sample("ark", 1, cpu_pct=5.0))
    standing.change(State.RUNNING)
    assert settling.result().latest == Sample("ark", 1, cpu_pct=5.0)
