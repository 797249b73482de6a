"""Which alerts an event sets off, in the transaction that writes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from monitor.alerting import ALERTS, Filter
from monitor.errors import UnknownServer
from monitor.events import (
    HostRebooted,
    RestartsExhausted,
    ServerHung,
    ServerReady,
    ServerRecovered,
    ServerStarted,
    Severity,
)
from monitor.model import Actor, ActorKind
from storage.database import Database
from storage.incidents import Incidents
from storage.journal import Journal
from storage.mutes import Mute, Mutes
from storage.outbox import Outbox, Standing
from storage.routes import Route, RouteKind, Routes, Secrets
from tests.storage.examples import ANNA, CRASHED, EXAMPLES, PROCESS

pytestmark = [pytest.mark.delivery, pytest.mark.usefixtures("two_servers")]

POLICY = Actor(ActorKind.POLICY, "restart", "restart")
READY = ServerReady(server_id="ark", at_ms=9_000, run_id=2, after_s=1.0)
STARTED = ServerStarted(server_id="ark", at_ms=8_000, run_id=2, process=PROCESS, by=POLICY)
REBOOTED = HostRebooted(at_ms=12_000, servers=("ark",))
RECOVERED = ServerRecovered(server_id="ark", at_ms=9_000, run_id=1, after_s=4.0)
HUNG = next(event for event in EXAMPLES if isinstance(event, ServerHung))
GAVE_UP = RestartsExhausted(server_id="ark", at_ms=7_000, failures=5, window_s=600.0)


@pytest.fixture
def journal(db: Database) -> Journal:
    return Journal(db)


@pytest.fixture
def routes(db: Database) -> Routes:
    return Routes(db)


async def waiting(db: Database) -> list[tuple[str, str]]:
    """Destination and kind of everything that waits, in order."""
    rows = await db.fetch_all(
        "SELECT o.destination, e.kind FROM outbox o JOIN events e ON e.id = event_id ORDER BY o.id"
    )
    return [(row[0], row[1]) for row in rows]


def route(**more: Any) -> Route:
    chosen = Filter(
        more.pop("server_id", None), frozenset(more.pop("kinds", ())), more.pop("severity", Severity.INFO)
    )
    return Route(1, RouteKind.CHANNEL, chosen, channel_id=55, **more)


async def added(routes: Routes, wanted: Iterable[Route]) -> list[int]:
    return [await routes.add(each) for each in wanted]


async def test_without_a_route_the_alert_channel_is_told(db: Database, journal: Journal) -> None:
    await journal.record(CRASHED)
    assert await waiting(db) == [(ALERTS, "server_crashed")]


async def test_each_route_that_takes_it_is_told_and_no_other(db: Database, journal: Journal, routes: Routes) -> None:
    await added(
        routes,
        [
            route(),
            route(server_id="rust"),
            route(kinds={"server_hung"}),
            route(severity=Severity.CRITICAL),
            route(server_id="ark", kinds={"server_crashed"}),
        ],
    )
    await journal.record(CRASHED)
    assert [place for place, _ in await waiting(db)] == ["route:1", "route:4", "route:5"]


async def test_what_no_route_takes_is_told_in_the_alert_channel(
    db: Database, journal: Journal, routes: Routes
) -> None:
    await added(routes, [route(server_id="rust"), route(severity=Severity.CRITICAL)])
    await journal.record(REBOOTED)
    assert await waiting(db) == [(ALERTS, "host_rebooted")]


async def test_a_route_that_was_removed_takes_nothing(db: Database, journal: Journal, routes: Routes) -> None:
    await added(routes, [route()])
    assert await routes.remove(1, 1, 0)
    await journal.record(CRASHED)
    assert await waiting(db) == [(ALERTS, "server_crashed")]


async def test_what_follows_is_told_where_the_beginning_was_and_its_end_ends_it(
    db: Database, journal: Journal, routes: Routes
) -> None:
    await added(routes, [route(severity=Severity.CRITICAL)])
    for event in (STARTED, CRASHED, STARTED, READY, READY):
        await journal.record(event)
    assert await waiting(db) == [
        ("route:1", "server_crashed"),
        ("route:1", "server_started"),
        ("route:1", "server_ready"),
    ]
    incident = await Incidents(db).find(1)
    assert incident is not None
    assert (incident.server_id, incident.opened_ms, incident.closed_ms) == ("ark", CRASHED.at_ms, READY.at_ms)
    assert [stored.event for stored in await Incidents(db).events(1)] == [CRASHED, STARTED, READY]


async def test_an_end_is_told_to_those_who_know_of_the_beginning(
    db: Database, journal: Journal, routes: Routes
) -> None:
    await added(routes, [route(severity=Severity.CRITICAL), route(kinds={"server_recovered"})])
    await journal.record(HUNG)
    await journal.record(RECOVERED)
    assert await waiting(db) == [
        ("route:1", "server_hung"),
        ("route:1", "server_recovered"),
        ("route:2", "server_recovered"),
    ]


async def test_another_server_s_events_are_no_part_of_it(db: Database, journal: Journal) -> None:
    await journal.record(CRASHED)
    await journal.record(replace(STARTED, server_id="rust"))
    await journal.record(replace(CRASHED, server_id="rust"))
    assert [kind for _, kind in await waiting(db)] == ["server_crashed", "server_crashed"]
    incidents = Incidents(db)
    assert [getattr(await incidents.find(number), "server_id", None) for number in (1, 2)] == ["ark", "rust"]


async def test_after_it_was_given_up_a_crash_begins_another(db: Database, journal: Journal) -> None:
    for event in (CRASHED, GAVE_UP, replace(CRASHED, at_ms=20_000)):
        await journal.record(event)
    first, second = await Incidents(db).find(1), await Incidents(db).find(2)
    assert first is not None
    assert second is not None
    assert (first.given_up, first.closed_ms) == (True, 20_000)
    assert (second.given_up, second.pressing) == (False, True)


MUTES = [(None, "", True), ("ark", "", True), ("rust", "", False), ("ark", "server_hung", False)]


@pytest.mark.parametrize(("server_id", "kind", "silent"), MUTES, ids=["all", "its_server", "another", "another_kind"])
async def test_a_mute_keeps_alerts_back_but_not_the_record(
    db: Database, journal: Journal, server_id: str | None, kind: str, *, silent: bool
) -> None:
    await Mutes(db).add(Mute(server_id, kind, CRASHED.at_ms + 1, ANNA))
    event_id = await journal.record(CRASHED)
    assert (await waiting(db) == []) is silent
    assert [stored.id for stored in await journal.events()] == [event_id]


async def test_a_mute_lapses_and_can_be_lifted(db: Database, journal: Journal) -> None:
    mutes = Mutes(db)
    await mutes.add(Mute("ark", "", CRASHED.at_ms, ANNA))
    await mutes.add(Mute(None, "", CRASHED.at_ms + 1, ANNA))
    assert [mute.server_id for mute in await mutes.all(0)] == ["ark", None]
    assert await mutes.all(CRASHED.at_ms) == (Mute(None, "", CRASHED.at_ms + 1, ANNA),)
    assert await mutes.lift("ark") == 0
    assert await mutes.lift(None) == 1
    await journal.record(CRASHED)
    assert len(await waiting(db)) == 1


async def test_a_mute_of_a_server_that_is_not_there_is_refused(db: Database) -> None:
    with pytest.raises(UnknownServer):
        await Mutes(db).add(Mute("nowhere", "", 1, ANNA))
    assert await Mutes(db).all(0) == ()


async def test_a_call_for_help_is_planned_with_the_alert(db: Database, journal: Journal, routes: Routes) -> None:
    await added(
        routes,
        [
            route(mention_role_id=9, mention_after_min=10),
            route(mention_role_id=9),
            route(mention_role_id=9, mention_after_min=10, kinds={"server_hung"}),
        ],
    )
    await journal.record(CRASHED)
    await journal.record(replace(CRASHED, at_ms=CRASHED.at_ms + 1))
    calls = [place for place, _ in await waiting(db) if place.startswith("escalation")]
    assert calls == ["escalation:1"]
    outbox = Outbox(db)
    due_ms = CRASHED.at_ms + 600_000
    assert await outbox.pending("escalation:1", due_ms - 1) == ()
    [call] = await outbox.pending("escalation:1", due_ms)
    assert call.calls
    assert await outbox.backlog() == 4


async def test_a_call_for_help_is_planned_once_a_mute_has_ended(
    db: Database, journal: Journal, routes: Routes
) -> None:
    await added(routes, [route(mention_role_id=9, mention_after_min=10)])
    await Mutes(db).add(Mute("ark", "", CRASHED.at_ms + 1, ANNA))
    for later_ms in (0, 60_000, 120_000):
        await journal.record(replace(CRASHED, at_ms=CRASHED.at_ms + later_ms))
    assert [place for place, _ in await waiting(db)] == ["route:1", "escalation:1", "route:1"]


async def test_a_call_for_help_is_planned_once_though_its_alert_went_elsewhere(
    db: Database, journal: Journal, routes: Routes
) -> None:
    await added(routes, [route(mention_role_id=9, mention_after_min=10)])
    await journal.record(CRASHED)
    [item] = await Outbox(db).pending("route:1", 0)
    await Outbox(db).moved(item, ALERTS, 0, "404")
    await journal.record(replace(CRASHED, at_ms=CRASHED.at_ms + 1))
    assert [place for place, _ in await waiting(db)].count("escalation:1") == 1


async def test_somebody_looks_after_it_once(db: Database, journal: Journal) -> None:
    event_id = await journal.record(CRASHED)
    incidents = Incidents(db)
    assert await incidents.of_event(event_id) == 1
    assert await incidents.acknowledge(1, ANNA, 6_000)
    assert not await incidents.acknowledge(1, POLICY, 7_000)
    assert not await incidents.acknowledge(99, ANNA, 7_000)
    found = await incidents.find(1)
    assert found is not None
    assert (found.acknowledged_by, found.acknowledged_ms, found.pressing) == (ANNA, 6_000, False)


async def test_the_first_that_was_told_leads(db: Database, journal: Journal) -> None:
    for event in (CRASHED, STARTED):
        await journal.record(event)
    outbox = Outbox(db)
    crash, start = await outbox.pending(ALERTS, 0)
    assert await outbox.told(ALERTS, [1]) == {}
    await outbox.delivered([crash, start], 1, Standing(77, 5))
    assert (await outbox.told(ALERTS, [1]))[1].id == crash.id
    assert [item.id for item in await outbox.heads(1)] == [crash.id]
    assert [item.id for item in await outbox.of_incident(ALERTS, 1)] == [crash.id, start.id]


async def test_what_opens_a_webhook_is_kept_apart_and_goes_with_its_route(db: Database, routes: Routes) -> None:
    opened = Route(
        1, RouteKind.JSON, Filter("ark", frozenset({"server_hung", "server_crashed"})), label="example.org"
    )
    number = await routes.add(opened, Secrets("https://example.org/x", "signing"))
    assert await routes.all() == (replace(opened, id=number),)
    assert await routes.secrets() == {number: Secrets("https://example.org/x", "signing")}
    assert not await routes.remove(2, number, 0)
    assert await routes.remove(1, number, 0)
    assert not await routes.remove(1, number, 0)
    assert (await routes.all(), await routes.secrets()) == ((), {})
    assert await db.fetch_all("SELECT 1 FROM routes WHERE label LIKE '%/x%'") == []


async def test_a_route_for_a_server_that_is_not_there_is_refused(routes: Routes) -> None:
    with pytest.raises(UnknownServer):
        await routes.add(route(server_id="nowhere"))
    assert await routes.all() == ()


async def test_what_became_of_what_was_sent_is_known(db: Database, journal: Journal, routes: Routes) -> None:
    await added(routes, [route()])
    hour_ms = 3_600_000
    for number in range(3):
        await journal.record(replace(CRASHED, at_ms=number * hour_ms))
    outbox = Outbox(db)
    one, two, three = await outbox.pending("route:1", 0)
    await outbox.delivered([one], 9_000, Standing(77, 5))
    await outbox.postponed(two.id, 1_000, "HTTP 503")
    await outbox.postponed(two.id, 2_000, "HTTP 502")
    record = (await routes.records())["route:1"]
    assert (record.delivered, record.waiting, record.attempts) == (1, 2, 2)
    assert (record.last_success_ms, record.last_error) == (9_000, "HTTP 502")
    assert three.attempts == 0


async def test_a_crash_that_was_told_to_nobody_is_followed_by_nothing(db: Database, journal: Journal) -> None:
    await Mutes(db).add(Mute("ark", "", 10**12, ANNA))
    for event in (CRASHED, STARTED, READY):
        await journal.record(event)
    assert await waiting(db) == []
