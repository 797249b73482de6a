"""Events are found again by server, kind and whoever asked for them, a page at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.events import Event, HostRebooted, RestartCalledOff, ServerStarted, ServerStopped
from monitor.model import Actor, ActorKind
from storage import events
from storage.codec import to_json
from storage.database import Database
from storage.journal import Journal
from storage.migrations import load
from tests.storage.examples import ANNA, ASKED, CRASHED, EXAMPLES, PROCESS

NIGHTLY = Actor(ActorKind.SCHEDULE, "nightly", "nightly")


@pytest.fixture
async def journal(db: Database, two_servers: tuple[str, str]) -> Journal:
    journal = Journal(db)
    for event in EXAMPLES:
        await journal.record(event)
    await journal.record(ServerStarted(server_id="rust", at_ms=20_000, run_id=2, process=PROCESS, by=NIGHTLY))
    await journal.record(ServerStopped(server_id="rust", at_ms=21_000, run_id=2, report=ASKED, uptime_s=1.0))
    return journal


ALL: tuple[int, ...] = tuple(sorted((*(event.at_ms for event in EXAMPLES), 20_000, 21_000), reverse=True))


@pytest.mark.parametrize(
    ("wanted", "at_ms"),
    [
        pytest.param({}, ALL, id="all"),
        pytest.param({"server_id": "rust"}, (21_000, 20_000), id="a server"),
        pytest.param({"server_id": "nowhere"}, (), id="no such server"),
        pytest.param({"kind": "server_started"}, (20_000, 1_000), id="a kind"),
        pytest.param({"kind": HostRebooted.kind}, (12_000,), id="of no server"),
        pytest.param({"actor_id": "nightly"}, (20_000,), id="an actor"),
        pytest.param({"actor_id": ANNA.id}, (21_000, 11_000, 6_000, 4_000, 1_000), id="also as the report has it"),
        pytest.param({"actor_id": ANNA.id, "server_id": "ark", "kind": "server_stopped"}, (4_000,), id="all three"),
        pytest.param({"kind": "server_started", "actor_id": "nobody"}, (), id="nobody"),
        pytest.param({"limit": 3}, ALL[:3], id="the newest"),
    ],
)
async def test_a_page_holds_what_is_wanted(journal: Journal, wanted: dict[str, str], at_ms: tuple[int, ...]) -> None:
    found = await journal.events(**wanted)  # type: ignore[arg-type]
    assert tuple(stored.event.at_ms for stored in found) == at_ms


async def test_pages_join_without_a_gap(journal: Journal) -> None:
    read: list[int] = []
    before_id = None
    while page := await journal.events(actor_id=ANNA.id, limit=2, before_id=before_id):
        read += [stored.event.at_ms for stored in page]
        before_id = page[-1].id
    assert read == [21_000, 11_000, 6_000, 4_000, 1_000]


@pytest.mark.parametrize(
    ("event", "by"),
    [
        (RestartCalledOff(server_id="ark", at_ms=1, by=ANNA), ANNA),
        (ServerStopped(server_id="ark", at_ms=1, run_id=1, report=ASKED, uptime_s=1.0), ANNA),
        (CRASHED, None),
        (HostRebooted(at_ms=1, servers=(), last_seen_ms=0), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_who_asked_for_it(event: Event, by: Actor | None) -> None:
    assert events.asked_by(event) == by


async def test_an_older_database_learns_who_asked(path: Path) -> None:
    known = [event for event in EXAMPLES if event.server_id == "ark"]
    async with await Database.open(path, load()[:3]) as db, db.transaction() as tx:
        await tx.execute("INSERT INTO servers (no, id, spec) VALUES (1, 'ark', '{}')")
        rows = [(1, event.kind, event.at_ms, to_json(event)) for event in known]
        await tx.execute_many("INSERT INTO events (server_no, kind, at_ms, body) VALUES (?, ?, ?, ?)", rows)
    async with await Database.open(path) as db:
        found = await events.page(db, actor_id=ANNA.id, limit=50)
        assert [stored.event for stored in reversed(found)] == [e for e in known if events.asked_by(e) == ANNA]
        assert len(await events.page(db, limit=50)) == len(known)


async def test_a_page_is_found_by_an_index(journal: Journal, db: Database) -> None:
    for condition, index in {
        "server_no = ?": "events_by_server",
        "kind = ?": "events_by_kind",
        "actor_id = ?": "events_by_actor",
    }.items():
        plan = await db.fetch_all("EXPLAIN QUERY PLAN " + events._page([condition]), (1, 20))
        assert index in plan[0][3]
