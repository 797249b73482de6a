"""Alerts wait in order, each until it is delivered, moved or buried."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.alerting import ALERTS
from storage.database import Database
from storage.journal import Journal
from storage.outbox import Outbox, OutboxItem, Standing, put
from tests.storage.examples import CRASHED, EXAMPLES

pytestmark = [pytest.mark.delivery, pytest.mark.usefixtures("two_servers")]

OUT = Standing(2**62, 7)


@pytest.fixture
def outbox(db: Database) -> Outbox:
    return Outbox(db)


async def crash(db: Database, *destinations: str, at_ms: int = 5_000) -> int:
    """Record a crash long after any other, and send it to further destinations as well."""
    event_id = await Journal(db).record(replace(CRASHED, at_ms=at_ms))
    async with db.transaction() as tx:
        for destination in destinations:
            await put(tx, event_id, destination, CRASHED.at_ms)
    return event_id


async def crashes(db: Database, number: int, *destinations: str) -> list[int]:
    hour_ms = 3_600_000
    return [await crash(db, *destinations, at_ms=each * hour_ms) for each in range(number)]


def ids(items: tuple[OutboxItem, ...]) -> list[int]:
    return [item.id for item in items]


async def test_only_what_alerts_waits_and_what_follows_it(db: Database, outbox: Outbox) -> None:
    before = [event for event in EXAMPLES if not event.alerts][:3]
    for event in (*before, CRASHED):
        await Journal(db).record(event)
    waiting = await outbox.pending(ALERTS, 0)
    assert [item.event for item in waiting] == [CRASHED]
    assert await outbox.backlog() == len(waiting)


async def test_an_item_carries_what_delivery_needs(db: Database, outbox: Outbox) -> None:
    event_id = await crash(db)
    [item] = await outbox.pending(ALERTS, 0)
    assert item.event_id == event_id
    assert item.event == CRASHED
    assert (item.destination, item.attempts, item.created_ms) == (ALERTS, 0, CRASHED.at_ms)
    assert (item.standing, item.tried, item.calls) == (Standing(None), (), False)


async def test_the_nonce_fits_discord_and_stays_the_same_after_a_restart(path: Path, db: Database) -> None:
    event_id = await crash(db, "escalation:1")
    [item] = await Outbox(db).pending(ALERTS, 0)
    [call] = await Outbox(db).pending("escalation:1", 0)
    assert re.fullmatch(rf"[0-9a-f]{{8}}-{event_id}", item.key)
    assert call.key == f"{item.key}c"
    assert re.fullmatch(rf"{item.key}-[0-9a-f]{{4}}", item.nonce)
    assert len(item.nonce) - len(str(event_id)) + len(str(10**10)) <= 25
    await db.close()
    async with await Database.open(path) as again:
        [same] = await Outbox(again).pending(ALERTS, 0)
    assert same == item


async def test_one_event_has_another_nonce_at_each_destination(db: Database, outbox: Outbox) -> None:
    places = [ALERTS, "route:1", "route:2", "route:11", "escalation:1", "owner:1", f"owner:{2**63}"]
    await crash(db, *places[1:])
    nonces = {(await outbox.pending(place, 0))[0].nonce for place in places}
    assert len(nonces) == len(places)


async def test_two_databases_have_different_nonces(tmp_path: Path, db: Database) -> None:
    async with await Database.open(tmp_path / "other.db") as other:
        query = "SELECT value FROM settings WHERE key = 'installation'"
        assert await db.fetch_all(query) != await other.fetch_all(query)


async def test_delivered_once_never_waits_again(db: Database, outbox: Outbox) -> None:
    await crash(db)
    items = await outbox.pending(ALERTS, 0)
    await outbox.delivered(items, 9_000, OUT)
    assert await outbox.pending(ALERTS, 10**13) == ()
    assert await outbox.backlog() == 0
    assert await outbox.destinations() == []
    [kept] = await outbox.of_message(ALERTS, 2**62)
    assert (kept.standing, kept.delivered_ms) == (OUT, 9_000)


async def test_buried_it_stays_on_record_and_lets_others_pass(db: Database, outbox: Outbox) -> None:
    await crashes(db, 2)
    first, second = await outbox.pending(ALERTS, 0)
    await outbox.buried(first.id, 9_000, "403 Missing Access")
    assert ids(await outbox.pending(ALERTS, 0)) == [second.id]
    [letter] = await outbox.dead_letters()
    assert (letter.item.event_id, letter.buried_ms, letter.error) == (first.event_id, 9_000, "403 Missing Access")


@pytest.mark.parametrize(
    "damage",
    ["kind = 'of_another_version'", "body = '{'", "body = '{\"server_id\": 7}'"],
    ids=["kind", "json", "shape"],
)
async def test_what_cannot_be_read_any_more_holds_nothing_up(db: Database, outbox: Outbox, damage: str) -> None:
    await crashes(db, 3)
    first, second, third = await outbox.pending(ALERTS, 0)
    await outbox.delivered([first], 9_000, OUT)
    async with db.transaction() as tx:
        await tx.execute(f"UPDATE events SET {damage} WHERE id IN (?, ?)", (first.event_id, second.event_id))
    assert ids(await outbox.pending(ALERTS, 0)) == [third.id]
    assert await outbox.backlog() == 1
    assert await outbox.dead_letters() == ()
    assert await outbox.of_message(ALERTS, 2**62) == ()


async def test_postponed_it_waits_for_its_time_and_counts_its_tries(db: Database, outbox: Outbox) -> None:
    await crash(db)
    [item] = await outbox.pending(ALERTS, 0)
    await outbox.postponed(item.id, 1_000, "503")
    assert await outbox.pending(ALERTS, 999) == ()
    assert await outbox.next_ms(ALERTS, 999) == 1_000
    assert await outbox.next_ms(ALERTS, 1_000) is None
    assert await outbox.backlog() == 1
    [again] = await outbox.pending(ALERTS, 1_000)
    assert (again.attempts, again.nonce) == (1, item.nonce)


async def test_a_clock_that_is_set_back_puts_no_retry_off(db: Database, outbox: Outbox) -> None:
    hour_ms = 3_600_000
    await crash(db, "escalation:1")
    [item] = await outbox.pending(ALERTS, 0)
    await outbox.postponed(item.id, 9 * hour_ms, "503")
    [call] = await outbox.pending("escalation:1", 0)
    await outbox.postponed(call.id, 9 * hour_ms, "not yet")
    assert await outbox.pending(ALERTS, 8 * hour_ms) == ()
    assert ids(await outbox.pending(ALERTS, 0)) == [item.id]
    assert await outbox.next_ms(ALERTS, 0) is None
    assert await outbox.pending("escalation:1", 0) == ()
    assert await outbox.next_ms("escalation:1", 0) == 9 * hour_ms


async def test_after_a_login_nothing_waits_for_its_time_but_calls_for_help(db: Database, outbox: Outbox) -> None:
    event_id = await crash(db)
    async with db.transaction() as tx:
        await put(tx, event_id, "escalation:1", 0, not_before_ms=5_000)
    [item] = await outbox.pending(ALERTS, 0)
    await outbox.postponed(item.id, 10**12, "away")
    await outbox.expedite()
    assert len(await outbox.pending(ALERTS, 0)) == 1
    assert await outbox.pending("escalation:1", 4_999) == ()
    assert len(await outbox.pending("escalation:1", 5_000)) == 1


async def test_fault_35_one_that_waits_holds_back_the_later_ones_of_its_destination(
    db: Database, outbox: Outbox
) -> None:
    await crashes(db, 3, "ops")
    one, two, three = await outbox.pending(ALERTS, 0)
    assert len(await outbox.pending("ops", 0)) == 3
    await outbox.postponed(two.id, 1_000, "503")
    assert ids(await outbox.pending(ALERTS, 0)) == [one.id]
    assert len(await outbox.pending("ops", 0)) == 3
    await outbox.postponed(one.id, 2_000, "503")
    assert await outbox.pending(ALERTS, 1_500) == ()
    assert ids(await outbox.pending(ALERTS, 2_000)) == [one.id, two.id, three.id]
    assert sorted(await outbox.destinations()) == [ALERTS, "ops"]


async def test_the_limit_takes_the_oldest(db: Database, outbox: Outbox) -> None:
    await crashes(db, 4)
    everything = await outbox.pending(ALERTS, 0)
    assert await outbox.pending(ALERTS, 0, limit=2) == everything[:2]


async def test_fault_38_moved_it_waits_elsewhere_and_remembers_where_it_was(db: Database, outbox: Outbox) -> None:
    await crash(db)
    [item] = await outbox.pending(ALERTS, 0)
    await outbox.moved(item, "owner:1", 9_000, "404")
    [moved] = await outbox.pending("owner:1", 0)
    assert (moved.id, moved.tried, moved.attempts) == (item.id, (ALERTS,), 0)
    await outbox.moved(moved, "owner:2", 9_000, "403")
    [again] = await outbox.pending("owner:2", 0)
    assert again.tried == (ALERTS, "owner:1")
    assert await outbox.backlog() == 1


async def test_fault_38_what_is_told_there_already_is_not_told_twice(db: Database, outbox: Outbox) -> None:
    await crash(db, "route:1")
    [item] = await outbox.pending("route:1", 0)
    await outbox.moved(item, ALERTS, 9_000, "404")
    assert await outbox.pending("route:1", 0) == ()
    assert len(await outbox.pending(ALERTS, 0)) == 1
    assert await outbox.backlog() == 1


async def test_fault_38_a_dead_letter_can_be_tried_again_where_it_was_first_meant_to_go(
    db: Database, outbox: Outbox
) -> None:
    await crashes(db, 2)
    first, second = await outbox.pending(ALERTS, 0)
    for item, at_ms in ((first, 1_000), (second, 9_000)):
        await outbox.moved(item, "owner:1", at_ms, "404")
        await outbox.buried(item.id, at_ms, "403")
    assert await outbox.revive(5_000) == 1
    [again] = await outbox.pending(ALERTS, 0)
    assert (again.id, again.attempts) == (second.id, 1)
    assert [letter.item.id for letter in await outbox.dead_letters()] == [first.id]


async def test_what_was_told_lately_one_by_one_and_together(db: Database, outbox: Outbox) -> None:
    await crashes(db, 4)
    one, two, *storm = await outbox.pending(ALERTS, 0)
    await outbox.delivered([one], 1_000, Standing(11, 7))
    await outbox.delivered([two], 5_000, Standing(12, 7))
    await outbox.delivered(storm, 6_000, Standing(13, 7, grouped=True))
    assert await outbox.recent(ALERTS, 1_000) == {"server_crashed": 1}
    assert await outbox.recent(ALERTS, 0) == {"server_crashed": 2}
    assert await outbox.groups(ALERTS, 5_999) == {"server_crashed": 13}
    assert await outbox.groups(ALERTS, 6_000) == {}
    assert ids(await outbox.of_message(ALERTS, 13)) == ids(tuple(storm))
    assert await outbox.recent("elsewhere", 0) == {}


async def test_a_chart_is_remembered_and_nothing_need_be_sent_for_what_is_dropped(
    db: Database, outbox: Outbox
) -> None:
    await crashes(db, 2)
    one, two = await outbox.pending(ALERTS, 0)
    await outbox.delivered([one], 1_000, OUT)
    await outbox.illustrated(one.id)
    await outbox.dropped([two], 1_000)
    assert [item.illustrated for item in await outbox.of_message(ALERTS, OUT.message_id or 0)] == [True]
    assert await outbox.backlog() == 0
    assert await outbox.dead_letters() == ()
