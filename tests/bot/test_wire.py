"""The bot over real HTTP and WebSocket, pointed at a stand-in Discord by `DISCORD_API_BASE` alone."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo.adapter import DemoGame
from monitor.games.registry import ADAPTERS
from monitor.model import State
from monitor.spec import AdminEndpoint, RestartPolicy, Secret, ServerSpec
from tests.bot.in_process import Running, running, save, settings_in, sleeper
from tests.bot.log_lines import LogLines
from tests.bot.place import Place, shown
from tests.cogs import matrix
from tests.fakes.free_port import free_port
from tests.fakes.waiting import until
from tests.standin.gateway import GUILDS
from tests.standin.interactions import DEFERRED_MESSAGE, MESSAGE

pytestmark = [
    pytest.mark.usefixtures("own_priority"),
    pytest.mark.skipif(os.name != "posix", reason="its game waits and dies by signals"),
]

COMMANDS = {name.split()[0] for name in matrix.COMMANDS}
PNG = b"\x89PNG\r\n\x1a\n"
QUICK = RestartPolicy(backoff_s=0.2)


@pytest.fixture
async def bot(place: Place, tmp_path: Path, lines: LogLines) -> AsyncIterator[Running]:
    """The bot, connected, with one server that is down."""
    await save(tmp_path, sleeper(tmp_path, restart=QUICK))
    async with running(place, settings_in(place, tmp_path)) as started:
        await started.online()
        yield started
    assert lines.grave() == []


async def test_it_connects_and_syncs_its_commands_to_its_guild(bot: Running, place: Place) -> None:
    [sync] = place.standin.calls("PUT", "/applications/**")
    assert sync.path == f"/applications/{place.standin.world.application_id}/guilds/{place.guild.id}/commands"
    assert {command["name"] for command in sync.json} == COMMANDS
    assert {command["name"] for command in place.standin.commands.of(place.guild.id)} == COMMANDS
    [session] = place.standin.gateway.sessions.values()
    assert session.intents == GUILDS


async def test_fault_47_it_leaves_guilds_that_the_settings_do_not_name(place: Place, tmp_path: Path) -> None:
    before = place.standin.guild("Strangers")
    async with running(place, settings_in(place, tmp_path)) as bot:
        await bot.online()
        later = place.standin.guild("More strangers")
        await place.standin.wait_for(lambda: {before.id, later.id}.isdisjoint(place.standin.world.guilds))
        assert place.guild.id in place.standin.world.guilds


async def test_without_guilds_in_the_settings_the_commands_are_everywhere(place: Place, tmp_path: Path) -> None:
    async with running(place, settings_in(place, tmp_path, DISCORD_GUILD_IDS="")) as bot:
        await bot.online()
    assert {command["name"] for command in place.standin.commands.of(None)} == COMMANDS
    assert place.standin.commands.of(place.guild.id) == []


async def test_a_command_is_acknowledged_in_time_and_answered_by_an_edit(bot: Running, place: Place) -> None:
    interaction = await place.standin.slash(place.owner, place.talk, "status")
    callback = await interaction.acknowledged()
    assert callback["type"] == DEFERRED_MESSAGE
    assert "Meadow" in shown(await interaction.edited())
    assert interaction.answered_after_s is not None
    assert interaction.answered_after_s < 3


async def test_servers_are_completed_for_those_who_may_act_on_them(bot: Running, place: Place) -> None:
    typed = {"server": "mea"}
    offered = await place.standin.autocomplete(place.owner, place.talk, "start", typed)
    assert [choice["value"] for choice in offered] == ["meadow"]
    assert await place.standin.autocomplete(place.stranger, place.talk, "start", typed) == []


async def test_a_stranger_is_refused_and_nothing_is_started(bot: Running, place: Place) -> None:
    interaction = await place.standin.slash(place.stranger, place.talk, "start", {"server": "meadow"})
    assert (await interaction.acknowledged())["type"] == MESSAGE
    refusal = await interaction.response()
    assert refusal.ephemeral
    assert "may not" in refusal.content
    assert bot.bot.fleet.server("meadow").state is State.STOPPED


async def test_start_status_and_stop_are_about_a_real_process(bot: Running, place: Place) -> None:
    assert "Players can join" in shown(await place.slash("start", server="meadow"))
    pid = bot.pid()
    assert f"PID {pid}" in shown(await place.slash("status", server="meadow"))
    interaction = await place.standin.slash(place.owner, place.talk, "stop", {"server": "meadow"})
    await interaction.until(lambda message: "is down" in message.content)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert place.posted == []


def demo_server(folder: Path, password: str) -> ServerSpec:
    port = free_port()
    argv = (sys.executable, "-m", "bot.demo.game", "--port", str(port), "--password-env", "PW")
    return ServerSpec(
        id="meadow",
        name="Meadow",
        game="demo",
        argv=(*argv, "--world", str(folder / "world")),
        cwd=Path(__file__).parents[2],
        env={"PW": password},
        admin=AdminEndpoint("127.0.0.1", port, Secret(password)),
        restart=QUICK,
    )


async def test_a_game_is_played_crashes_and_is_told_with_its_chart(
    place: Place, tmp_path: Path, lines: LogLines
) -> None:
    password = secrets.token_hex(12)
    await save(tmp_path, demo_server(tmp_path, password))
    async with running(place, settings_in(place, tmp_path), adapters={**ADAPTERS, "demo": DemoGame}) as bot:
        await bot.online()
        assert "Players can join" in shown(await place.slash("start", server="meadow"))
        first = bot.pid()
        assert "of a max of 20" in shown(await place.slash("rcon", server="meadow", command="list"))
        await place.standin.slash(place.owner, place.talk, "rcon", {"server": "meadow", "command": "crash"})
        alert = await place.alert()
        assert "Meadow crashed" in shown(alert)
        assert alert.file("chart.png").data.startswith(PNG)
        await bot.up()
        assert bot.pid() != first
    [created] = place.standin.calls("POST", f"/channels/{place.alerts.id}/messages")
    assert (created.files, created.json["enforce_nonce"], bool(created.json["nonce"])) == ((), True, True)
    edits = place.standin.calls("PATCH", f"/channels/{place.alerts.id}/messages/*")
    assert [upload.filename for edit in edits for upload in edit.files] == ["chart.png"]
    assert no_secret_went_out(place, password)
    assert lines.grave() == []


def no_secret_went_out(place: Place, password: str) -> bool:
    """Whether all that the stand-in was ever told is free of the token and of the game's password."""
    said = [[r.path, r.query, r.headers, r.json] for r in place.standin.requests]
    everything = json.dumps([said, place.standin.gateway.received])
    assert len(everything) > 1000
    return place.standin.token not in everything and password not in everything


async def test_fault_35_a_crash_while_discord_is_down_is_told_once_it_is_back(
    bot: Running, place: Place, lines: LogLines
) -> None:
    await bot.start()
    await place.standin.stop()
    await bot.kill()
    await lines.line("alert_not_delivered")
    await place.standin.start()
    alert = await place.alert()
    assert "Meadow crashed" in shown(alert)
    await lines.line("alerts_flow_again")
    await bot.kill()
    await place.alert(2)
    assert [("crashed" in shown(message)) for message in place.posted] == [True, True]
    assert len(lines.named("alert_not_delivered")) == 1


async def test_fault_36_an_answer_lost_after_the_message_was_made_makes_no_second(bot: Running, place: Place) -> None:
    lost = place.standin.faults.answer("POST", "/channels/*/messages", 502, after=True)
    await bot.start()
    await bot.kill()
    await place.alert()
    first, second = place.standin.calls("POST", f"/channels/{place.alerts.id}/messages")
    assert lost.hits == 1
    assert first.json["nonce"] == second.json["nonce"]
    assert len(place.posted) == 1


async def test_closing_it_leaves_nothing_open(place: Place, tmp_path: Path) -> None:
    await save(tmp_path, sleeper(tmp_path, restart=QUICK))
    tasks_before = asyncio.all_tasks()
    gc.collect()
    files_before = open_files()
    async with running(place, settings_in(place, tmp_path)) as bot:
        await bot.online()
        await bot.start()
        await bot.kill()
        await place.alert()
        assert open_files() > files_before
    await place.standin.stop()

    def nothing_open() -> bool:
        gc.collect()
        return asyncio.all_tasks() <= tasks_before and open_files() <= files_before

    # What is closed is gone some turns of the event loop later.
    await until(nothing_open, every_s=0.05)


def open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())
