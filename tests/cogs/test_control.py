from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import simcord

from monitor.errors import LaunchFault
from monitor.model import State
from monitor.spec import RestartMode, RestartPolicy
from tests.cogs.world import World, until, world
from tests.fakes.house import spec_of
from tests.fakes.machine import STUBBORN, FakeProcess


def said(result: simcord.InteractionResult) -> str:
    assert result.response is not None
    return result.response.content


async def give(home: World, name: str, **options: Any) -> str:
    return said(await home.slash(home.people.admin, name, server="alpha", **options))


async def shown(home: World, text: str) -> None:
    """Wait until the reply has said that much."""
    await until(lambda: any(text in edit for edit in home.edits()))


async def test_start_waits_until_players_can_join(home: World) -> None:
    result = await home.slash(home.people.admin, "start", server="alpha")
    assert said(result).endswith("**Alpha World** is up. Players can join.")
    assert not result.ephemeral
    [callback] = home.sent("POST", "/callback")
    assert callback["type"] == 5
    assert home.fleet.server("alpha").state is State.RUNNING
    assert (await home.journal.events())[-1].event.by.name == "admin"  # type: ignore[attr-defined]


async def test_start_of_what_runs(home: World) -> None:
    await give(home, "start")
    assert await give(home, "start") == "⚠️ **Alpha World** is already running."
    assert len(home.house.launcher.spawned) == 1


async def test_fault_8_start_of_what_is_starting(home: World) -> None:
    home.house.slow = True
    first = asyncio.create_task(give(home, "start"))
    await home.house.launcher.nth(1)
    second = asyncio.create_task(home.forge(home.people.owner, home.channel, "start", {"server": "alpha"}))
    await shown(home, "already starting")
    home.house.log("alpha").write("Done (1s)")
    await home.clock.advance(1)
    assert "is up" in await first
    assert "already starting" in said(await second)
    assert len(home.house.launcher.spawned) == 1


@pytest.mark.parametrize(
    ("policy", "state", "told"),
    [
        (RestartPolicy(), State.BACKOFF, "The next try is <t:"),
        (RestartPolicy(budget=0), State.FAILED, "was given up"),
        (RestartPolicy(policy=RestartMode.NEVER), State.STOPPED, "is down.\ncrashed: "),
    ],
    ids=["again", "given_up", "stays_down"],
)
async def test_fault_4_start_that_crashes_at_once(
    tmp_path: Path, policy: RestartPolicy, state: State, told: str
) -> None:
    async with world(tmp_path, [spec_of("alpha", restart=policy)]) as home:
        home.house.launcher.on_spawn = lambda process: process.exit(signal=11)
        text = await give(home, "start")
        assert told in text
        assert home.fleet.server("alpha").state is state
        assert "SIGSEGV (invalid memory access)" in text


@pytest.mark.parametrize("fault", LaunchFault)
async def test_fault_15_start_of_what_cannot_be_started(home: World, fault: LaunchFault) -> None:
    home.house.launcher.refuse_with = fault
    text = await give(home, "start")
    assert text.startswith("⚠️ ")
    assert "went wrong" not in text
    assert home.fleet.server("alpha").state is State.STOPPED


async def test_stop_shows_its_steps(home: World) -> None:
    await give(home, "start")
    text = await give(home, "stop", reason="tea")
    assert text.splitlines() == [
        "💾 Saving the world",
        "🚪 Asking the game to stop",
        "⏹️ **Alpha World** is down.",
    ]
    assert home.house.game("alpha").asked[-2:] == ["save", "stop"]


async def test_fault_6_7_each_step_is_shown_as_it_begins(home: World) -> None:
    home.house.launcher.temper = STUBBORN
    game = home.house.game("alpha")
    game.hang, game.on_stop = {"save"}, None
    await give(home, "start")
    stopping = asyncio.create_task(give(home, "stop"))
    await shown(home, "💾 Saving the world …")
    assert "🚪" not in home.edits()[-1]
    await home.clock.advance(30)
    await shown(home, "💾 Saving the world\n🚪 Asking the game to stop …")
    await home.clock.advance(60)
    await shown(home, "terminating it …")
    await home.clock.advance(10)
    text = await stopping
    assert [line[0] for line in text.splitlines()] == ["💾", "🚪", "⚠", "⛔", "⏹", "⚠", "⚠"]
    assert text.splitlines()[-2:] == [
        "⚠️ The world was not seen to be saved: nothing showed it in time.",
        "⚠️ It had to be forced: what was not saved by then is lost.",
    ]
    assert home.house.launcher.processes[0].killed == 1


async def test_stop_by_force_leaves_the_polite_steps_out(home: World) -> None:
    await give(home, "start")
    text = await give(home, "stop", force=True)
    assert text.splitlines() == ["⚠️ Terminating it at once", "⏹️ **Alpha World** is down."]
    assert not {"save", "stop"} & set(home.house.game("alpha").asked)
    assert home.house.launcher.processes[0].terminated == 1


async def test_fault_6_force_ends_a_polite_stop_that_is_under_way(home: World) -> None:
    home.house.game("alpha").on_stop = None
    await give(home, "start")
    polite = asyncio.create_task(give(home, "stop"))
    await shown(home, "🚪 Asking the game to stop …")
    forced = await home.forge(home.people.owner, home.channel, "stop", {"server": "alpha", "force": True})
    assert said(forced).splitlines() == ["⚠️ Terminating it at once", "⏹️ **Alpha World** is down."]
    assert (await polite).splitlines() == [
        "💾 Saving the world",
        "🚪 Asking the game to stop",
        "⏹️ **Alpha World** is down.",
        "⚠️ It had to be forced: what was not saved by then is lost.",
    ]
    assert home.house.launcher.processes[0].terminated == 1


async def test_a_second_polite_stop_says_what_helps(home: World) -> None:
    home.house.game("alpha").on_stop = None
    await give(home, "start")
    polite = asyncio.create_task(give(home, "stop"))
    await shown(home, "🚪 Asking the game to stop …")
    second = asyncio.create_task(home.forge(home.people.owner, home.channel, "stop", {"server": "alpha"}))
    await shown(home, "`/stop` with `force` ends it at once")
    home.house.launcher.processes[0].exit(0)
    assert "is stopping already" in said(await second)
    assert "is down" in await polite


async def test_stop_of_what_is_down(home: World) -> None:
    assert await give(home, "stop") == "⚠️ **Alpha World** is down already."


async def test_fault_10_stop_calls_a_restart_off(home: World) -> None:
    home.house.launcher.on_spawn = lambda process: process.exit(3)
    await give(home, "start")
    assert home.fleet.server("alpha").state is State.BACKOFF
    assert "is down" in await give(home, "stop")
    await home.clock.advance(3600)
    assert len(home.house.launcher.spawned) == 1


async def test_restart(home: World) -> None:
    await give(home, "start")
    first = home.fleet.server("alpha").process
    text = await give(home, "restart", reason="update")
    assert text.splitlines()[:2] == ["💾 Saving the world", "🚪 Asking the game to stop"]
    assert "is up" in text
    second = home.fleet.server("alpha").process
    assert first != second
    assert second is not None


async def test_restart_of_what_is_down(home: World) -> None:
    assert "Start it with `/start`" in await give(home, "restart")
    assert home.house.launcher.spawned == []


async def test_restart_that_does_not_come_up(home: World) -> None:
    def crash_the_second(process: FakeProcess) -> None:
        if len(home.house.launcher.processes) > 1:
            process.exit(1)
        else:
            home.house.log("alpha").write("Done (1s)")

    home.house.launcher.on_spawn = crash_the_second
    await give(home, "start")
    assert "ended before it was ready" in await give(home, "restart")


async def test_the_answers_in_korean(home: World) -> None:
    up = said(await home.slash(home.people.admin, "start", locale="ko", server="alpha"))
    down = said(await home.slash(home.people.admin, "stop", locale="ko", server="alpha"))
    for text in (up, down):
        assert "Alpha World" in text
        assert "is " not in text
