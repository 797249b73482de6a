"""Limits on disk, and how each stands, which follows the events that are written of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.errors import UnknownServer
from monitor.event import Event
from monitor.limit_events import ForecastLifted, LimitCleared, LimitCrossed, LimitForeseen, LimitRestart
from monitor.limit_terms import MOST_LIMITS, LimitFault, LimitRefused
from monitor.limits import Crossing, Hours, Limit, RestartCause, RestartRule, Side
from storage.database import Database
from storage.incidents import Incidents
from storage.journal import Journal
from storage.limits import Limits
from storage.outbox import Outbox
from storage.servers import Servers
from tests.storage.examples import ANNA, CRASHED

pytestmark = pytest.mark.usefixtures("two_servers")

HEAP = Limit("memory", Side.ABOVE, 8.5e9, 8e9, 600, "ark")
FULL = replace(HEAP, restart=RestartRule(7200, 9e9, Hours(180, 360, "Asia/Seoul")))
CPU = Limit("host_cpu", Side.ABOVE, 90, 85, 600)


@pytest.fixture
async def limits(db: Database) -> Limits:
    """Without the one that every database begins with."""
    kept = Limits(db)
    [default] = await kept.all()
    await kept.remove(default.id, 1)
    return kept


async def test_a_new_database_has_a_limit_on_full_drives(db: Database) -> None:
    assert await Limits(db).all() == (Limit("disk_free_pct", Side.BELOW, 5, 6, 600, id=1),)


@pytest.mark.parametrize("limit", [HEAP, FULL, CPU, replace(HEAP, restart=RestartRule(0))])
async def test_a_limit_comes_back_as_it_was_set(limits: Limits, limit: Limit) -> None:
    limit_id = await limits.add(limit, ANNA, 5)
    assert await limits.all() == (replace(limit, id=limit_id),)


async def test_the_same_bound_set_again_replaces_it_and_another_stands_beside_it(limits: Limits) -> None:
    await limits.add(HEAP, ANNA, 5)
    second = await limits.add(FULL, ANNA, 6)
    third = await limits.add(replace(HEAP, value=9e9), ANNA, 7)
    everywhere = await limits.add(replace(HEAP, server_id=None), ANNA, 8)
    assert [limit.id for limit in await limits.all()] == [second, third, everywhere]


async def test_what_is_removed_is_gone_and_its_number_never_comes_again(limits: Limits) -> None:
    limit_id = await limits.add(HEAP, ANNA, 5)
    assert await limits.remove(limit_id, 6)
    assert not await limits.remove(limit_id, 7)
    assert await limits.all() == ()
    assert await limits.add(HEAP, ANNA, 8) > limit_id


async def test_a_server_that_is_not_there_has_none(limits: Limits) -> None:
    with pytest.raises(UnknownServer):
        await limits.add(replace(HEAP, server_id="nowhere"), ANNA, 5)
    assert await limits.all() == ()


async def test_the_limits_of_a_server_go_and_come_with_it(limits: Limits, db: Database) -> None:
    await limits.add(HEAP, ANNA, 5)
    servers = Servers(db)
    [ark, _] = await servers.all()
    await servers.remove("ark", 6)
    assert await limits.all() == ()
    await servers.save([ark])
    assert len(await limits.all()) == 1


async def test_there_are_only_so_many(limits: Limits) -> None:
    for number in range(MOST_LIMITS):
        await limits.add(replace(HEAP, value=9e9 + number), ANNA, 5)
    with pytest.raises(LimitRefused) as caught:
        await limits.add(CPU, ANNA, 6)
    assert caught.value.fault is LimitFault.TOO_MANY
    await limits.add(replace(HEAP, value=9e9), ANNA, 7)  # in the place of its like


def story(limit: Limit) -> dict[str, Event]:
    """What can happen about a limit, by the moment at which it does."""
    about: dict[str, Any] = {"server_id": limit.server_id or "", "limit": limit, "target": limit.server_id or ""}
    return {
        "foreseen": LimitForeseen(at_ms=10, value=7e9, growth_per_h=1e9, in_s=5000, **about),
        "lifted": ForecastLifted(at_ms=20, **about),
        "crossed": LimitCrossed(at_ms=30, value=9e9, **about),
        "restart": LimitRestart(at_ms=40, cause=RestartCause.EMPTY, **about),
        "cleared": LimitCleared(at_ms=50, value=7e9, after_s=20, **about),
    }


@pytest.mark.parametrize(
    ("moments", "stands"),
    [
        (["foreseen"], (None, 10, None)),
        (["foreseen", "lifted"], (None, None, None)),
        (["foreseen", "crossed"], (30, None, None)),
        (["crossed", "restart"], (30, None, 40)),
        (["crossed", "restart", "cleared"], (None, None, 40)),
    ],
)
async def test_how_a_limit_stands_follows_what_was_told(
    limits: Limits, db: Database, moments: list[str], stands: tuple[int | None, int | None, int | None]
) -> None:
    limit = replace(HEAP, id=await limits.add(HEAP, ANNA, 5))
    told = story(limit)
    for moment in moments:
        await Journal(db).record(told[moment])
    assert await limits.crossings() == (Crossing(limit.id, "ark", *stands),)
    await limits.remove(limit.id, 60)
    assert await limits.crossings() == ()
    await Journal(db).record(told["crossed"])
    assert await limits.crossings() == ()


@pytest.mark.parametrize("limit", [HEAP, CPU], ids=["of a server", "of the machine"])
async def test_what_happens_about_a_limit_is_one_incident_beside_that_of_its_server(
    limits: Limits, db: Database, limit: Limit
) -> None:
    limit = replace(limit, id=await limits.add(limit, ANNA, 5))
    journal, incidents, told = Journal(db), Incidents(db), story(limit)
    crossed = await incidents.of_event(await journal.record(told["crossed"]))
    crashed = await incidents.of_event(await journal.record(replace(CRASHED, at_ms=35)))
    assert None not in (crossed, crashed)
    assert crossed != crashed
    restart = await journal.record(told["restart"])
    cleared = await journal.record(told["cleared"])
    assert await incidents.of_event(restart) == await incidents.of_event(cleared) == crossed
    found = await incidents.find(crossed or 0)
    assert found is not None
    assert (found.server_id, found.closed_ms) == (limit.server_id or "", 50)
    items = await Outbox(db).pending("alerts", 100)
    assert [item.event.kind for item in items] == [
        "limit_crossed",
        "server_crashed",
        "limit_restart",
        "limit_cleared",
    ]
    again = await incidents.of_event(await journal.record(replace(told["crossed"], at_ms=60)))
    assert again not in (None, crossed)
