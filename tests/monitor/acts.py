"""What the tests of stops do again and again."""

from __future__ import annotations

import asyncio

from monitor.model import IntentAction, Plan, Players, Rung, Server, State
from monitor.supervisor import Supervisor
from tests.fakes.clock import settle
from tests.fakes.house import ANNA, BERT, House
from tests.fakes.machine import FakeProcess


def in_minutes(house: House, minutes: float, action: IntentAction = IntentAction.STOP, reason: str = "") -> Plan:
    return Plan(action, BERT, house.clock.now_ms() + round(minutes * 60_000), reason)


async def up(house: House, ark: Supervisor, players: int = 2) -> FakeProcess:
    house.game().online = Players(players, 20)
    assert (await ark.start(ANNA)).state is State.RUNNING
    await settle()
    return house.launcher.processes[-1]


async def begun(
    house: House, ark: Supervisor, until: Rung, action: IntentAction = IntentAction.STOP
) -> asyncio.Task[Server]:
    """Begin a stop that stays at a step."""
    house.game().hang.add({Rung.WARN: "warn", Rung.SAVE: "save", Rung.ASK: "stop"}[until])
    rungs: list[Rung] = []
    ask = ark.stop(action, BERT, reason="", force=False, on_rung=rungs.append)
    stopping = asyncio.create_task(ask)
    await house.clock.advance(1)
    assert rungs[-1] is until
    return stopping


def warnings(house: House) -> list[str]:
    return [asked.removeprefix("warn: The server ") for asked in house.game().asked if asked.startswith("warn")]
