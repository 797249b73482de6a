"""The durable record keeps its port's promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import StorageError, StorageFault, UnknownServer
from monitor.events import EVENT_TYPES, Event
from monitor.model import ExitReport, ExitStatus, Intent, IntentAction, Run, Verdict
from monitor.ports import EventLog
from storage.codec import to_json
from storage.database import Database
from storage.events import StoredEvent, decode
from storage.journal import Journal
from tests.storage.examples import ANNA, ASKED, CRASH, CRASHED, EXAMPLES, PROCESS

pytestmark = pytest.mark.usefixtures("two_servers")


@pytest.fixture
def journal(db: Database) -> Journal:
    return Journal(db)


def ended(run: Run, verdict: Verdict, at_ms: int) -> Run:
    return replace(run, ended_ms=at_ms, report=ExitReport(verdict, ExitStatus()))


def test_it_is_an_event_log(journal: Journal) -> None:
    port: EventLog = journal
    assert port is journal


def test_there_is_an_example_of_every_kind() -> None:
    assert {type(event) for event in EXAMPLES} == set(EVENT_TYPES.values())


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.kind)
async def test_an_event_comes_back_as_it_happened(journal: Journal, event: Event) -> None:
    event_id = await journal.record(event)
    assert await journal.events() == (StoredEvent(event_id, event),)


@pytest.mark.parametrize("kind", EVENT_TYPES)
@given(data=st.data())
def test_any_event_of_a_kind_survives_json(kind: str, data: st.DataObject) -> None:
    strategy: st.SearchStrategy[Any] = st.from_type(EVENT_TYPES[kind])
    event = data.draw(strategy)
    # NaN differs even from itself, so the two are compared as they are written.
    assert repr(decode(kind, to_json(event), "here")) == repr(event)


def test_an_unknown_kind_is_unreadable() -> None:
    with pytest.raises(StorageError) as caught:
        decode("server_sneezed", "{}", "event 7")
    assert (caught.value.fault, caught.value.path) == (StorageFault.UNREADABLE, "event 7")


async def test_a_run_begins_without_a_process_and_is_open(journal: Journal) -> None:
    run = await journal.begin_run("ark", 1_000, "marker-1")
    assert run == Run(run.id, "ark", 1_000, "marker-1")
    assert await journal.open_runs() == (run,)


async def test_an_event_writes_its_run_as_it_now_stands(journal: Journal) -> None:
    run = replace(await journal.begin_run("ark", 1_000, "m"), process=PROCESS, ready_ms=2_000)
    await journal.record(EXAMPLES[1], run)
    assert await journal.open_runs() == (run,)


async def test_a_run_is_read_back_whole_after_its_end(journal: Journal, db: Database) -> None:
    run = replace(await journal.begin_run("ark", 1_000, "m"), process=PROCESS, ended_ms=5_000, report=CRASH)
    await journal.record(CRASHED, run)
    assert await journal.open_runs() == ()
    # What a bug left open is found with everything that was known of it.
    async with db.transaction() as tx:
        await tx.execute("UPDATE runs SET ended_ms = NULL")
    assert await journal.open_runs() == (replace(run, ended_ms=None),)


async def test_open_runs_come_in_the_order_of_their_beginnings(journal: Journal) -> None:
    first = await journal.begin_run("rust", 2_000, "a")
    second = await journal.begin_run("ark", 1_000, "b")
    assert await journal.open_runs() == (first, second)


async def test_what_somebody_asked_for_last_is_found(journal: Journal) -> None:
    run = await journal.begin_run("ark", 1, "m")
    other = await journal.begin_run("rust", 1, "n")
    stop = Intent("ark", run.id, IntentAction.STOP, ANNA, 10, "maintenance")
    restart = replace(stop, action=IntentAction.RESTART, at_ms=20, reason="")
    assert await journal.intent_of(run.id) is None
    await journal.write_intent(stop)
    assert await journal.intent_of(run.id) == stop
    await journal.write_intent(restart)
    assert await journal.intent_of(run.id) == restart
    assert await journal.intent_of(other.id) is None


async def test_failures_are_the_unwanted_ends_since_then_in_order(journal: Journal) -> None:
    ends = [
        ("ark", Verdict.CRASHED, 3_000),
        ("ark", Verdict.HUNG, 2_000),
        ("ark", Verdict.CRASHED, 1_999),
        ("ark", Verdict.STOPPED, 4_000),
        ("ark", Verdict.STOPPED_IN_GAME, 4_500),
        ("ark", Verdict.FAILED_TO_START, 5_000),
        ("rust", Verdict.CRASHED, 6_000),
    ]
    for index, (server_id, verdict, at_ms) in enumerate(ends):
        run = await journal.begin_run(server_id, 1, f"m{index}")
        await journal.record(EXAMPLES[0], ended(run, verdict, at_ms))
    await journal.begin_run("ark", 7_000, "open")
    assert await journal.failures_since("ark", 2_000) == (2_000, 3_000, 5_000)


@pytest.mark.parametrize("verdict", Verdict)
async def test_only_a_server_s_own_failing_counts(journal: Journal, verdict: Verdict) -> None:
    run = await journal.begin_run("ark", 1, "m")
    await journal.record(EXAMPLES[0], ended(run, verdict, 10))
    assert bool(await journal.failures_since("ark", 0)) is verdict.failure


async def test_a_server_that_is_not_there_is_refused_and_nothing_is_written(journal: Journal, db: Database) -> None:
    with pytest.raises(UnknownServer):
        await journal.begin_run("nowhere", 1, "m")
    with pytest.raises(UnknownServer):
        await journal.record(replace(CRASHED, server_id="nowhere"))
    assert await db.fetch_all("SELECT id FROM runs UNION ALL SELECT id FROM events") == []


async def test_event_alert_and_run_are_written_together_or_not_at_all(journal: Journal, db: Database) -> None:
    with pytest.raises(StorageError) as caught:
        await journal.record(CRASHED, Run(99, "ark", 1, "never begun", report=ASKED))
    assert caught.value.fault is StorageFault.FAILED
    assert await journal.events() == ()
    assert await db.fetch_all("SELECT id FROM outbox") == []


async def test_events_come_in_pages_from_the_newest(journal: Journal) -> None:
    ids = [await journal.record(replace(CRASHED, at_ms=at_ms)) for at_ms in range(5)]
    await journal.record(replace(CRASHED, server_id="rust"))
    first = await journal.events("ark", limit=2)
    assert [stored.id for stored in first] == [ids[4], ids[3]]
    rest = await journal.events("ark", limit=10, before_id=first[-1].id)
    assert [stored.id for stored in rest] == [ids[2], ids[1], ids[0]]
    assert [stored.event.server_id for stored in await journal.events(limit=2)] == ["rust", "ark"]
    assert await journal.events("nowhere") == ()


async def test_an_event_s_number_never_comes_again(journal: Journal, db: Database) -> None:
    first = await journal.record(EXAMPLES[0])
    async with db.transaction() as tx:
        await tx.execute("DELETE FROM events")
    assert await journal.record(EXAMPLES[0]) > first
