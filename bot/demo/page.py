"""The demo's Discord: one guild with one channel, played in memory by simcord and shown as a page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import discord
import simcord
import structlog

from bot.demo.unavailable import DemoUnavailable

LOOK_EVERY_S = 0.2
"""How often the page is compared with what the bot has sent."""

CLOCK_OFF_S = 1.0
"""How far the page's clock may be behind."""

PATIENCE_S = 120.0
"""How long a command may take before the page gives it up: longer than any start or stop of the demo's server."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class World:
    """Who and what there is in the demo's Discord."""

    guild_id: int
    channel_id: int
    admin_id: int
    url: str


@asynccontextmanager
async def open_page(client: discord.Client, *, port: int, timezone: str) -> AsyncIterator[World]:
    """Log the client in to a Discord in memory and serve its channel on 127.0.0.1, kept current.

    Raises:
        DemoUnavailable: the port is taken.
    """
    async with simcord.run(client, check_errors=False, settle_timeout=PATIENCE_S) as env:
        _as_discord_sends(env)
        guild = env.create_guild("gamekeeper demo")
        channel = guild.create_text_channel("servers", topic="Try /status, /start, /rcon, /chart, /stop")
        admin = guild.add_member(env.create_user("you", global_name="You, the admin"))
        visitor = guild.add_member(env.create_user("visitor", global_name="A visitor without rights"))
        _to_now(env)
        if client.user is not None:
            await client.user.edit(username="gamekeeper")
        preview = env.preview(
            channel, viewers=[admin, visitor], layout="channel", port=port, timezone=timezone, width=1100, height=900
        )
        async with _served(preview, port):
            current = asyncio.create_task(_keep_current(env, preview), name="page")
            try:
                yield World(guild.id, channel.id, admin.id, preview.url)
            finally:
                current.cancel()
                await asyncio.gather(current, return_exceptions=True)


@asynccontextmanager
async def _served(preview: simcord.Preview, port: int) -> AsyncIterator[None]:
    try:
        await preview.__aenter__()
    except simcord.SetupError as err:
        raise DemoUnavailable(f"port {port} cannot be used: choose another with --port") from err
    try:
        yield
    finally:
        await preview.close()


def _as_discord_sends(env: simcord.Env) -> None:
    """Have interactions say, as Discord's do, that the guild is where the app was put; simcord leaves it open."""
    emit = env.backend.emit

    def emit_whole(event: str, payload: Any) -> None:
        if event == "INTERACTION_CREATE":
            payload |= {"authorizing_integration_owners": {"0": payload.get("guild_id", "0")}}
        emit(event, payload)

    setattr(env.backend, "emit", emit_whole)  # noqa: B010 - a method, to mypy


def _behind_s(env: simcord.Env) -> float:
    return (datetime.now(UTC) - env.now()).total_seconds()


def _to_now(env: simcord.Env) -> None:
    """Move simcord's clock, which begins at a date of its own and stands still by itself, to the time that it is.

    Not by `advance_time`: that is an operation, and while one is under way the page fails what somebody does in it.
    """
    env.backend.advance_clock(max(0.0, _behind_s(env)))


async def _keep_current(env: simcord.Env, preview: simcord.Preview) -> None:
    """Keep the page's clock, and show what the bot sends by itself."""
    shown = 0
    while True:
        # A refresh outdates what somebody is about to send, so it has to be for something: an answer to a command
        # the page shows without us.
        sent = sum(request.path.startswith("/channels/") for request in env.http_requests)
        if _behind_s(env) > CLOCK_OFF_S:
            _to_now(env)
            preview.capture_time = env.now()
        if sent != shown:
            try:
                await preview.refresh()
                shown = sent
            except simcord.SetupError:
                # Somebody's command is under way: the next look comes soon.
                log.debug("page_busy")
        await asyncio.sleep(LOOK_EVERY_S)
