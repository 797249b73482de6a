"""Keeps the bot connected to Discord; where that cannot be, says why and leaves the rest of the bot alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import aiohttp
import discord
import structlog
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from bot.settings import DISCORD_API
from monitor.ports import Clock

RETRY_S = 5.0
RETRY_MAX_S = 300.0

NEXT_STEP = "Servers are still watched and restarted. Correct it, then start the bot again."

EXPLAINED: dict[int, str] = {
    4004: "Discord refused the token. Put the one from the application's Bot page into DISCORD_TOKEN.",
    4013: "Discord does not know the intents that were asked for. Update gamekeeper.",
    4014: "The application lacks an intent. Switch it on, on the application's Bot page.",
}
"""The gateway's close codes that no reconnecting helps against.

Source: https://discord.com/developers/docs/topics/opcodes-and-status-codes
"""

UNREACHABLE = (
    discord.HTTPException,
    discord.RateLimited,
    discord.GatewayNotFound,
    aiohttp.ClientError,
    OSError,
    TimeoutError,
)
"""What comes of Discord being away, or of there being no network yet; it passes."""

log = structlog.get_logger(__name__)


async def stay_connected(client: discord.Client, token: str, api_base: str, clock: Clock) -> None:
    """Log in and serve the gateway until cancelled, or until Discord says that there is no point in it."""
    if api_base != DISCORD_API:
        Route.BASE = api_base
    try:
        await _keep_trying(partial(_log_in, client, token), clock)
        await _keep_trying(partial(_connect, client, api_base), clock)
    except discord.LoginFailure:
        log.error("discord_refused", reason=EXPLAINED[4004], next_step=NEXT_STEP)  # noqa: TRY400
    except discord.PrivilegedIntentsRequired:
        log.error("discord_refused", reason=EXPLAINED[4014], next_step=NEXT_STEP)  # noqa: TRY400
    except discord.ConnectionClosed as closed:
        reason = EXPLAINED.get(closed.code, f"The gateway closed the connection for good, with code {closed.code}.")
        log.error("discord_refused", reason=reason, next_step=NEXT_STEP)  # noqa: TRY400


async def _keep_trying(step: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Take a step, again and again while Discord cannot be reached."""
    delay_s = RETRY_S
    while True:
        try:
            await step()
        except UNREACHABLE as failure:
            if delay_s == RETRY_S:
                why = str(failure) or type(failure).__name__
                log.warning("discord_unreachable", failure=why, next_step="It is tried again until it answers.")
            await clock.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_MAX_S)
        else:
            return


async def _log_in(client: discord.Client, token: str) -> None:
    try:
        await client.login(token)
    except UNREACHABLE:
        # The library would go on using the connector that this closes; without one it makes a new one.
        await client.http.close()
        client.http.connector = discord.utils.MISSING
        raise


async def _connect(client: discord.Client, api_base: str) -> None:
    if api_base != DISCORD_API:
        _, gateway, _ = await client.http.get_bot_gateway()
        DiscordWebSocket.DEFAULT_GATEWAY = URL(gateway)
    try:
        await client.connect(reconnect=True)
    except AttributeError as err:
        if client.ws is not None:
            raise
        # The library wants to resume at once, from a WebSocket that it never had.
        raise ConnectionError("the gateway cannot be reached") from err
