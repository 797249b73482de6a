"""From a game that falls silent, or a machine without memory, to the alert channel."""

from __future__ import annotations

from pathlib import Path

import discord
import pytest

from cogs.render.chart_request import MarkKind
from monitor.model import State
from monitor.spec import HangPolicy, RestartPolicy, ServerSpec
from tests.cogs.world import World, until, world
from tests.fakes.house import spec_of


def hanging(*, restart: bool) -> ServerSpec:
    return spec_of(
        "alpha",
        name="Alpha World",
        hang=HangPolicy(probes=2, interval_s=10, restart=restart),
        restart=RestartPolicy(backoff_s=60),
    )


async def alerts(home: World, count: int) -> list[discord.Embed]:
    await until(lambda: len(home.alerts.history()) >= count)
    await home.rest()
    return [message.embeds[0] for message in home.alerts.history()]


async def asked(home: World) -> None:
    """Let it be asked once more whether it answers."""
    game = home.house.game("alpha")
    times = game.asked.count("signs") + 1
    await home.clock.advance(10)
    await until(lambda: game.asked.count("signs") >= times)
    await home.rest()


async def fall_silent(home: World) -> None:
    await home.slash(home.people.admin, "start", server="alpha")
    home.house.game("alpha").signs = {"admin": False, "query": False}
    await asked(home)
    await asked(home)


async def test_fault_20_a_server_that_hangs_and_comes_back_is_two_alerts(tmp_path: Path) -> None:
    async with world(tmp_path, [hanging(restart=False)]) as home:
        await fall_silent(home)
        [hung] = await alerts(home, 1)
        assert hung.title == "🧊 Alpha World does not answer"
        assert "2 questions unanswered in a row, its admin port is silent, its query port is silent" in str(
            hung.description
        )
        assert home.fleet.server("alpha").state is State.UNRESPONSIVE
        home.house.game("alpha").signs = {"admin": True, "query": True}
        await asked(home)
        [_, back] = await alerts(home, 2)
        assert back.title == "✅ Alpha World answers again"
        assert len(home.house.launcher.spawned) == 1
        await home.clock.advance(120)
        await home.slash(home.people.admin, "chart", server="alpha")
        marked = [mark.kind for mark in home.painter.requests[-1].marks]
        assert sorted(marked) == sorted([MarkKind.STARTED, MarkKind.READY, MarkKind.HUNG, MarkKind.READY])


async def test_fault_20_a_server_that_hangs_is_ended_where_that_is_wanted(tmp_path: Path) -> None:
    async with world(tmp_path, [hanging(restart=True)]) as home:
        await fall_silent(home)
        [ended] = await alerts(home, 1)
        assert ended.title == "🧊 Alpha World did not answer and was ended"
        assert "its admin port is silent" in str(ended.description)
        assert "🔁 Restart 1 of 5" in str(ended.description)
        await until(lambda: home.fleet.server("alpha").state is State.BACKOFF)


async def test_memory_that_ran_out_is_quoted_from_the_system(home: World) -> None:
    await home.slash(home.people.admin, "start", server="alpha")
    process = home.house.launcher.processes[0]
    process.oom = "Out of memory: Killed process 1001 (java)"
    process.exit(signal=9)
    [alert] = await alerts(home, 1)
    assert alert.title == "🧠 Alpha World ran out of memory"
    assert r"> Out of memory\: Killed process 1001 \(java\)" in str(alert.description)


@pytest.mark.parametrize(
    ("twin", "named"),
    [("java, pid 4711", "java, pid 4711"), ("another program", "another program")],
    ids=["named", "hidden"],
)
async def test_fault_14_a_restart_that_is_refused_names_who_is_in_the_way(home: World, twin: str, named: str) -> None:
    await home.slash(home.people.admin, "start", server="alpha")
    home.house.launcher.twin = twin
    home.house.launcher.processes[0].exit(1)
    await until(lambda: home.fleet.server("alpha").state is State.BACKOFF)
    await home.clock.advance(10)
    [_, refused] = await alerts(home, 2)
    assert refused.title == "🚫 Alpha World failed to start"
    assert f"the bot did not start it: {named}. End that first." in str(refused.description)
