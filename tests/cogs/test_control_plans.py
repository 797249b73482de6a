"""`in` and `/cancel`: what is announced for later, and what is called off."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import simcord

from monitor.errors import GameFault, GameUnavailable
from monitor.model import IntentAction, Players, State
from monitor.spec import RestartPolicy
from tests.cogs.world import World, until, world
from tests.fakes.house import spec_of

MINUTE_S = 60
IN_5: dict[str, Any] = {"in": 5}
IN_30: dict[str, Any] = {"in": 30}


def said(result: simcord.InteractionResult) -> str:
    assert result.response is not None
    return result.response.content


async def give(home: World, name: str, **options: Any) -> str:
    return said(await home.slash(home.people.admin, name, server="alpha", **options))


async def meanwhile(home: World, name: str, **options: Any) -> str:
    """Have the owner give a command while the admin's is still under way."""
    return said(await home.forge(home.people.owner, home.channel, name, {"server": "alpha"} | options))


async def shown(home: World, text: str) -> None:
    await until(lambda: any(text in edit for edit in home.edits()))


@pytest.fixture
async def up(home: World) -> World:
    await give(home, "start")
    return home


async def test_a_planned_stop_is_answered_with_its_time_and_comes(up: World) -> None:
    up.house.game("alpha").online = Players(1, 20)
    await up.clock.advance(20)
    due_s = up.clock.now_ms() // 1000 + 5 * MINUTE_S
    assert (await give(up, "stop", reason="tea", **IN_5)).splitlines() == [
        f"🗓️ **Alpha World** stops <t:{due_s}:R> (<t:{due_s}:t>). Planned by admin.",
        "Reason: tea",
        "Players are warned as it comes near. `/cancel server:alpha` calls it off.",
    ]
    planned = up.fleet.server("alpha").planned
    assert planned is not None
    assert (planned.action, planned.by.name, planned.due_ms // 1000) == (IntentAction.STOP, "admin", due_s)
    await up.clock.advance(5 * MINUTE_S - 1)
    assert up.fleet.server("alpha").state is State.RUNNING
    await up.clock.advance(2)
    await until(lambda: up.fleet.server("alpha").state is State.STOPPED)
    assert "warn: The server shuts down in 5 min. Reason: tea" in up.house.game("alpha").asked


async def test_a_planned_restart_takes_the_place_of_a_planned_stop(up: World) -> None:
    first_s = up.clock.now_ms() // 1000 + 5 * MINUTE_S
    await give(up, "stop", **IN_5)
    text = await meanwhile(up, "restart", **{"in": 1440})
    due_s = up.clock.now_ms() // 1000 + 1440 * MINUTE_S
    assert text.splitlines()[:2] == [
        f"🗓️ **Alpha World** restarts <t:{due_s}:R> (<t:{due_s}:t>). Planned by owner.",
        f"This takes the place of the stop at <t:{first_s}:t> that admin had planned.",
    ]
    await up.clock.advance(6 * MINUTE_S)
    assert up.fleet.server("alpha").state is State.RUNNING


@pytest.mark.parametrize(("name", "told"), [("stop", "is down already"), ("restart", "is stopped")])
async def test_nothing_is_planned_for_what_is_down(home: World, name: str, told: str) -> None:
    assert told in await give(home, name, **IN_5)
    assert home.fleet.server("alpha").planned is None


async def test_force_and_later_do_not_go_together(up: World) -> None:
    text = await give(up, "stop", force=True, **IN_5)
    assert text == "⚠️ `force` ends it now, `in` plans a polite stop for later: use one of them."
    assert up.fleet.server("alpha").planned is None
    assert up.fleet.server("alpha").state is State.RUNNING


@pytest.mark.parametrize("action", ["stop", "restart"])
async def test_a_plan_is_called_off(up: World, action: str) -> None:
    due_s = up.clock.now_ms() // 1000 + 5 * MINUTE_S
    await give(up, action, **IN_5)
    text = await meanwhile(up, "cancel")
    assert text == f"↩️ Called off: **Alpha World** does not {action} at <t:{due_s}:t>. admin had planned that."
    await up.clock.advance(10 * MINUTE_S)
    assert up.fleet.server("alpha").state is State.RUNNING
    assert len(up.house.launcher.spawned) == 1


@pytest.mark.parametrize("name", ["stop", "restart"])
async def test_a_stop_under_way_is_called_off_and_both_are_told(up: World, name: str) -> None:
    up.house.game("alpha").hang = {"save"}
    first = asyncio.create_task(give(up, name))
    await shown(up, "💾 Saving the world …")
    assert await meanwhile(up, "cancel") == "↩️ Called off in time: **Alpha World** goes on running."
    assert (await first).splitlines() == [
        "💾 Saving the world",
        "🟢 **Alpha World** goes on running: owner called it off.",
    ]
    assert up.fleet.server("alpha").state is State.RUNNING
    assert up.house.launcher.processes[0].alive


async def test_a_stop_after_one_that_was_called_off_is_told_as_what_it_is(up: World) -> None:
    up.house.game("alpha").hang = {"save"}
    first = asyncio.create_task(give(up, "restart"))
    await shown(up, "💾 Saving the world …")
    await meanwhile(up, "cancel")
    await first
    up.house.game("alpha").hang = set()
    assert (await give(up, "restart")).endswith("**Alpha World** is up. Players can join.")


async def test_once_the_game_was_asked_it_is_too_late(up: World) -> None:
    up.house.game("alpha").on_stop = None
    stopping = asyncio.create_task(give(up, "stop"))
    await shown(up, "🚪 Asking the game to stop …")
    cancelling = asyncio.create_task(meanwhile(up, "cancel"))
    await shown(up, "It is too late to call that off")
    up.house.launcher.processes[0].exit(0)
    assert "is down" in await stopping
    assert "If it stays down" in await cancelling


async def test_fault_10_a_pending_restart_is_called_off(home: World) -> None:
    home.house.launcher.on_spawn = lambda process: process.exit(3)
    await give(home, "start")
    assert home.fleet.server("alpha").state is State.BACKOFF
    assert await give(home, "cancel") == "↩️ Called off: **Alpha World** stays down. Start it with `/start`."
    await home.clock.advance(3600)
    assert len(home.house.launcher.spawned) == 1


async def test_fault_4_a_give_up_is_taken_back(tmp_path: Path) -> None:
    async with world(tmp_path, [spec_of("alpha", restart=RestartPolicy(budget=0))]) as home:
        home.house.launcher.on_spawn = lambda process: process.exit(3)
        await give(home, "start")
        assert home.fleet.server("alpha").state is State.FAILED
        assert "is not given up any more" in await give(home, "cancel")
        assert home.fleet.server("alpha").state is State.STOPPED


@pytest.mark.parametrize("running", [False, True], ids=["down", "up"])
async def test_nothing_to_call_off(home: World, *, running: bool) -> None:
    if running:
        await give(home, "start")
    assert await give(home, "cancel") == (
        "⚠️ There is nothing to call off: no stop and no restart of **Alpha World** is planned or under way."
    )


async def test_a_world_that_was_not_saved_is_told(up: World) -> None:
    up.house.game("alpha").fail_with["save"] = GameUnavailable(GameFault.TIMEOUT)
    assert (await give(up, "stop")).splitlines()[-2:] == [
        "⏹️ **Alpha World** is down.",
        "⚠️ The world was not saved: the game was asked, and did not do it.",
    ]


async def test_a_restart_tells_of_an_unsaved_world_as_well(up: World) -> None:
    up.house.game("alpha").fail_with["save"] = GameUnavailable(GameFault.TIMEOUT)
    assert (await give(up, "restart")).splitlines()[-2:] == [
        "🟢 **Alpha World** is up. Players can join.",
        "⚠️ The world was not saved: the game was asked, and did not do it.",
    ]


async def test_a_plan_is_in_both_forms_of_status(up: World) -> None:
    due_s = up.clock.now_ms() // 1000 + 30 * MINUTE_S
    await give(up, "restart", reason="update", **IN_30)
    for options, line in (
        ({}, f"🗓️ restarts <t:{due_s}:R>"),
        ({"server": "alpha"}, f"🗓️ Restarts <t:{due_s}:R> (<t:{due_s}:t>), planned by admin\nReason: update"),
    ):
        reply = (await up.slash(up.people.admin, "status", **options)).response
        assert reply is not None
        assert line in (reply.embeds[0].description or "")


async def test_the_answers_in_korean(up: World) -> None:
    planned = await give(up, "stop", locale="ko", reason="차 마시기", **IN_5)
    called_off = await give(up, "cancel", locale="ko")
    nothing = await give(up, "cancel", locale="ko")
    assert "예약: admin" in planned
    assert "이유: 차 마시기" in planned
    assert "취소했습니다" in called_off
    assert "취소할 것이 없습니다" in nothing
