"""Discord refuses the bot, or is not there: said once, not hammered, and the servers are looked after meanwhile."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.client import GamekeeperClient
from bot.connection import RETRY_MAX_S, RETRY_S, stay_connected
from monitor.events import Event, ServerReady
from monitor.model import State
from monitor.spec import RestartPolicy
from tests.bot.in_process import Running, running, save, settings_in, sleeper
from tests.bot.log_lines import LogLines
from tests.bot.place import Place, shown
from tests.fakes.clock import FakeClock
from tests.fakes.waiting import PATIENCE_S
from tests.standin.gateway import IDENTIFY
from tests.standin.server import StandIn

pytestmark = [
    pytest.mark.usefixtures("own_priority"),
    pytest.mark.skipif(os.name != "posix", reason="its game waits and dies by signals"),
]


class RecordingClock(FakeClock):
    """Remembers how long it was asked to sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await super().sleep(seconds)

    async def pass_one(self) -> None:
        """Let the one sleep that is on be over."""
        await self.until_sleeping()
        await self.advance(self.asked[-1])


@pytest.fixture
async def servers(tmp_path: Path) -> None:
    await save(tmp_path, sleeper(tmp_path, restart=RestartPolicy(backoff_s=0.1)))


async def is_monitored(bot: Running) -> bool:
    """Start the server, kill it, and see it come back by itself."""
    first = await bot.start()
    back = asyncio.Event()

    def heard(_id: int, event: Event) -> None:
        if isinstance(event, ServerReady):
            back.set()

    bot.bot.bus.listen(heard)
    await bot.kill()
    await asyncio.wait_for(back.wait(), PATIENCE_S)
    return bot.pid() != first


async def refused(bot: Running, lines: LogLines) -> dict[str, Any]:
    """The one line about it, once the connection was given up."""
    await asyncio.wait_for(bot.connection, PATIENCE_S)
    [line] = lines.named("discord_refused")
    return line


@pytest.mark.usefixtures("servers")
async def test_fault_41_a_wrong_token_is_said_once_and_the_servers_are_watched_on(
    place: Place, tmp_path: Path, lines: LogLines
) -> None:
    async with running(place, settings_in(place, tmp_path, DISCORD_TOKEN="wrong.token.canary")) as bot:
        line = await refused(bot, lines)
        assert "DISCORD_TOKEN" in line["reason"]
        assert "still watched" in line["next_step"]
        assert await is_monitored(bot)
        assert [(call.path, call.status) for call in place.standin.requests] == [("/users/@me", 401)]
        assert place.standin.gateway.opened == 0
    assert "canary" not in repr(lines.lines)
    assert lines.grave() == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(4004, "DISCORD_TOKEN", id="token"),
        pytest.param(4010, "code 4010", id="another"),
        pytest.param(4013, "Update gamekeeper", id="unknown-intents"),
        pytest.param(4014, "lacks an intent", id="intents"),
    ],
)
@pytest.mark.usefixtures("servers")
async def test_fault_42_a_gateway_that_refuses_is_explained_and_left_alone(
    place: Place, tmp_path: Path, lines: LogLines, code: int, words: str
) -> None:
    place.standin.gateway.refuse_with = code
    async with running(place, settings_in(place, tmp_path)) as bot:
        assert words in (await refused(bot, lines))["reason"]
        assert await is_monitored(bot)
        assert (place.standin.gateway.opened, place.standin.gateway.count(IDENTIFY)) == (1, 1)
    assert lines.grave() == []


@pytest.mark.usefixtures("servers")
async def test_fault_41_a_token_that_is_taken_away_leaves_alerts_waiting_and_nothing_broken(
    place: Place, tmp_path: Path, lines: LogLines
) -> None:
    async with running(place, settings_in(place, tmp_path)) as bot:
        await bot.online()
        place.standin.gateway.close(4004)
        await refused(bot, lines)
        asked = len(place.standin.requests)
        assert await is_monitored(bot)
        assert len(place.standin.requests) == asked
    assert place.posted == []
    assert lines.grave() == []
    async with running(place, settings_in(place, tmp_path)) as bot:
        assert "crashed" in shown(await place.alert())


async def test_discord_out_of_reach_at_the_start_is_tried_ever_more_slowly_until_it_answers(
    place: Place, tmp_path: Path, lines: LogLines
) -> None:
    await place.standin.stop()
    clock = RecordingClock()
    async with running(place, settings_in(place, tmp_path), clock=clock) as bot:
        for _ in range(8):
            await clock.pass_one()
        await clock.until_sleeping()
        assert clock.asked[:3] == [RETRY_S, 2 * RETRY_S, 4 * RETRY_S]
        assert clock.asked[-2:] == [RETRY_MAX_S, RETRY_MAX_S]
        assert place.standin.requests == []
        await place.standin.start()
        await clock.advance(RETRY_MAX_S - 1)
        assert place.standin.requests == []
        await clock.advance(1)
        await bot.online()
        assert "no server here" in shown(await place.slash("status"))
    assert len(lines.named("discord_unreachable")) == 1
    assert len(lines.named("discord_ready")) == 1
    assert lines.grave() == []


def no_gateway(standin: StandIn) -> None:
    """The first address told for the gateway is one where nobody listens."""
    limits = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
    nobody = {"url": "ws://127.0.0.1:9", "shards": 1, "session_start_limit": limits}
    standin.faults.answer("GET", "/gateway/bot", 200, body=nobody)


def commands_reset(standin: StandIn) -> None:
    # Once more than aiohttp tries by itself, on a connection that it had kept.
    standin.faults.reset("PUT", "/applications/**", times=2)


def gateway_unavailable(standin: StandIn) -> None:
    standin.faults.answer("GET", "/gateway/bot", 503)


def proxy_says_429(standin: StandIn) -> None:
    standin.faults.rate_limit("GET", "/users/@me", 3600, via=False)


def discord_says_429(standin: StandIn) -> None:
    standin.faults.rate_limit("GET", "/users/@me", 3600)


def login_unavailable(standin: StandIn) -> None:
    standin.faults.answer("GET", "/users/@me", 503)


@pytest.mark.parametrize(
    "fault",
    [login_unavailable, proxy_says_429, discord_says_429, commands_reset, gateway_unavailable, no_gateway],
    ids=lambda fault: fault.__name__,
)
async def test_fault_36_37_42_whatever_fails_on_the_way_in_is_tried_again_after_a_pause(
    place: Place, tmp_path: Path, lines: LogLines, fault: Callable[[StandIn], None]
) -> None:
    fault(place.standin)
    clock = RecordingClock()
    async with running(place, settings_in(place, tmp_path), clock=clock) as bot:
        await clock.pass_one()
        await bot.online()
        assert "no server here" in shown(await place.slash("status"))
    assert clock.asked == [RETRY_S]
    assert len(lines.named("discord_unreachable")) == 1
    assert lines.grave() == []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda f: f.answer("PUT", "/applications/**", 403), id="forbidden"),
        pytest.param(lambda f: f.answer("PUT", "/applications/**", 400), id="not-understood"),
        pytest.param(lambda f: f.rate_limit("PUT", "/applications/**", 3600), id="rate-limit"),
    ],
)
async def test_commands_that_discord_does_not_take_keep_nothing_else_from_working(
    place: Place, tmp_path: Path, lines: LogLines, fault: Callable[[Any], object]
) -> None:
    fault(place.standin.faults)
    async with running(place, settings_in(place, tmp_path)) as bot:
        await bot.online()
    [line] = lines.named("commands_not_synced")
    assert line["guild"] == place.guild.id
    assert lines.grave() == []


@pytest.mark.usefixtures("servers")
async def test_fault_42_a_connection_that_is_cut_is_taken_up_again(
    place: Place, tmp_path: Path, lines: LogLines
) -> None:
    async with running(place, settings_in(place, tmp_path)) as bot:
        await bot.online()
        place.standin.gateway.reconnect()
        await place.standin.wait_for(lambda: place.standin.gateway.opened >= 2)
        assert bot.bot.fleet.server("meadow").state is State.STOPPED
        assert "Meadow" in shown(await place.slash("status"))
    assert lines.named("discord_refused") == []


async def test_a_mistake_of_ours_is_not_taken_for_an_outage(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mistaken(self: GamekeeperClient, *, reconnect: bool) -> None:
        monkeypatch.setattr(self, "ws", object())
        raise AttributeError("a name that is not there")

    monkeypatch.setattr(GamekeeperClient, "connect", mistaken)
    settings = settings_in(place, tmp_path)
    async with GamekeeperClient(()) as client:
        with pytest.raises(AttributeError, match="a name"):
            await stay_connected(client, settings.require_token(), settings.api_base, RecordingClock())
        monkeypatch.setattr(client, "ws", None)
