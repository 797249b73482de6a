"""The buttons of an alert: which of them there are as its incident goes on, and what each does."""

from __future__ import annotations

from dataclasses import replace

import discord
import pytest

from cogs.components import Address, button, row
from cogs.locale.catalogue import catalogue
from cogs.offers import AlertOffers, mends
from monitor.alerting import STALE_MS
from monitor.events import Event, RestartsExhausted, ServerHung, StartFailed
from monitor.model import Actor, ActorKind, State
from storage.grants import Action
from storage.incidents import Incident
from storage.mutes import Mute
from storage.outbox import OutboxItem
from tests.cogs.matrix import SITUATIONS, Situation, expected
from tests.cogs.pressing import labels, press, press_id
from tests.cogs.render.limited import CROSSING
from tests.cogs.test_access_matrix import prepared, shared
from tests.cogs.test_delivery import crash
from tests.cogs.world import World, until
from tests.fakes.house import ANNA
from tests.storage.examples import CRASHED

__all__ = ["shared"]

HUNG = ServerHung(server_id="ark", at_ms=1, run_id=1, evidence=())
FAILED = StartFailed(server_id="ark", at_ms=1, reason="not_found", subject="x", by=ANNA)
EXHAUSTED = RestartsExhausted(server_id="ark", at_ms=1, failures=5, window_s=600.0)


@pytest.mark.parametrize(
    ("event", "state", "verb"),
    [
        (CRASHED, State.BACKOFF, "start"),
        (CRASHED, State.STOPPED, "start"),
        (CRASHED, State.STARTING, None),
        (CRASHED, State.STOPPING, None),
        (CRASHED, State.RUNNING, "start"),
        (FAILED, State.FAILED, "start"),
        (EXHAUSTED, State.FAILED, "start"),
        (HUNG, State.UNRESPONSIVE, "restart"),
        (HUNG, State.RUNNING, "restart"),
        (HUNG, State.STOPPED, "start"),
        (HUNG, State.STARTING, None),
        (CROSSING, State.RUNNING, "restart"),
        (CROSSING, State.STOPPING, None),
    ],
    ids=lambda value: value.kind if isinstance(value, Event) else str(value),
)
def test_what_brings_a_server_up_again(event: Event, state: State, verb: str | None) -> None:
    assert mends(event, state) == verb


async def told(home: World) -> discord.Message:
    """Let alpha crash, and give its alert once it has its chart."""
    await crash(home)
    await until(lambda: any(message.attachments for message in home.alerts.history()))
    await home.rest()
    return home.alerts.history()[-1]


async def test_an_alert_offers_what_can_be_done_about_it(home: World) -> None:
    message = await told(home)
    assert labels(message) == ["Restart now", "Chart", "Logs", "Mute 1 h", "Acknowledge"]


async def test_once_it_is_over_only_looking_is_left(home: World) -> None:
    message = await told(home)
    answer = await press(home, home.people.admin, message, "Restart now")
    assert "is up" in answer.content
    await until(lambda: labels(home.alerts.history()[0]) == ["Chart", "Logs"])
    # Somebody else still sees the message as it was: an old button never restarts what is up again.
    again = await press_id(home, home.people.admin, message, "gk:chart:alpha")
    assert again.attachments
    assert len(home.house.launcher.spawned) == 1


async def test_somebody_looks_after_it_and_everybody_sees_who(home: World) -> None:
    message = await told(home)
    answer = await press(home, home.people.admin, message, "Acknowledge")
    assert answer.ephemeral
    assert "You look after it now" in answer.content
    [message] = home.alerts.history()
    assert "admin looks after it" in (message.embeds[0].description or "")
    assert labels(message) == ["Restart now", "Chart", "Logs", "Mute 1 h"]
    assert message.embeds[0].image.url is not None


async def test_an_alert_by_direct_message_has_no_buttons(home: World) -> None:
    """Nothing is done by direct message, so nothing is offered there."""
    home.env.inject_error("POST", f"/channels/{home.alerts.id}/messages", status=403, code=50001, times=None)
    await crash(home)
    inbox = home.people.owner.user.dm_channel
    await until(lambda: any(message.attachments for message in inbox.history()))
    assert labels(inbox.history()[-1]) == []


async def test_of_a_server_that_is_gone_nothing_is_offered_but_to_look_after_it(home: World) -> None:
    event = replace(HUNG, server_id="gone")
    offers = AlertOffers(home.fleet, catalogue("en"))
    item, incident = (
        OutboxItem(1, 1, event, "alerts", 0, 0, ""),
        Incident(7, "gone", 0, given_up=False, closed_ms=None),
    )
    view = offers(item, incident)
    assert view is not None
    assert [child.custom_id for child in view.children if isinstance(child, discord.ui.DynamicItem)] == [
        "gk:acknowledge:7"
    ]
    assert offers(item, replace(incident, closed_ms=1)) is None


async def test_another_one_is_told_who_was_first(home: World) -> None:
    message = await told(home)
    [incident] = await home.db.fetch_all("SELECT id FROM incidents")
    await home.delivery.acknowledge(incident[0], Actor(ActorKind.DISCORD, "7", "bert"))
    where = home.client.get_partial_messageable(home.alerts.id)
    old = await where.send(view=row(button(Address("acknowledge", (str(incident[0]),)), "Old")))
    answer = await press(home, home.people.admin, old, "Old")
    assert "bert looks after it already" in answer.content
    await press(home, home.people.admin, message, "Restart now")
    answer = await press(home, home.people.admin, old, "Old")
    assert "That is over already" in answer.content


async def test_an_alert_of_an_earlier_life_of_the_bot_is_changed_as_well(home: World) -> None:
    message = await told(home)
    home.delivery._lanes.clear()
    await press(home, home.people.admin, message, "Acknowledge")
    assert "admin looks after it" in (home.alerts.history()[0].embeds[0].description or "")


@pytest.mark.parametrize("part", ["0", "-1", "999", "9" * 16, "x", "1:1"])
async def test_fault_46_an_incident_that_was_made_up_is_refused(home: World, part: str) -> None:
    await crash(home)
    where = home.client.get_partial_messageable(home.channel.id)
    message = await where.send(view=row(button(Address("acknowledge", tuple(part.split(":"))), "Mine")))
    answer = await press(home, home.people.owner, message, "Mine")
    assert answer.ephemeral
    assert "I have offered nothing like that" in answer.content
    assert await home.db.fetch_all("SELECT id FROM incidents WHERE acknowledged_ms IS NOT NULL") == []


async def test_an_hour_of_silence_is_told_to_everybody_once(home: World) -> None:
    message = await told(home)
    answer = await press(home, home.people.admin, message, "Mute 1 h")
    assert not answer.ephemeral
    assert "admin has silenced the alerts of **Alpha World** until" in answer.content
    again = await press(home, home.people.owner, message, "Mute 1 h")
    assert again.ephemeral
    assert "admin has silenced the alerts of **Alpha World** already" in again.content
    now_ms = home.clock.now_ms()
    by = Actor(ActorKind.DISCORD, str(home.people.admin.id), "admin")
    assert await home.stores.mutes.all(now_ms) == (Mute("alpha", "", now_ms + 3_600_000, by),)
    await home.clock.advance(1800)
    later = await press(home, home.people.owner, message, "Mute 1 h")
    assert "owner has silenced" in later.content


async def test_what_is_silenced_is_not_told(home: World) -> None:
    where = home.client.get_partial_messageable(home.channel.id)
    message = await where.send(view=row(button(Address("mute", ("alpha",)), "Mute")))
    await press(home, home.people.admin, message, "Mute")
    event = replace(HUNG, server_id="alpha", at_ms=home.clock.now_ms())
    await home.journal.record(event)
    assert await home.outbox.backlog() == 0
    await home.clock.advance(3600)
    await home.journal.record(replace(event, at_ms=home.clock.now_ms() + STALE_MS))
    assert await home.outbox.backlog() == 1


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS.keys())
@pytest.mark.asyncio(loop_scope="module")
async def test_fault_45_46_47_looking_after_it_takes_what_controlling_its_server_takes(
    shared: World, situation: Situation
) -> None:
    await prepared(shared, situation, Action.CONTROL)
    event = replace(HUNG, server_id="alpha", at_ms=shared.clock.now_ms())
    await shared.journal.record(event)
    async with shared.db.transaction() as tx:
        [[incident]] = await tx.fetch_all("UPDATE incidents SET acknowledged_ms = NULL RETURNING id")
    channel = shared.client.get_partial_messageable(situation.where(shared).id)
    message = await channel.send(view=row(button(Address("acknowledge", (str(incident),)), "Press")))
    with shared.carrying(locale="en-US", **situation.changes(shared)):
        await situation.who(shared).click(message, label="Press")
    denial = expected(Action.CONTROL, situation)
    [record] = await shared.audit.page(limit=1)
    assert record.entry.decision == ("allowed" if denial is None else f"denied:{denial.value}")
    found = await shared.stores.incidents.find(incident)
    assert found is not None
    assert (found.acknowledged_ms is not None) is (denial is None)
