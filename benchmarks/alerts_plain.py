"""The plain way to tell of a crash: `channel.send`, and a loop that tries again."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import discord
import pytest

from tests.cogs.wired import Wired, wired

TRIES = 3
WINDOW_S = 600
LOST_ANSWER_EVERY = 50
FAILURES = (discord.DiscordException, aiohttp.ClientError, OSError)


@dataclass(frozen=True, slots=True)
class Plain:
    lost: int
    doubled: int
    invalid: int


async def measure(folder: Path, patch: pytest.MonkeyPatch, crashes: int) -> Plain:
    """Tell of crashes while Discord is away, while its answers get lost, and while it refuses."""
    async with wired(folder, patch) as home:
        await home.standin.stop()
        lost = crashes - sum([await _told(home, number) for number in range(crashes)])
        await home.standin.start()
        doubled = await _doubled(home, crashes)
        invalid = await _invalid(home)
    return Plain(lost, doubled, invalid)


async def _told(home: Wired, number: int) -> bool:
    channel = home.client.get_partial_messageable(home.alerts.id)
    for _ in range(TRIES):
        try:
            await channel.send(f"crash {number}")
        except FAILURES:
            # A second of the loop's pause; nothing happens in it.
            await asyncio.sleep(0)
        else:
            return True
    return False


async def _doubled(home: Wired, crashes: int) -> int:
    for number in range(crashes // 5):
        if number % (LOST_ANSWER_EVERY // 5) == 0:
            home.standin.faults.reset("POST", "/channels/*/messages", after=True)
        await _told(home, number)
    said = Counter(message.content for message in home.posted())
    return sum(count - 1 for count in said.values())


async def _invalid(home: Wired) -> int:
    home.standin.faults.rate_limit("POST", "/channels/*/messages", 0.001, times=None)
    before = len(home.standin.requests)
    channel = home.client.get_partial_messageable(home.alerts.id)
    for _ in range(WINDOW_S):
        try:
            await channel.send("crash")
        except FAILURES:
            # As above: a second of virtual time.
            await asyncio.sleep(0)
    return sum(request.status == 429 for request in home.standin.requests[before:])
