"""Two hours without Discord, in virtual time: a thousand crashes are to be told once each, and in order."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from cogs.render.footer import told_in
from monitor.alerting import ALERTS, Filter
from monitor.events import ServerCrashed, ServerReady
from storage.routes import Route, RouteKind, Secrets
from tests.cogs.listener import Listener, listening
from tests.cogs.wired import NAMES, Wired, wired
from tests.standin.message import Message

OUTAGE_S = 7200.0
SEED = 6


@dataclass(frozen=True, slots=True)
class Losses:
    lost: int
    doubled: int


async def measure(folder: Path, patch: pytest.MonkeyPatch, crashes: int) -> Losses:
    """Have them told in a channel, where most are summed up, and to an address that is told each by itself."""
    async with wired(folder, patch) as home, listening() as listener:
        for target in ("channel", "json"):
            await home.stores.routes.add(_route(home, target, listener), _secrets(target, listener))
        await home.standin.stop()
        listener.away = True
        ids = await _crash(home, crashes)
        await home.standin.start()
        listener.away = False
        await home.delivery.on_login()
        await home.drained(5.0, timeout_s=90.0)
        told = await shown(home, home.posted(), "route:1")
        heard = heard_of(listener)
    wrong = Losses(*_difference(ids, told)), Losses(*_difference(ids, Counter(heard)))
    disordered = sum(later < earlier for earlier, later in itertools.pairwise(heard))
    return Losses(sum(each.lost for each in wrong), sum(each.doubled for each in wrong) + disordered)


def _route(home: Wired, target: str, listener: Listener) -> Route:
    if target == "json":
        return Route(home.guild.id, RouteKind.JSON, Filter(), label=listener.url)
    return Route(home.guild.id, RouteKind.CHANNEL, Filter(), channel_id=home.alerts.id)


def _secrets(target: str, listener: Listener) -> Secrets | None:
    return Secrets(listener.url, "signing") if target == "json" else None


async def _crash(home: Wired, crashes: int) -> list[int]:
    """Let servers crash and come back all through the outage, some of them in bursts."""
    chance = random.Random(SEED)
    moments = sorted(_moments(chance, crashes))
    began_s, ids = home.clock.monotonic(), []
    for number, moment_s in enumerate(moments):
        if (pause_s := began_s + moment_s - home.clock.monotonic()) > 0:
            await home.clock.advance(pause_s)
        name = NAMES[number % len(NAMES)]
        ids.append(await home.crash(name))
        await home.tell(ServerReady(server_id=name, at_ms=home.clock.now_ms(), run_id=1, after_s=1.0))
    await home.passes(began_s + OUTAGE_S - home.clock.monotonic(), 60.0)
    return ids


def _moments(chance: random.Random, crashes: int) -> Sequence[float]:
    bursts = [chance.uniform(0, OUTAGE_S) for _ in range(6)]
    return [
        chance.uniform(0, OUTAGE_S) if number % 3 else bursts[number % 6] + chance.uniform(0, 30)
        for number in range(crashes)
    ]


async def shown(home: Wired, messages: Sequence[Message], destination: str = ALERTS) -> Counter[int]:
    """How often each crash is told in these messages: by its footer, or, in a sum of many, by their number."""
    told: Counter[int] = Counter()
    for message in messages:
        items = [
            item.event_id
            for item in await home.stores.outbox.of_message(destination, message.id)
            if isinstance(item.event, ServerCrashed)
        ]
        footer = told_in(message.embeds[0]["footer"]["text"])
        named = [event_id for event_id in items if footer and any(event_id in each for each in footer[1])]
        summed = f"{len(items):,}" in message.embeds[0]["title"]
        told.update(items if summed else named)
    return told


def heard_of(listener: Listener) -> list[int]:
    """The crashes that an address was told of, in the order it was."""
    said = [json.loads(body) for _, body in listener.heard]
    return [each["event_id"] for each in said if each["kind"] == ServerCrashed.kind]


def _difference(wanted: Sequence[int], told: Counter[int]) -> tuple[int, int]:
    """How many were told never, and how many times one was told once too often."""
    return sum(not told[each] for each in wanted), sum(max(0, told[each] - 1) for each in told)
