"""What the record on disk promises beyond its port (`test_event_log_contract.py` holds it to that)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.errors import StorageError, StorageFault, UnknownServer
from monitor.events import EVENT_TYPES, Event, RestartsExhausted
from monitor.model import Run, Sample
from storage.codec import to_json
from storage.database import Database
from storage.events import StoredEvent, decode
from storage.journal import Journal
from storage.runs import LAST_SEEN_MS
from storage.samples import SampleBuffer
from tests.fakes.clock import FakeClock
from tests.storage.examples import ASKED, CRASHED, EXAMPLES

pytestmark = pytest.mark.usefixtures("two_servers")


@pytest.fixture
def journal(db: Database) -> Journal:
    return Journal(db)


def test_there_is_an_example_of_every_kind() -> None:
    assert {type(event) for event in EXAMPLES} == set(EVENT_TYPES.values())


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.kind)
async def test_an_event_comes_back_as_it_happened(journal: Journal, event: Event) -> None:
    event_id = await journal.record(event)
    assert await journal.events() == (StoredEvent(event_id, event),)


@pytest.mark.parametrize("kind", EVENT_TYPES)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_event_of_a_kind_survives_json(kind: str, data: st.DataObject) -> None:
    strategy: st.SearchStrategy[Any] = st.from_type(EVENT_TYPES[kind])
    event = data.draw(strategy)
    # NaN differs even from itself, so the two are compared as they are written.
    assert repr(decode(kind, to_json(event), "here")) == repr(event)


def test_what_was_written_before_an_event_said_more_is_read() -> None:
    body = '{"server_id":"ark","at_ms":7000,"failures":5,"window_s":600.0}'
    assert decode(RestartsExhausted.kind, body, "here") == RestartsExhausted(
        server_id="ark", at_ms=7_000, failures=5, window_s=600.0, report=None, last=None
    )


def test_an_unknown_kind_is_unreadable() -> None:
    with pytest.raises(StorageError) as caught:
        decode("server_sneezed", "{}", "event 7")
    assert (caught.value.fault, caught.value.path) == (StorageFault.UNREADABLE, "event 7")


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
    with pytest.raises(StorageError):
        await journal.record_and_begin(CRASHED, Run(99, "ark", 1, "never begun", report=ASKED), 2, "next")
    assert await db.fetch_all("SELECT id FROM runs") == []
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


async def test_the_past_tells_when_anything_was_last_measured(db: Database, journal: Journal) -> None:
    await journal.record(CRASHED)
    assert (await journal.past())["ark"].seen_ms is None
    buffer = SampleBuffer(db, FakeClock())
    buffer.add([Sample("rust", 1_700_000_005), Sample("rust", 1_700_000_010)])
    await buffer.flush()
    assert (await journal.past())["ark"].seen_ms == 1_700_000_010_000


async def test_when_anything_was_last_measured_is_found_without_reading_every_row(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute(
            "INSERT INTO samples (key) WITH RECURSIVE"
            " row (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row LIMIT 10000) SELECT (n << 10) + 1 FROM row"
        )
    called: list[None] = []
    await db._held.connection.set_progress_handler(lambda: called.append(None), 1000)
    assert await db.fetch_one(LAST_SEEN_MS) == (10_000_000,)
    assert called == []
