"""Launchers, daemons and games that start themselves anew: what a root leaves behind is found."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from monitor.local.machine import local_system
from monitor.local.posix import PosixSystem
from monitor.local.psutil_table import PsutilTable
from monitor.local.records import Records
from monitor.local.system import System
from monitor.model import ExitStatus
from monitor.ports import ServerProcess
from tests.monitor.local.little_bot import MARKER, start_bot
from tests.monitor.local.stage import LIMIT_S, Puppet, Stage

linux = pytest.mark.skipif(sys.platform != "linux", reason="a recorder is made of Linux parts")


@pytest.fixture(params=["as-it-is", "by-psutil"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    runs = tmp_path / "runs"
    return local_system(runs) if request.param == "as-it-is" else PosixSystem(PsutilTable(), Records(runs))


async def left_behind(stage: Stage, order: str) -> tuple[ServerProcess, Puppet]:
    """Have a launcher start a game in some way, and exit; give the game."""
    launcher, puppet = await stage.play("launcher", marker="run-5")
    await puppet.order(f"{order} game")
    game = await stage.enters("game")
    puppet.send("exit 0")
    async with asyncio.timeout(LIMIT_S):
        assert await launcher.wait() == ExitStatus(code=0)
    found = await stage.launcher.find("run-5")
    assert found is not None, "it is followed"
    return stage.keep(found), game


@pytest.mark.parametrize("order", ["child", "daemon", pytest.param("nameless-child", marks=linux)])
async def test_fault_11_the_game_of_a_launcher_that_has_exited_is_followed(stage: Stage, order: str) -> None:
    process, game = await left_behind(stage, order)
    assert process.identity.pid == game.pid
    await process.interrupt("SIGTERM")
    await game.gone()
    async with asyncio.timeout(LIMIT_S):
        assert await process.wait() in (ExitStatus(signal=15), ExitStatus())


@linux
async def test_fault_11_18_a_game_that_forgot_its_environment_is_found_by_the_next_bot(
    stage: Stage, system: System
) -> None:
    form = "by-psutil" if isinstance(system, PosixSystem) and isinstance(system._table, PsutilTable) else ""
    bot = await start_bot(stage, "launcher", form=form)
    launcher = await stage.enters("launcher")
    await launcher.order("nameless-child game")
    game = await stage.enters("game")
    await bot.kill()
    root = await stage.adopt(bot.identity)
    launcher.send("exit 0")
    await root.wait()
    found = await stage.launcher.find(MARKER)
    assert found is not None
    assert stage.keep(found).identity.pid == game.pid
    assert await stage.launcher.ended(MARKER) == ExitStatus(code=0)


async def test_fault_11_a_game_that_starts_itself_anew_is_followed_again_and_again(stage: Stage) -> None:
    process, game = await stage.play("life-0", marker="run-5")
    for life in range(1, 4):
        await game.order(f"child life-{life}")
        heir = await stage.enters(f"life-{life}")
        game.send("exit 0")
        await process.wait()
        found = await stage.launcher.find("run-5")
        assert found is not None
        process, game = stage.keep(found), heir
        assert process.identity.pid == heir.pid


async def test_fault_11_nothing_is_followed_when_nothing_is_left(stage: Stage) -> None:
    process, game = await stage.play("game", marker="run-5")
    stranger = await stage.play("stranger", marker="run-6", server_id="other")
    game.send("exit 0")
    await process.wait()
    assert await stage.launcher.find("run-5") is None
    await stranger[1].order("burn 0")


async def test_the_live_root_is_what_is_found_while_it_lives(stage: Stage) -> None:
    process, puppet = await stage.play("launcher", marker="run-5")
    await puppet.order("child game")
    await stage.enters("game")
    found = await stage.launcher.find("run-5")
    assert found is not None
    assert stage.keep(found).identity == process.identity


async def test_fault_12_a_tree_of_every_kind_is_killed_from_the_root(stage: Stage) -> None:
    process, root = await stage.play("root", marker="run-5")
    everybody = [root]
    for order, role in (("child", "a"), ("daemon", "b"), ("orphan", "c"), ("nameless-child", "d")):
        await root.order(f"{order} {role}")
        everybody.append(await stage.enters(role))
    for puppet in everybody:
        await puppet.order("ignore SIGTERM")
    await process.terminate_tree()
    for puppet in everybody:
        await puppet.order("burn 0")
    await process.kill_tree()
    for puppet in everybody:
        await puppet.gone()
