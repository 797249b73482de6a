"""A bot that is killed again and again while it tells of a thousand crashes: none is lost, and none told twice."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.alerts_outage import Losses
from cogs.render.footer import told_in
from monitor.alerting import Filter
from monitor.spec import ServerSpec
from storage.database import Database
from storage.journal import Journal
from storage.routes import Route, RouteKind, Routes
from storage.servers import Servers
from tests.fakes.house import spec_of
from tests.standin.client import keep_discord_as_it_was
from tests.standin.message import Message
from tests.standin.places import Channel, Guild
from tests.standin.server import StandIn
from tests.storage.examples import CRASHED

EACH = 8
"""Crashes of one server, and so messages in one channel: under ten, so that none shares a message."""
APART_MS = 3_600_000
HASTE = 1000.0
"""How fast the stand-in forgets nonces: before the next bot is up, so that nonces alone do not help."""
_ROOT = Path(__file__).parents[1]
_LIMIT_S = 30.0


async def measure(folder: Path, patch: pytest.MonkeyPatch, crashes: int, kills: int) -> Losses:
    """Kill a process that does nothing but deliver, at moments when it is in the midst of it."""
    keep_discord_as_it_was(patch)
    async with StandIn(clock=lambda: HASTE * time.monotonic()) as standin:
        guild = standin.guild()
        servers = [spec_of(f"s{number}") for number in range(-(-crashes // EACH))]
        channels = [guild.channel(server.id) for server in servers]
        ids = await _happened(folder, guild, servers, channels)
        for kill in range(kills):
            posts = len(standin.calls("POST", "/channels/*/messages"))
            wanted = (kill + 1) * len(ids) // (kills + 1)
            await _live(standin, guild, folder, wanted - posts)
        await _live(standin, guild, folder, None)
        messages = [message for channel in channels for message in standin.messages(channel)]
        disordered = sum(_disordered(standin.messages(channel)) for channel in channels)
    told = Counter(number for message in messages for number in _ids(message))
    doubled = sum(count - 1 for count in told.values())
    return Losses(sum(not told[each] for each in ids), doubled + disordered)


async def _happened(
    folder: Path, guild: Guild, servers: Sequence[ServerSpec], channels: Sequence[Channel]
) -> list[int]:
    """Write the crashes down, long ago and long apart."""
    ids = []
    async with await Database.open(folder / "gamekeeper.db") as db:
        await Servers(db).save(servers)
        for server, channel in zip(servers, channels, strict=True):
            await Routes(db).add(Route(guild.id, RouteKind.CHANNEL, Filter(server.id), channel_id=channel.id))
        for number in range(EACH):
            for server in servers:
                crash = replace(CRASHED, server_id=server.id, at_ms=number * APART_MS, last=None)
                ids.append(await Journal(db).record(crash))
    return ids


async def _live(standin: StandIn, guild: Guild, folder: Path, posts: int | None) -> None:
    """Run a bot until it has sent so many messages, then kill it; with `None`, until nothing waits any more."""
    before = len(standin.calls("POST", "/channels/*/messages"))
    arguments = (str(folder), standin.base, standin.token, str(guild.id))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.alerts_actor", *arguments), cwd=_ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        if posts is None:
            await asyncio.wait_for(process.wait(), 4 * _LIMIT_S)
            return
        await standin.wait_for(
            lambda: len(standin.calls("POST", "/channels/*/messages")) >= before + max(posts, 1), _LIMIT_S
        )
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()


def _ids(message: Message) -> list[int]:
    told = told_in(message.embeds[0]["footer"]["text"])
    return [] if told is None else [number for each in told[1] for number in each]


def _disordered(messages: Sequence[Message]) -> int:
    first = [_ids(message)[0] for message in messages]
    return sum(later < earlier for earlier, later in itertools.pairwise(first))
