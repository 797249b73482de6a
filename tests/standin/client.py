"""Running an unmodified discord.py client against the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import discord
import discord.gateway
import discord.http
import pytest
import yarl

from tests.standin.server import StandIn

C = TypeVar("C", bound=discord.Client)


def keep_discord_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test or the bot in it makes of discord.py's globals is undone after it."""
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    gateway = discord.gateway.DiscordWebSocket
    monkeypatch.setattr(gateway, "DEFAULT_GATEWAY", gateway.DEFAULT_GATEWAY)


def redirect_discord(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point discord.py at the stand-in, for tests whose bot does not do so by `DISCORD_API_BASE`."""
    monkeypatch.setattr(discord.http.Route, "BASE", standin.base)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(standin.gateway_url))


@asynccontextmanager
async def running(client: C, token: str, *, ready_within_s: float = 10.0) -> AsyncIterator[C]:
    """Log in, connect, wait until ready; close at the end.

    Raises:
        TimeoutError: it was not ready in time.
        discord.DiscordException: what ended it before or after it was ready, unless the test closed it.
    """
    await client.login(token)
    connection = asyncio.create_task(client.connect())
    ready = asyncio.create_task(client.wait_until_ready())
    try:
        async with asyncio.timeout(ready_within_s):
            await asyncio.wait((connection, ready), return_when=asyncio.FIRST_COMPLETED)
        if connection.done():
            connection.result()
        yield client
    finally:
        ready.cancel()
        await client.close()
        await connection
