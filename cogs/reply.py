"""How a command answers: within three seconds, once, and somewhere even when its interaction is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import discord
import structlog

log = structlog.get_logger(__name__)

GONE = frozenset({10008, 10015, 10062, 50027})
"""Unknown message, webhook or interaction, and an interaction's token after its 15 minutes.

Source: https://discord.com/developers/docs/topics/opcodes-and-status-codes
"""
ACKNOWLEDGED = 40060
"""It was acknowledged before: the answer to our first acknowledgement was lost on its way."""

NOT_SENT = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)
"""All the ways in which sending something to Discord is known to fail."""


@dataclass(frozen=True, slots=True)
class _Answer:
    content: str | None
    embed: discord.Embed | None
    files: Sequence[discord.File]

    def rewound(self) -> list[discord.File]:
        """The files from their beginning: an attempt that failed has read them."""
        for file in self.files:
            file.reset()
        return list(self.files)


async def defer(interaction: discord.Interaction) -> None:
    """Acknowledge at once; `answer` follows. Too late for that, what was asked for is done all the same."""
    try:
        await interaction.response.defer(thinking=True)
    except discord.HTTPException as failure:
        if failure.code not in (*GONE, ACKNOWLEDGED):
            raise
        log.info("interaction_not_deferred", code=failure.code)


async def progress(interaction: discord.Interaction, content: str) -> None:
    """Change the answer while the work goes on. Where that fails, only the result will be told."""
    try:
        await interaction.edit_original_response(content=content)
    except NOT_SENT as failure:
        log.info("progress_not_shown", failure=repr(failure))


async def answer(
    interaction: discord.Interaction,
    *,
    content: str | None = None,
    embed: discord.Embed | None = None,
    files: Sequence[discord.File] = (),
    ephemeral: bool = False,
) -> None:
    """Give or change the one answer of an interaction. Too late for that, it goes to the channel as a message.

    An ephemeral answer is for one person's eyes: it never goes to the channel.
    """
    what = _Answer(content, embed, files)
    try:
        await _give(interaction, what, ephemeral=ephemeral)
    except discord.HTTPException as failure:
        if failure.code not in GONE:
            raise
        log.info("interaction_gone", code=failure.code)
        if not ephemeral:
            await _to_channel(interaction, what)


async def _give(interaction: discord.Interaction, what: _Answer, *, ephemeral: bool) -> None:
    if not interaction.response.is_done():
        try:
            await interaction.response.send_message(
                what.content, embed=what.embed or discord.utils.MISSING, files=what.rewound(), ephemeral=ephemeral
            )
        except discord.HTTPException as failure:
            if failure.code != ACKNOWLEDGED:
                raise
        else:
            return
    await interaction.edit_original_response(content=what.content, embed=what.embed, attachments=what.rewound())


async def _to_channel(interaction: discord.Interaction, what: _Answer) -> None:
    channel = interaction.channel
    if isinstance(channel, discord.abc.Messageable):
        await channel.send(what.content, embed=what.embed or discord.utils.MISSING, files=what.rewound())
