"""Rows 35 to 41 of the fault table, as far as alerts go: every request is a real one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from cogs.poster import NONCE_LASTS_MS
from monitor.alerting import Filter
from storage.routes import Route, RouteKind
from tests.cogs.wired import Wired, wired
from tests.standin.places import Channel
from tests.standin.world import NONCE_WINDOW_S

POST = ("POST", "/channels/*/messages")
LATER_S = max(NONCE_WINDOW_S, NONCE_LASTS_MS / 1000) + 60


@pytest_asyncio.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wired]:
    async with wired(tmp_path, monkeypatch) as made:
        yield made


async def channel_route(home: Wired, channel: Channel, **more: Any) -> int:
    wanted = Route(home.guild.id, RouteKind.CHANNEL, more.pop("filter", Filter()), channel_id=channel.id, **more)
    return await home.stores.routes.add(wanted)


@pytest.mark.parametrize("fault", ["503", "reset"])
async def test_fault_36_an_answer_that_is_lost_makes_no_second_message(home: Wired, fault: str) -> None:
    faults = home.standin.faults
    struck = faults.answer(*POST, 503, after=True) if fault == "503" else faults.reset(*POST, after=True)
    await home.crash()
    await home.outbox_says("attempts = 1 AND delivered_ms IS NULL")
    await home.drained(1)
    assert struck.hits == 1
    assert len(home.posts()) == 2
    assert len({post.json["nonce"] for post in home.posts()}) == 1
    assert len(home.posted()) == 1


async def test_fault_36_later_than_a_nonce_is_known_the_channel_is_looked_through(home: Wired) -> None:
    faults = home.standin.faults
    faults.reset(*POST, after=True)
    await home.crash()
    await home.outbox_says("attempts = 1")
    away = faults.answer("*", "/channels/**", 503, times=None)
    await home.passes(LATER_S, 20)
    away.lift()
    await home.drained()
    assert len(home.posted()) == 1
    assert len([post for post in home.posts() if post.status in (None, 200)]) == 1
    [message] = home.posted()
    assert await home.db.fetch_all("SELECT message_id FROM outbox") == [(message.id,)]


async def test_fault_36_the_look_takes_another_s_alert_for_nothing(home: Wired) -> None:
    footer = {"footer": {"text": "#1 · 00000000"}, "description": "x"}
    home.standin.world.post(home.alerts, {"embeds": [footer]}, ())
    away = home.standin.faults.answer(*POST, 503, times=None)
    await home.crash()
    await home.outbox_says("attempts >= 1")
    await home.passes(LATER_S, 20)
    away.lift()
    await home.drained()
    assert len(home.posted()) == 2


@pytest.mark.parametrize("later_s", [0.0, LATER_S], ids=["at_once", "later"])
async def test_fault_36_killed_between_the_message_and_its_note_it_is_not_told_twice(
    home: Wired, later_s: float
) -> None:
    hanging = home.standin.faults.hang(*POST, after=True)
    await home.crash()
    await home.until(lambda: hanging.hits == 1)
    hanging.lift()
    if later_s:
        away = home.standin.faults.answer("*", "/channels/**", 503, times=None)
        await home.live_again()
        await home.passes(later_s, 30)
        away.lift()
    else:
        await home.live_again()
    await home.drained()
    assert len(home.posted()) == 1
    assert await home.db.fetch_all("SELECT message_id FROM outbox") == [(home.posted()[0].id,)]


@pytest.mark.parametrize(
    ("via", "everywhere"), [(True, False), (True, True), (False, False)], ids=["route", "global", "without_via"]
)
async def test_fault_37_a_long_limit_is_waited_out_and_asked_once(
    home: Wired, *, via: bool, everywhere: bool
) -> None:
    home.standin.faults.rate_limit(*POST, 3600.0, via=via, everywhere=everywhere)
    await home.crash()
    await home.outbox_says("attempts = 1")
    await home.passes(3500, 100)
    assert len(home.posts()) == 1
    await home.drained()
    assert len(home.posts()) == 2
    assert "delayed 1 h" in home.texts()[0]


@pytest.mark.parametrize("status", [429, 403, 404])
async def test_fault_37_ten_minutes_of_refusals_are_under_100_requests(home: Wired, status: int) -> None:
    for name in ("ops", "more", "third"):
        await channel_route(home, home.guild.channel(name))
    faults = home.standin.faults
    if status == 429:
        faults.rate_limit("*", "/channels/**", 0.001, times=None)
        faults.rate_limit("*", "/users/@me/channels", 0.001, times=None)
    else:
        faults.answer("*", "/channels/**", status, times=None)
        faults.answer("*", "/users/@me/channels", status, times=None)
    before = len(home.standin.requests)
    for number in range(60):
        await home.crash(at_ms=home.clock.now_ms() + number * 3_600_000)
        await home.passes(10, 10)
    refused = [request for request in home.standin.requests[before:] if request.status == status]
    assert 0 < len(refused) < 100


@pytest.mark.parametrize("status", [403, 404])
async def test_fault_38_a_channel_that_is_gone_is_replaced_step_by_step(home: Wired, status: int) -> None:
    ops, night = home.guild.channel("ops"), home.guild.channel("night")
    fallback = await channel_route(home, night, filter=Filter("zomboid"))
    await channel_route(home, ops, filter=Filter("ark"), fallback_id=fallback)
    gone = [home.standin.faults.answer("POST", f"/channels/{ops.id}/messages", status, times=None)]
    first = await home.crash()
    await home.until(lambda: len(home.posted(night)) == 1)
    gone.append(home.standin.faults.answer("POST", f"/channels/{night.id}/messages", status, times=None))
    await home.passes(61)
    second = await home.crash(at_ms=home.clock.now_ms() + 3_600_000)
    await home.until(lambda: len(home.posted()) == 1)
    home.standin.faults.answer("POST", f"/channels/{home.alerts.id}/messages", status, times=None)
    await home.passes(61)
    third = await home.crash(at_ms=home.clock.now_ms() + 7_200_000)
    private = home.standin.world.conversation(home.owner.user)
    await home.until(lambda: len(home.posted(private)) == 1)
    told = [home.texts(channel)[0] for channel in (night, home.alerts, private)]
    assert [f"#{number} ·" in text for number, text in zip((first, second, third), told, strict=True)] == [True] * 3
    assert "could not be posted where it belongs" in told[2]
    await home.all_delivered()
    assert len(home.posts(ops)) <= 3


async def test_fault_38_what_can_go_nowhere_is_a_dead_letter_and_others_flow_on(home: Wired) -> None:
    home.standin.faults.answer("POST", f"/channels/{home.alerts.id}/messages", 404, times=None)
    home.standin.faults.answer("POST", "/users/@me/channels", 403, times=None)
    ops = home.guild.channel("ops")
    await channel_route(home, ops, filter=Filter("rust"))
    event_id = await home.crash("ark")
    await home.crash("rust")
    await home.outbox_says("buried_ms IS NOT NULL")
    await home.until(lambda: len(home.posted(ops)) == 1)
    [letter] = await home.stores.outbox.dead_letters()
    assert letter.item.event_id == event_id
    assert letter.item.tried == ("alerts",)
    home.standin.faults.lift()
    assert await home.delivery.reconsider() == 1
    await home.until(lambda: len(home.posted()) == 1)
    await home.all_delivered()
    assert await home.stores.outbox.dead_letters() == ()


async def test_fault_38_a_new_alert_channel_is_told_what_was_given_up(home: Wired) -> None:
    home.standin.faults.answer("POST", f"/channels/{home.alerts.id}/messages", 404, times=None)
    home.standin.faults.answer("POST", "/users/@me/channels", 403, times=None)
    await home.crash("ark")
    await home.outbox_says("buried_ms IS NOT NULL")
    other = home.guild.channel("other")
    home.delivery.post_to(other.id)
    await home.until(lambda: len(home.posted(other)) == 1)


async def test_fault_38_what_waits_for_a_route_that_was_removed_goes_elsewhere(home: Wired) -> None:
    ops = home.guild.channel("ops")
    number = await channel_route(home, ops)
    away = home.standin.faults.answer("POST", f"/channels/{ops.id}/messages", 503, times=None)
    await home.crash()
    await home.outbox_says("attempts = 1")
    away.lift()
    assert await home.stores.routes.remove(home.guild.id, number, 0)
    await home.passes(3)
    await home.until(lambda: len(home.posted()) == 1)
    assert home.posted(ops) == []


async def test_fault_39_what_is_not_taken_as_an_embed_is_told_in_plain_text(home: Wired) -> None:
    home.standin.faults.answer(*POST, 400)
    event_id = await home.crash()
    await home.all_delivered()
    [message] = home.posted()
    assert not message.embeds
    assert "Ark crashed" in message.content
    assert f"#{event_id}" in message.content.replace("\\", "")
    assert len(message.content) <= 2000


async def test_fault_39_what_is_not_taken_anywhere_is_a_dead_letter_and_the_next_goes_on(home: Wired) -> None:
    home.standin.faults.answer(*POST, 400, times=4)
    await home.crash("ark")
    await home.outbox_says("buried_ms IS NOT NULL")
    await home.crash("rust")
    await home.all_delivered()
    assert ["Rust crashed" in text for text in home.texts()] == [True]
    [letter] = await home.stores.outbox.dead_letters()
    assert letter.item.tried == ("alerts",)


async def test_fault_41_a_token_that_is_refused_stops_the_sending_until_it_is_taken(home: Wired) -> None:
    await channel_route(home, home.guild.channel("ops"), filter=Filter("rust"))
    refused = home.standin.faults.answer("*", "/channels/**", 401, times=None)
    with capture_logs() as logs:
        await home.crash("ark")
        await home.outbox_says("attempts = 1")
        await home.crash("rust")
        await home.passes(7200, 300)
    assert refused.hits <= 2
    assert [entry["event"] for entry in logs].count("alerts_stopped") == 1
    assert home.delivery.traffic.refused
    refused.lift()
    await home.delivery.on_login()
    await home.all_delivered()
    assert "delayed 2 h" in home.texts()[0]


async def test_fault_35_while_one_destination_is_away_another_is_told_in_order(home: Wired) -> None:
    ops = home.guild.channel("ops")
    await channel_route(home, ops, filter=Filter("rust"))
    away = home.standin.faults.answer("POST", f"/channels/{home.alerts.id}/messages", 503, times=None)
    numbers: dict[str, list[int]] = {"ark": [], "rust": []}
    for count in range(6):
        for name, known in numbers.items():
            known.append(await home.crash(name, at_ms=home.clock.now_ms() + count * 3_600_000))
        await home.passes(20, 10)
    await home.until(lambda: len(home.posted(ops)) == 6)
    assert home.posted() == []
    away.lift()
    await home.drained()
    for channel, name in ((ops, "rust"), (home.alerts, "ark")):
        told = [int(text.rsplit("#", 1)[1].split(" ")[0]) for text in home.texts(channel)]
        assert told == numbers[name]


async def test_fault_35_gone_for_two_hours_everything_is_told_once_and_at_once_when_it_is_back(home: Wired) -> None:
    await home.standin.stop()
    for name in ("ark", "rust"):
        await home.crash(name)
    await home.outbox_says("attempts >= 1")
    await home.passes(7200, 400)
    await home.standin.start()
    await home.delivery.on_login()
    await home.all_delivered()
    assert ["crashed" in text and "delayed 2 h" in text for text in home.texts()] == [True, True]
