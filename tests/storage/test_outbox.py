"""Alerts wait in order, each until it is delivered or buried."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from storage.database import Database
from storage.journal import Journal
from storage.outbox import ALERTS, Outbox, OutboxItem, put
from tests.storage.examples import CRASHED, EXAMPLES

pytestmark = pytest.mark.usefixtures("two_servers")


@pytest.fixture
def outbox(db: Database) -> Outbox:
    return Outbox(db)


async def crash(db: Database, *destinations: str) -> int:
    """Record a crash, and send it to further destinations as well."""
    event_id = await Journal(db).record(CRASHED)
    async with db.transaction() as tx:
        for destination in destinations:
            await put(tx, event_id, destination, CRASHED.at_ms)
    return event_id


def ids(items: tuple[OutboxItem, ...]) -> list[int]:
    return [item.id for item in items]


async def test_only_what_alerts_waits(db: Database, outbox: Outbox) -> None:
    for event in EXAMPLES:
        await Journal(db).record(event)
    waiting = await outbox.pending(0)
    assert [item.event for item in waiting] == [event for event in EXAMPLES if event.alerts]
    assert await outbox.backlog() == len(waiting)


async def test_an_item_carries_what_delivery_needs(db: Database, outbox: Outbox) -> None:
    event_id = await crash(db)
    [item] = await outbox.pending(0)
    assert item.event_id == event_id
    assert item.event == CRASHED
    assert (item.destination, item.attempts, item.created_ms) == (ALERTS, 0, CRASHED.at_ms)


async def test_the_nonce_fits_discord_and_stays_the_same_after_a_restart(path: Path, db: Database) -> None:
    event_id = await crash(db)
    [item] = await Outbox(db).pending(0)
    assert re.fullmatch(rf"[0-9a-f]{{8}}-{event_id}", item.nonce)
    assert len(item.nonce.split("-")[0]) + 1 + len(str(10**15)) <= 25
    await db.close()
    async with await Database.open(path) as again:
        [same] = await Outbox(again).pending(0)
    assert same == item


async def test_two_databases_have_different_nonces(tmp_path: Path, db: Database) -> None:
    async with await Database.open(tmp_path / "other.db") as other:
        query = "SELECT value FROM settings WHERE key = 'installation'"
        assert await db.fetch_all(query) != await other.fetch_all(query)


async def test_delivered_once_never_waits_again(db: Database, outbox: Outbox) -> None:
    await crash(db)
    [item] = await outbox.pending(0)
    await outbox.delivered(item.id, 9_000, 2**62)
    assert await outbox.pending(10**13) == ()
    assert await outbox.backlog() == 0
    assert await db.fetch_all("SELECT delivered_ms, message_id FROM outbox") == [(9_000, 2**62)]


async def test_buried_it_stays_on_record_and_lets_others_pass(db: Database, outbox: Outbox) -> None:
    await crash(db)
    await crash(db)
    first, second = await outbox.pending(0)
    await outbox.buried(first.id, 9_000, "403 Missing Access")
    assert ids(await outbox.pending(0)) == [second.id]
    assert await db.fetch_all("SELECT buried_ms, last_error FROM outbox WHERE id = ?", (first.id,)) == [
        (9_000, "403 Missing Access")
    ]


async def test_postponed_it_waits_for_its_time_and_counts_its_tries(db: Database, outbox: Outbox) -> None:
    await crash(db)
    [item] = await outbox.pending(0)
    await outbox.postponed(item.id, 1_000, "503")
    assert await outbox.pending(999) == ()
    assert await outbox.backlog() == 1
    [again] = await outbox.pending(1_000)
    assert (again.attempts, again.nonce) == (1, item.nonce)


async def test_fault_35_one_that_waits_holds_back_the_later_ones_of_its_destination(
    db: Database, outbox: Outbox
) -> None:
    await crash(db)
    await crash(db, "ops")
    await crash(db, "ops")
    one, two, two_ops, three, three_ops = await outbox.pending(0)
    await outbox.postponed(two.id, 1_000, "503")
    assert ids(await outbox.pending(0)) == [one.id, two_ops.id, three_ops.id]
    await outbox.postponed(one.id, 2_000, "503")
    assert ids(await outbox.pending(1_500)) == [two_ops.id, three_ops.id]
    assert ids(await outbox.pending(2_000)) == [one.id, two.id, two_ops.id, three.id, three_ops.id]


async def test_the_limit_takes_the_oldest(db: Database, outbox: Outbox) -> None:
    for _ in range(4):
        await crash(db)
    everything = await outbox.pending(0)
    assert await outbox.pending(0, limit=2) == everything[:2]
