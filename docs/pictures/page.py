"""Takes a picture of messages as Discord shows them. It needs a Chromium."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import discord
import simcord
from playwright.async_api import async_playwright

from tests.bot.demo.browser import CHROMIUM, FLAGS

WIDTH = 620
"""Of a window that leaves an embed about as narrow as a phone does."""


Said: TypeAlias = str | discord.Embed | tuple[discord.Embed, discord.ui.View | None]
"""A message: a text, an embed, or an embed with what stands under it."""


async def picture(said: Iterable[Said], path: Path, last: str, height: int, *, at_ms: int | None = None) -> None:
    """Post all of it in a channel, and take the channel.

    Args:
        said: the messages.
        path: where the picture goes.
        last: a text in the last message: once it is there, all is.
        height: of the picture, in pixels.
        at_ms: when it is posted, by which "5 minutes ago" is told.
    """
    client = discord.Client(intents=discord.Intents(guilds=True))
    async with simcord.run(client) as env:
        if at_ms is not None:
            env.backend.clock.advance(at_ms / 1000 - env.backend.clock.now().timestamp())
        guild = env.create_guild("gamekeeper")
        there = guild.create_text_channel("alerts")
        viewer = guild.add_member(env.create_user("you"))
        await env.settle()
        channel = client.get_channel(there.id)
        if not isinstance(channel, discord.TextChannel):
            raise TypeError(channel)
        for message in said:
            await _say(channel, message)
        async with env.preview(there, viewers=[viewer], layout="channel", timezone="Asia/Seoul") as preview:
            await _take(preview.url, path, last, height)


async def _say(channel: discord.TextChannel, message: Said) -> None:
    if isinstance(message, str):
        await channel.send(message)
        return
    embed, view = message if isinstance(message, tuple) else (message, None)
    await channel.send(embed=embed, view=view or discord.utils.MISSING)


async def _take(url: str, path: Path, last: str, height: int) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = await browser.new_page(viewport={"width": WIDTH, "height": height})
        await page.goto(url)
        await page.locator("main").get_by_text(last).last.wait_for()
        await page.screenshot(path=path)
        await browser.close()
