"""What an alert becomes where Discord takes less than it is sent, where nobody knows whether it arrived, and where
something else than Discord is in trouble. Every request is a real one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from cogs.composing import STORM
from cogs.pictures import Pictures
from cogs.poster import OLD_MS
from cogs.webhooks import label
from monitor.alerting import Filter
from monitor.events import HostRebooted, RestartsExhausted, ServerStarted
from monitor.model import Actor, ActorKind
from storage.routes import Route, RouteKind, Secrets
from tests.cogs.listener import listening
from tests.cogs.wired import Wired, wired
from tests.standin.places import Channel
from tests.standin.record import Upload
from tests.standin.world import NONCE_WINDOW_S, ApiError
from tests.storage.examples import PROCESS

pytestmark = pytest.mark.delivery

POST = ("POST", "/channels/*/messages")
LATER_S = NONCE_WINDOW_S + 60
POLICY = Actor(ActorKind.POLICY, "restart", "restart")


@pytest_asyncio.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wired]:
    async with wired(tmp_path, monkeypatch) as made:
        yield made


async def routed(home: Wired, channel: Channel, **more: Any) -> Route:
    route = Route(home.guild.id, RouteKind.CHANNEL, Filter(), channel_id=channel.id, **more)
    await home.stores.routes.add(route)
    return route


async def given_up(home: Wired) -> None:
    await home.tell(RestartsExhausted(server_id="ark", at_ms=home.clock.now_ms(), failures=5, window_s=600.0))
    await home.all_delivered()


async def test_without_leave_to_read_history_what_people_must_notice_answers_nothing_and_is_told(
    home: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    await home.crash()
    await home.all_delivered()
    post = home.standin.world.post

    def strict(channel: Channel, body: dict[str, Any], uploads: tuple[Upload, ...], **more: Any) -> Any:
        if body.get("message_reference"):
            raise ApiError(400, 160002, "Cannot reply without permission to read message history")
        return post(channel, body, uploads, **more)

    monkeypatch.setattr(home.standin.world, "post", strict)
    await given_up(home)
    [_, told] = home.posted()
    assert told.reference is None
    assert told.embeds
    assert "given up" in home.texts()[1]
    assert await home.stores.outbox.dead_letters() == ()


async def test_an_old_message_that_may_not_be_changed_holds_no_alert_up(home: Wired) -> None:
    await home.crash()
    await home.all_delivered()
    await home.passes(OLD_MS / 1000 + 60, 600)
    told = {"message": "Maximum number of edits to messages older than 1 hour reached", "code": 30046}
    headers = {"Via": "1.1 google", "Retry-After": "900"}
    body = told | {"retry_after": 0.001}
    home.standin.faults.answer("PATCH", "/channels/*/messages/*", 429, body=body, headers=headers, times=None)
    started = ServerStarted(server_id="ark", at_ms=home.clock.now_ms(), run_id=1, process=PROCESS, by=POLICY)
    await home.tell(started)
    await home.crash("rust")
    await home.all_delivered()
    assert "Rust crashed" in home.texts()[1]


async def test_a_storm_of_the_machine_s_own_goes_on_though_its_message_was_deleted(home: Wired) -> None:
    home.client.online.clear()
    await home.live_again()
    for _ in range(STORM):
        await home.tell(HostRebooted(at_ms=home.clock.now_ms(), servers=("ark",)))
    home.client.online.set()
    await home.all_delivered()
    home.standin.world.delete(home.alerts, home.posted()[0])
    event_id = await home.tell(HostRebooted(at_ms=home.clock.now_ms(), servers=("ark",)))
    await home.drained(5)
    assert [f"#{event_id} ·" in text for text in home.texts()] == [True]


async def test_a_role_is_called_though_another_route_tells_the_same_channel(home: Wired) -> None:
    await routed(home, home.alerts)
    role = home.guild.role("night watch")
    await routed(home, home.alerts, mention_role_id=role.id)
    await home.crash()
    await home.all_delivered()
    assert sorted(message.content for message in home.posted()) == ["", f"<@&{role.id}>"]


async def test_fault_39_a_role_is_called_in_plain_text_as_well(home: Wired) -> None:
    role = home.guild.role("night watch")
    await routed(home, home.alerts, mention_role_id=role.id)
    home.standin.faults.answer(*POST, 400)
    await home.crash()
    await home.all_delivered()
    [message] = home.posted()
    assert message.content.splitlines()[0] == f"<@&{role.id}>"
    assert home.posts()[-1].json["allowed_mentions"]["roles"] == [role.id]


async def test_fault_36_38_a_dead_letter_that_had_arrived_after_all_is_not_told_again(home: Wired) -> None:
    faults = home.standin.faults
    await home.crash("rust")
    await home.all_delivered()
    faults.reset(*POST, after=True)
    await home.crash("ark")
    await home.outbox_says("attempts = 1 AND delivered_ms IS NULL")
    for place in (("*", "/channels/**"), ("POST", "/users/@me/channels")):
        faults.answer(*place, 403, times=None)
    await home.passes(LATER_S, 20)
    await home.outbox_says("buried_ms IS NOT NULL")
    faults.lift()
    assert await home.delivery.reconsider() == 1
    await home.drained()
    assert len(home.posted()) == 2


async def test_fault_36_39_plain_text_whose_answer_was_lost_is_found_again(home: Wired) -> None:
    faults = home.standin.faults
    lost = faults.reset(*POST, after=True)
    refused = faults.answer(*POST, 400)
    await home.crash()
    await home.outbox_says("attempts = 1")
    away = faults.answer("*", "/channels/**", 503, times=None)
    await home.passes(LATER_S, 20)
    away.lift()
    await home.drained()
    assert (lost.hits, refused.hits) == (1, 1)
    assert len(home.posted()) == 1


@pytest.mark.parametrize("code", [50008, 50083, 220001], ids=["no_text_channel", "archived_thread", "forum"])
async def test_fault_38_a_place_that_takes_nothing_is_replaced(home: Wired, code: int) -> None:
    ops = home.guild.channel("ops")
    await routed(home, ops)
    body = {"message": "not here", "code": code}
    home.standin.faults.answer("POST", f"/channels/{ops.id}/messages", 400, body=body, times=None)
    await home.crash()
    await home.until(lambda: len(home.posted()) == 1)
    assert home.posted(ops) == []
    await home.all_delivered()


async def test_a_bug_in_a_picture_ends_no_alerts(home: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(Pictures, "chart", broken)
    with capture_logs() as logs:
        for name in ("ark", "rust"):
            await home.crash(name)
            await home.all_delivered()
    assert len(home.posted()) == 2
    assert [entry["event"] for entry in logs].count("alert_chart_failed") == 2


async def test_fault_41_an_address_that_takes_json_needs_no_token(home: Wired) -> None:
    async with listening() as listener:
        route = Route(home.guild.id, RouteKind.JSON, Filter(), label=label(listener.url))
        await home.stores.routes.add(route, Secrets(listener.url, "signs"))
        home.client.online.clear()
        home.delivery.traffic.failed(60, refused=True)
        await home.crash()
        await home.until(lambda: len(listener.heard) == 1)
        await home.all_delivered()


async def test_fault_37_what_other_addresses_refuse_is_not_counted_against_discord(home: Wired) -> None:
    async with listening() as listener:
        listener.statuses = [429] * 3
        route = Route(home.guild.id, RouteKind.JSON, Filter(), label=label(listener.url))
        await home.stores.routes.add(route, Secrets(listener.url, "signs"))
        await home.crash()
        await home.drained()
    assert len(listener.heard) == 4
    assert not home.delivery.traffic.breaker._spent


async def test_nobody_is_called_for_a_server_that_is_not_looked_after_any_more(
    home: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = home.guild.role("night watch")
    await routed(home, home.alerts, mention_role_id=role.id, mention_after_min=10)
    await home.crash()
    await home.all_delivered()
    monkeypatch.setattr(home.delivery.wording.control, "servers", list)
    await home.passes(660, 60)
    assert len(home.posted()) == 1
