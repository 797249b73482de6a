"""One contract for `monitor.ports.EventLog`: the record on disk and the fake in memory both keep it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.events import Event, HostRebooted, Past, RestartCalledOff, ServerStarted
from monitor.limit_events import LimitEvent
from monitor.model import Actor, ActorKind, ExitReport, ExitStatus, Intent, IntentAction, Run, Verdict
from monitor.ports import EventLog
from monitor.spec import ServerSpec
from storage.database import Database
from storage.journal import Journal
from storage.servers import Servers
from tests.fakes.journal import FakeJournal
from tests.storage.examples import ANNA, CRASH, CRASHED, EXAMPLES, PROCESS


@pytest.fixture(params=["disk", "memory"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EventLog]:
    if request.param == "memory":
        yield FakeJournal()
        return
    async with await Database.open(tmp_path / "gamekeeper.db") as db:
        specs = [ServerSpec(name, name, "generic", ("run",), Path("/srv")) for name in ("ark", "rust")]
        await Servers(db).save(specs)
        yield Journal(db)


def ended(run: Run, verdict: Verdict, at_ms: int) -> Run:
    return replace(run, ended_ms=at_ms, report=ExitReport(verdict, ExitStatus()))


async def last_runs(log: EventLog) -> dict[str, Run | None]:
    return {server_id: past.run for server_id, past in (await log.past()).items()}


async def test_a_run_begins_without_a_process(log: EventLog) -> None:
    run = await log.begin_run("ark", 1_000, "marker-1")
    assert run == Run(run.id, "ark", 1_000, "marker-1")
    assert await last_runs(log) == {"ark": run}


async def test_an_event_writes_its_run_as_it_now_stands(log: EventLog) -> None:
    begun = await log.begin_run("ark", 1_000, "m")
    live = replace(begun, process=PROCESS)
    ready = replace(live, ready_ms=2_000)
    over = replace(ready, ended_ms=5_000, report=CRASH)
    for event, run in ((EXAMPLES[0], live), (EXAMPLES[1], ready), (CRASHED, over)):
        await log.record(event, run)
        assert await last_runs(log) == {"ark": run}


async def test_an_event_alone_leaves_the_runs_as_they_are(log: EventLog) -> None:
    run = await log.begin_run("ark", 1_000, "m")
    await log.record(EXAMPLES[-1])
    assert await last_runs(log) == {"ark": run}


async def test_events_are_numbered_upwards(log: EventLog) -> None:
    assert await log.record(EXAMPLES[0]) < await log.record(EXAMPLES[1])


async def test_the_last_run_of_each_server_is_found(log: EventLog) -> None:
    first = await log.begin_run("ark", 1_000, "a")
    rust = await log.begin_run("rust", 1_000, "b")
    await log.record(CRASHED, ended(first, Verdict.CRASHED, 2_000))
    second = await log.begin_run("ark", 3_000, "c")
    assert await last_runs(log) == {"ark": second, "rust": rust}


async def test_the_end_of_one_run_and_the_beginning_of_the_next_are_written_at_once(log: EventLog) -> None:
    over = ended(await log.begin_run("ark", 1_000, "a"), Verdict.CRASHED, 2_000)
    event_id, begun = await log.record_and_begin(CRASHED, over, 2_001, "b")
    assert begun == Run(begun.id, "ark", 2_001, "b")
    assert begun.id != over.id
    assert (await log.past())["ark"] == Past(begun, CRASHED)
    assert list(await log.failures_since("ark", 0)) == [2_000]
    await log.abandon_run(begun.id)
    assert await last_runs(log) == {"ark": over}
    assert event_id < await log.record(EXAMPLES[0])


async def test_an_abandoned_run_leaves_no_trace(log: EventLog) -> None:
    kept = ended(await log.begin_run("ark", 1_000, "a"), Verdict.STOPPED, 2_000)
    await log.record(EXAMPLES[3], kept)
    abandoned = await log.begin_run("ark", 3_000, "b")
    await log.abandon_run(abandoned.id)
    assert await last_runs(log) == {"ark": kept}
    await log.abandon_run(abandoned.id)
    assert await last_runs(log) == {"ark": kept}


async def test_a_run_that_somebody_ended_may_be_abandoned(log: EventLog) -> None:
    run = await log.begin_run("ark", 1_000, "a")
    await log.write_intent(Intent("ark", run.id, IntentAction.STOP, ANNA, 1_500))
    await log.abandon_run(run.id)
    assert await last_runs(log) == {}


async def test_what_somebody_asked_for_last_is_found(log: EventLog) -> None:
    run = await log.begin_run("ark", 1, "m")
    other = await log.begin_run("rust", 1, "n")
    stop = Intent("ark", run.id, IntentAction.STOP, ANNA, 10, "maintenance")
    restart = replace(stop, action=IntentAction.RESTART, at_ms=20, reason="")
    assert await log.intent_of(run.id) is None
    await log.write_intent(stop)
    assert await log.intent_of(run.id) == stop
    await log.write_intent(restart)
    assert await log.intent_of(run.id) == restart
    assert await log.intent_of(other.id) is None


async def test_failures_are_those_of_that_server_since_then_in_order(log: EventLog) -> None:
    ends = [("ark", 1_999), ("ark", 3_000), ("rust", 2_500), ("ark", 2_000)]
    for index, (server_id, at_ms) in enumerate(ends):
        run = await log.begin_run(server_id, 1, f"m{index}")
        await log.record(EXAMPLES[0], ended(run, Verdict.CRASHED, at_ms))
    await log.begin_run("ark", 7_000, "open")
    assert list(await log.failures_since("ark", 2_000)) == [2_000, 3_000]


@pytest.mark.parametrize("verdict", Verdict)
async def test_only_a_server_s_own_failing_counts(log: EventLog, verdict: Verdict) -> None:
    run = await log.begin_run("ark", 1, "m")
    await log.record(EXAMPLES[0], ended(run, verdict, 10))
    assert bool(await log.failures_since("ark", 0)) is verdict.failure


# What an earlier bot wrote down

BERT = Actor(ActorKind.COMMAND_LINE, "root", "root")
POLICY = Actor(ActorKind.POLICY, "restart", "restart policy")
SCHEDULE = Actor(ActorKind.SCHEDULE, "nightly", "nightly")


def started(at_ms: int, by: Actor, server_id: str = "ark") -> ServerStarted:
    return ServerStarted(server_id=server_id, at_ms=at_ms, run_id=1, process=PROCESS, by=by)


def called_off(at_ms: int, by: Actor) -> RestartCalledOff:
    return RestartCalledOff(server_id="ark", at_ms=at_ms, by=by)


async def test_of_a_server_that_never_ran_nothing_is_known(log: EventLog) -> None:
    assert await log.past() == {}


LIFE = [event for event in EXAMPLES if event.server_id and not isinstance(event, LimitEvent)]
LIMITS = [event for event in EXAMPLES if isinstance(event, LimitEvent)]


@pytest.mark.parametrize("event", LIFE, ids=lambda event: event.kind)
async def test_the_latest_event_of_each_server_is_known_whole(log: EventLog, event: Event) -> None:
    for each in (EXAMPLES[0], started(1, POLICY, "rust"), event):
        await log.record(each)
    past = await log.past()
    assert {server_id: (each.run, each.event) for server_id, each in past.items()} == {
        "ark": (None, event),
        "rust": (None, started(1, POLICY, "rust")),
    }


@pytest.mark.parametrize("event", LIMITS, ids=lambda event: event.kind)
async def test_what_is_about_a_limit_is_no_part_of_a_server_s_life(log: EventLog, event: Event) -> None:
    for each in (EXAMPLES[0], event):
        await log.record(each)
    assert {server_id: past.event for server_id, past in (await log.past()).items()} == {"ark": EXAMPLES[0]}


async def test_what_befell_the_machine_is_no_server_s_past(log: EventLog) -> None:
    reboot = HostRebooted(at_ms=9_000, servers=("ark",))
    for each in (EXAMPLES[0], reboot):
        await log.record(each)
    assert {server_id: past.event for server_id, past in (await log.past()).items()} == {"ark": EXAMPLES[0]}


async def test_the_latest_event_is_the_one_written_last_whatever_the_clock_said(log: EventLog) -> None:
    for at_ms in (5_000, 9_000, 1_000):
        await log.record(started(at_ms, POLICY))
    assert (await log.past())["ark"].event == started(1_000, POLICY)


@pytest.mark.parametrize(
    ("events", "forgiven_ms"),
    [
        ([started(5, ANNA)], 5),
        ([started(5, BERT)], 5),
        ([called_off(5, ANNA)], 5),
        ([started(5, POLICY), started(6, SCHEDULE)], 0),
        ([called_off(5, SCHEDULE)], 0),
        ([started(5, ANNA), CRASHED, started(9, POLICY)], 5),
        ([started(5, ANNA), called_off(7, BERT), started(9, SCHEDULE)], 7),
        ([started(5, ANNA, "rust"), CRASHED], 0),
    ],
    ids=[
        "start",
        "command_line",
        "called_off",
        "nobody",
        "called_off_by_nobody",
        "before_a_crash",
        "the_last_of_several",
        "of_another_server",
    ],
)
async def test_when_a_person_last_forgave_is_known(log: EventLog, events: list[Event], forgiven_ms: int) -> None:
    for event in events:
        await log.record(event)
    assert (await log.past())["ark"].forgiven_ms == forgiven_ms


async def test_a_run_and_its_latest_event_are_given_together(log: EventLog) -> None:
    run = replace(await log.begin_run("ark", 1_000, "m"), process=PROCESS)
    await log.record(started(1_000, ANNA), run)
    assert (await log.past())["ark"] == Past(run, started(1_000, ANNA), 1_000)


async def test_that_a_stop_was_called_off_is_the_last_that_was_asked_for(log: EventLog) -> None:
    run = await log.begin_run("ark", 1, "m")
    await log.write_intent(Intent("ark", run.id, IntentAction.STOP, ANNA, 10))
    off = Intent("ark", run.id, IntentAction.CALL_OFF, BERT, 20)
    await log.write_intent(off)
    assert await log.intent_of(run.id) == off
