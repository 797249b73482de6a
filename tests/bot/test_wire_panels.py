"""Panels, buttons and the presence over a real wire, with a real process as the server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.model import State
from tests.bot.in_process import Running, running, save, settings_in, sleeper
from tests.bot.log_lines import LogLines
from tests.bot.place import Place, shown
from tests.fakes.waiting import PATIENCE_S
from tests.standin.gateway import PRESENCE
from tests.standin.message import Message

pytestmark = [
    pytest.mark.usefixtures("own_priority"),
    pytest.mark.skipif(os.name != "posix", reason="its game waits and dies by signals"),
]


@pytest.fixture
async def bot(place: Place, tmp_path: Path, lines: LogLines) -> AsyncIterator[Running]:
    """The bot, connected, with one server that is down."""
    await save(tmp_path, sleeper(tmp_path))
    async with running(place, settings_in(place, tmp_path)) as started:
        await started.online()
        yield started
    assert lines.grave() == []


def panel(place: Place) -> Message:
    return place.standin.messages(place.talk)[-1]


def labels(message: Message) -> list[str]:
    return [control["label"] for control in message.controls()]


async def pin(place: Place) -> None:
    told = await place.slash("panel pin", channel=place.talk, servers="meadow")
    assert "keeps itself current" in told.content


async def test_fault_43_five_presses_at_once_start_it_once_and_the_panel_follows(
    bot: Running, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.panel_pace.EDIT_EVERY_S", 0.5)
    monkeypatch.setattr("cogs.panel_keeper.LOOK_EVERY_S", 0.1)
    await pin(place)
    assert labels(panel(place)) == ["Start", "Chart", "Logs"]
    presses = [await place.standin.click(place.owner, panel(place), "Start") for _ in range(5)]
    answers = [await press.edited(timeout_s=10) for press in presses]
    assert sorted("Players can join" in answer.content for answer in answers) == [False] * 4 + [True]
    assert all(answer.ephemeral for answer in answers)
    await place.standin.wait_for(lambda: "Restart" in labels(panel(place)))
    assert "running" in shown(panel(place))
    assert len(place.standin.messages(place.talk)) == 1


async def test_fault_42_the_presence_is_there_and_told_again_after_a_reconnect(bot: Running, place: Place) -> None:
    def told() -> list[str]:
        received = place.standin.gateway.received
        return [p["d"]["activities"][0]["state"] for p in received if p["op"] == PRESENCE]

    await place.standin.wait_for(lambda: told() == ["0 of 1 server up"])
    place.standin.gateway.reconnect()
    await place.standin.wait_for(lambda: told() == ["0 of 1 server up"] * 2)


async def test_as_it_ends_a_panel_says_so_and_the_next_life_takes_it_up(
    place: Place, tmp_path: Path, lines: LogLines
) -> None:
    await save(tmp_path, sleeper(tmp_path))
    async with running(place, settings_in(place, tmp_path)) as bot:
        await bot.online()
        await pin(place)
        message_id = panel(place).id
    assert "The bot is off" in shown(panel(place))
    assert panel(place).controls() == []
    async with running(place, settings_in(place, tmp_path)) as bot:
        await bot.online()
        await place.standin.wait_for(lambda: "Start" in labels(panel(place)))
        assert bot.bot.fleet.server("meadow").state is State.STOPPED
    assert panel(place).id == message_id
    assert lines.grave() == []


async def test_a_discord_that_is_silent_holds_its_end_up_for_two_seconds_at_most(
    place: Place, tmp_path: Path
) -> None:
    await save(tmp_path, sleeper(tmp_path))
    async with running(place, settings_in(place, tmp_path)) as bot:
        await bot.online()
        await pin(place)
        silence = place.standin.faults.hang("PATCH", "/channels/*/messages/*", times=None)
        began_s = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began_s < PATIENCE_S
    silence.lift()
