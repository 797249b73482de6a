from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest
import simcord
from structlog.testing import capture_logs

from cogs.reply import ACKNOWLEDGED
from monitor.model import State
from tests.cogs.talker import Talker
from tests.cogs.world import World, until

CALLBACK, WEBHOOK = "/interactions/*/callback", "/webhooks/*"


def in_channel(home: World) -> list[discord.Message]:
    """What stands in the channel as messages of its own, not as answers to an interaction."""
    return [message for message in home.channel.history() if message.interaction_metadata is None]


async def test_fault_40_too_late_to_acknowledge(home: World) -> None:
    home.env.inject_error("POST", CALLBACK, status=404, code=10062, times=None)
    await home.slash(home.people.admin, "start", server="alpha")
    [message] = in_channel(home)
    assert message.content.endswith("**Alpha World** is up. Players can join.")
    assert len(home.house.launcher.spawned) == 1


@pytest.mark.parametrize(("status", "code"), [(401, 50027), (404, 10062), (404, 10008), (404, 10015)], ids=str)
async def test_fault_40_gone_before_the_answer(home: World, status: int, code: int) -> None:
    await home.slash(home.people.admin, "start", server="alpha")
    home.env.inject_error("PATCH", WEBHOOK, status=status, code=code, times=None)
    await home.slash(home.people.admin, "stop", server="alpha")
    [message] = in_channel(home)
    assert message.content.endswith("**Alpha World** is down.")
    assert home.house.game("alpha").asked.count("stop") == 1


async def test_fault_40_a_file_goes_to_the_channel_as_well(home: World) -> None:
    await home.slash(home.people.admin, "start", server="alpha")
    Talker(home, "x" * 5000)
    home.env.inject_error("PATCH", WEBHOOK, status=401, code=50027, times=None)
    await home.slash(home.people.admin, "rcon", server="alpha", command="dump")
    [message] = in_channel(home)
    assert await message.attachments[0].read() == b"x" * 5000


async def test_fault_40_an_error_goes_to_the_channel_where_the_command_was_begun(home: World) -> None:
    home.env.inject_error("PATCH", WEBHOOK, status=401, code=50027, times=None)
    await home.slash(home.people.admin, "stop", server="alpha")
    assert [message.content for message in in_channel(home)] == ["⚠️ **Alpha World** is down already."]


async def test_fault_40_a_refusal_never_goes_to_the_channel(home: World) -> None:
    home.env.inject_error("POST", CALLBACK, status=404, code=10062, times=None)
    await home.slash(home.people.stranger, "start", server="alpha")
    assert in_channel(home) == []
    assert home.house.launcher.spawned == []


class Answer:
    """The part of an HTTP response that discord.py's errors read."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.reason = "Bad Request"


def lose_first_answer(env: simcord.Env) -> None:
    """Have Discord take the first acknowledgement, lose its answer, and refuse what the library then sends again."""
    adapter: Any = env._webhook_adapter
    request = adapter.request
    lost = False

    async def lossy(route: Any, *args: Any, **options: Any) -> Any:
        nonlocal lost
        answer = await request(route, *args, **options)
        if not lost and route.url.endswith("/callback"):
            lost = True
            raise discord.HTTPException(Answer(400), {"code": ACKNOWLEDGED, "message": "acknowledged"})
        return answer

    adapter.request = lossy


async def test_fault_40_acknowledged_already(home: World) -> None:
    lose_first_answer(home.env)
    result = await home.slash(home.people.admin, "start", server="alpha")
    assert result.response is not None
    assert "is up" in result.response.content
    assert len(home.house.launcher.spawned) == 1
    assert in_channel(home) == []


async def test_fault_40_a_refusal_that_was_taken_already_is_edited(home: World) -> None:
    lose_first_answer(home.env)
    result = await home.slash(home.people.stranger, "start", server="alpha")
    assert result.response is not None
    assert result.response.ephemeral
    assert "`control`" in result.response.content


async def test_fault_40_no_answer_at_all_is_logged(home: World) -> None:
    home.env.inject_error("PATCH", WEBHOOK, status=401, code=50027, times=None)
    home.env.inject_error("POST", f"/channels/{home.channel.id}/messages", status=403, code=50013, times=None)
    with capture_logs() as logs:
        await home.slash(home.people.admin, "start", server="alpha")
    assert logs[-1]["event"] == "refusal_not_told"
    assert home.fleet.server("alpha").state is State.RUNNING


async def test_a_stop_does_not_wait_for_discord(home: World) -> None:
    await home.slash(home.people.admin, "start", server="alpha")
    adapter: Any = home.env._webhook_adapter
    request, answering = adapter.request, asyncio.Event()

    async def slow(route: Any, *args: Any, **options: Any) -> Any:
        if route.method == "PATCH":
            await answering.wait()
        return await request(route, *args, **options)

    adapter.request = slow
    stopping = asyncio.create_task(home.slash(home.people.admin, "stop", server="alpha"))
    await until(lambda: home.fleet.server("alpha").state is State.STOPPED)
    assert not stopping.done()
    answering.set()
    result = await stopping
    assert result.response is not None
    assert "is down" in result.response.content


async def test_steps_that_cannot_be_shown_cost_nothing(home: World) -> None:
    await home.slash(home.people.admin, "start", server="alpha")
    home.env.inject_error("PATCH", WEBHOOK, status=500, times=1)
    with capture_logs() as logs:
        result = await home.slash(home.people.admin, "stop", server="alpha")
    assert "progress_not_shown" in [entry["event"] for entry in logs]
    assert result.response is not None
    assert "is down" in result.response.content
