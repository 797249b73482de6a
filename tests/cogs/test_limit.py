"""`/limit`, and the whole way from a sample to a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import discord
import pytest
import simcord

from monitor.limit_events import ForecastLifted, LimitEvent, LimitForeseen, LimitRestart
from monitor.limits import Limit, RestartCause
from monitor.model import Sample
from storage.grants import Action
from tests.cogs.painters import RecordingPainter
from tests.cogs.world import World, until, world

GIB = 1 << 30
HEAP: dict[str, Any] = {"metric": "memory", "is": "above", "value": "8 GiB", "for": 1, "server": "alpha"}


Reply = simcord.ResponseMessage


async def run(home: World, name: str, who: simcord.MemberActor | None = None, **options: Any) -> Reply:
    result = await home.slash(who or home.people.admin, f"limit {name}", **options)
    assert result.response is not None
    return result.response


def text(reply: Reply) -> str:
    return reply.content + "".join(f"{embed.title}\n{embed.description}" for embed in reply.embeds)


async def heap(home: World, **changes: Any) -> Limit:
    await run(home, "set", **(HEAP | changes))
    return home.watch.limits[-1]


async def test_a_limit_that_is_set_is_shown_and_watched_at_once(home: World) -> None:
    reply = text(await run(home, "set", **HEAP))
    assert "Limit 2 is set" in reply
    assert "**Alpha World**" in reply
    assert "**Memory above 8.00 GiB** · for 1 m · ends at 7.60 GiB · Only told" in reply
    assert "`/limit remove limit:2`" in reply
    assert [limit.server_id for limit in home.watch.limits] == [None, "alpha"]
    assert [entry.entry.entry for entry in await home.audit.page(limit=1)] == ["/limit set"]


async def test_a_restart_with_all_that_can_be_said_of_it(home: World) -> None:
    options: dict[str, Any] = {"then": "restart", "ceiling": "9g", "at_most": 30, "hours": "3-6", "back_at": "7 GiB"}
    reply = text(await run(home, "set", **HEAP, **options))
    assert "ends at 7.00 GiB · Restart as soon as nobody is on · only within 03:00–06:00 (Asia/Seoul)" in reply
    assert "after 30 m at the latest · at once at 9.00 GiB" in reply


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"value": "8"}, "“8” lacks its unit. Write it with one, such as `8 GiB`, `512 MiB`."),
        ({"value": "lots"}, "“lots” is no value"),
        ({"metric": "host_cpu", "value": "90%"}, "Leave out `server`"),
        ({"ceiling": "9 GiB"}, "Choose that in `then`"),
        ({"server": "nowhere"}, "There is no server “nowhere”"),
    ],
)
async def test_what_cannot_be_a_limit_is_refused_with_what_can(
    home: World, changes: dict[str, Any], told: str
) -> None:
    assert told in (await run(home, "set", **(HEAP | changes))).content
    assert home.watch.limits == () or len(home.watch.limits) == 1


async def test_the_machine_and_all_servers_take_a_grant_on_all(home: World) -> None:
    stranger = home.people.stranger
    await home.grant(Action.MANAGE, "alpha", user_id=stranger.id)
    whole: dict[str, Any] = {"metric": "host_cpu", "is": "above", "value": "90%", "for": 5}
    assert "permission `manage`" in (await run(home, "set", stranger, **whole)).content
    assert "Limit 2 is set" in text(await run(home, "set", stranger, **HEAP))
    assert "The machine" in text(await run(home, "set", **whole))
    assert await home.complete(stranger, "limit remove", "", "limit") == ["2"]
    assert await home.complete(home.people.admin, "limit remove", "cpu", "limit") == ["3"]
    assert "permission `manage`" in (await run(home, "remove", stranger, limit="3")).content
    listed = text(await run(home, "list", stranger))
    assert "Memory above" in listed
    assert "CPU of the machine" not in listed


async def test_what_is_taken_back_is_gone(home: World) -> None:
    await heap(home)
    assert (
        "Limit 2 is gone: **Alpha World** · Memory above 8.00 GiB." in (await run(home, "remove", limit="2")).content
    )
    assert "There is no limit “2”" in (await run(home, "remove", limit="2")).content
    assert "Limit 1 is gone" in (await run(home, "remove", limit="#1")).content
    assert "There is no limit here" in text(await run(home, "list"))


async def measured(home: World, value: int, seconds: int = 90) -> None:
    for _ in range(seconds // 5):
        samples = [Sample("alpha", home.clock.now_ms() // 1000, rss_bytes=value, players=2)]
        home.fleet.measured(samples)
        home.samples.add(samples)
        home.watch.add(samples)
        await home.clock.advance(5)
    await home.rest()


def alerts(home: World) -> list[discord.Message]:
    return home.alerts.history()


async def test_a_crossing_is_posted_with_its_chart_and_its_end_replies_to_it(tmp_path: Path) -> None:
    async with world(tmp_path, painter=RecordingPainter()) as home:
        await home.slash(home.people.admin, "start", server="alpha")
        await heap(home)
        await measured(home, 9 * GIB)
        await until(lambda: bool(alerts(home)) and bool(alerts(home)[0].attachments))
        [message] = alerts(home)
        assert message.embeds[0].title == "🌡️ Alpha World: Memory above 8.00 GiB"
        assert "2 players are on" in (message.embeds[0].description or "")
        assert home.painter.requests[0].panels[0].key == "memory"
        listed = text(await run(home, "list", server="alpha"))
        assert "🌡️ **9.00 GiB** · crossed <t:" in listed
        await measured(home, 6 * GIB)
        await until(lambda: len(alerts(home)) == 2)
        reply = next(each for each in alerts(home) if each.id != message.id)
        assert reply.embeds[0].title == "☑️ Alpha World: Memory is back within its limit"
        assert reply.reference is not None
        assert reply.reference.message_id == message.id
        await until(lambda: "Back within the limit" in str(alerts(home)[0].embeds[0].description))


async def record(home: World, event: LimitEvent) -> None:
    home.house.bus.publish(await home.journal.record(event), event)


async def test_a_forecast_grows_by_what_becomes_of_it_and_a_crash_stays_a_message_of_its_own(home: World) -> None:
    limit = await heap(home)
    about: dict[str, Any] = {
        "server_id": "alpha",
        "at_ms": home.clock.now_ms(),
        "limit": limit,
        "target": "alpha",
    }
    await record(home, LimitForeseen(value=7.0 * GIB, growth_per_h=1.0 * GIB, in_s=3600.0, **about))
    await until(lambda: len(alerts(home)) == 1)
    await home.slash(home.people.admin, "start", server="alpha")
    (await home.house.launcher.nth(1)).exit(signal=11)
    await until(lambda: len(alerts(home)) == 2)
    titles = [message.embeds[0].title or "" for message in alerts(home)]
    assert any("crashed" in title for title in titles)
    await record(home, ForecastLifted(**about))
    foreseen = next(each for each in alerts(home) if "going to be above" in (each.embeds[0].title or ""))
    await until(
        lambda: (
            "No longer to be expected"
            in str(next(each for each in alerts(home) if each.id == foreseen.id).embeds[0].description)
        )
    )
    assert len(alerts(home)) == 2


async def test_a_restart_for_a_limit_is_a_line_in_its_message(home: World) -> None:
    limit = await heap(home, then="restart")
    await home.slash(home.people.admin, "start", server="alpha")
    await measured(home, 9 * GIB)
    await until(lambda: len(alerts(home)) == 1)
    assert "🔁 Restart as soon as nobody is on" in str(alerts(home)[0].embeds[0].description)
    event = LimitRestart(
        server_id="alpha", at_ms=home.clock.now_ms(), limit=limit, target="alpha", cause=RestartCause.EMPTY
    )
    await record(home, event)
    await until(lambda: "Restarted for this limit: nobody is on" in str(alerts(home)[0].embeds[0].description))
    assert len(alerts(home)) == 1


async def test_everything_in_korean(home: World) -> None:
    reply = text(await run(home, "set", locale="ko", **HEAP))
    assert "한도 2번을 정했습니다" in reply
    assert "메모리 8.00 GiB 초과" in reply
    assert "“9” 한도는 없습니다" in text(await run(home, "remove", locale="ko", limit="9"))
