"""From the end of a real process to the request that tells of it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import discord
import pytest

from benchmarks.actor import SLEEP
from benchmarks.exits import percentile
from benchmarks.fleet import AT_ONCE
from bot.app import DATABASE
from monitor.alerting import Filter
from monitor.model import State
from storage.database import Database
from storage.routes import Route, RouteKind, Routes
from tests.bot.in_process import Running, running, save, settings_in, sleeper
from tests.bot.place import Place, settle_in
from tests.standin.client import keep_discord_as_it_was
from tests.standin.places import Channel
from tests.standin.server import StandIn

SERVERS = 25
"""So many that none crashes ten times in a minute: each alert is then a message of its own."""
_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Latency:
    p99_ms: float
    plain_p99_ms: float


async def measure(folder: Path, patch: pytest.MonkeyPatch, exits: int) -> Latency:
    """Kill so many servers, one after the other, each in a channel of its own; then the plain way, as often."""
    keep_discord_as_it_was(patch)
    patch.setattr("monitor.local.machine.lower_own_priority", lambda: None)
    async with StandIn() as standin:
        place = settle_in(standin)
        async with _bot(place, folder, min(SERVERS, exits)) as (bot, channels):
            names = list(channels)
            ours = [await _killed(bot, name, channels[name]) for name in (names * exits)[:exits]]
            plain = [await _plainly(bot, place) for _ in range(exits)]
    return Latency(percentile(ours, 99), percentile(plain, 99))


@asynccontextmanager
async def _bot(place: Place, folder: Path, servers: int) -> AsyncIterator[tuple[Running, dict[str, Channel]]]:
    """The whole bot, with servers that run, each with its own channel for alerts."""
    channels = {f"s{number}": place.guild.channel(f"s{number}") for number in range(servers)}
    await save(folder, *(sleeper(folder, name, argv=SLEEP, restart=AT_ONCE) for name in channels))
    async with await Database.open(folder / DATABASE) as db:
        for name, channel in channels.items():
            route = Route(place.guild.id, RouteKind.CHANNEL, Filter(name), channel_id=channel.id)
            await Routes(db).add(route)
    async with running(place, settings_in(place, folder)) as bot:
        await bot.online()
        for name in channels:
            await bot.start(name)
        yield bot, channels


async def _killed(bot: Running, name: str, channel: Channel) -> float:
    """Kill a server and give how long it took until the request that tells of it had arrived, in milliseconds."""
    standin, path = bot.place.standin, f"/channels/{channel.id}/messages"
    await standin.wait_for(lambda: bot.bot.fleet.server(name).state is State.RUNNING, _LIMIT_S)
    # What the last crash has left to do, here and in its message, is not measured.
    await asyncio.sleep(0.05)
    told = len(standin.calls("POST", path))
    began = time.monotonic()
    os.kill(bot.pid(name), signal.SIGKILL)
    await standin.wait_for(lambda: len(standin.calls("POST", path)) > told, _LIMIT_S)
    return 1000 * (standin.calls("POST", path)[told].at - began)


async def _plainly(bot: Running, place: Place) -> float:
    process = await asyncio.create_subprocess_exec(*SLEEP)
    waiting = asyncio.ensure_future(process.wait())
    await asyncio.sleep(0.02)
    path = f"/channels/{place.talk.id}/messages"
    told = len(place.standin.calls("POST", path))
    began = time.monotonic()
    process.send_signal(signal.SIGKILL)
    await waiting
    channel = bot.bot.client.get_partial_messageable(place.talk.id)
    await channel.send(embed=discord.Embed(title="A server crashed"))
    return 1000 * (place.standin.calls("POST", path)[told].at - began)
