"""How a command answers: within three seconds, once, and somewhere even when its interaction is gone."""

from __future__ import annotations

from collections.abc import Sequence

import discord
import structlog

log = structlog.get_logger(__name__)

GONE = frozenset({10008, 10015, 10062, 50027})
"""Unknown message, webhook or interaction, and an interaction's token after its 15 minutes.

Source: https://discord.com/developers/docs/topics/opcodes-and-status-codes
"""


async def defer(interaction: discord.Interaction) -> None:
    """Acknowledge at once; the answer follows with `answer`."""
    await interaction.response.defer(thinking=True)


async def answer(
    interaction: discord.Interaction,
    *,
    content: str | None = None,
    embed: discord.Embed | None = None,
    files: Sequence[discord.File] = (),
    ephemeral: bool = False,
) -> None:
    """Give or change the one answer of an interaction. Too late for that, it goes to the channel as a message."""
    try:
        if interaction.response.is_done():
            await interaction.edit_original_response(content=content, embed=embed, attachments=list(files))
        else:
            await interaction.response.send_message(
                content, embed=embed or discord.utils.MISSING, files=list(files), ephemeral=ephemeral
            )
    except discord.HTTPException as failure:
        if failure.code not in GONE:
            raise
        log.info("interaction_gone", code=failure.code)
        await _to_channel(interaction, content=content, embed=embed, files=files)


async def _to_channel(
    interaction: discord.Interaction,
    *,
    content: str | None,
    embed: discord.Embed | None,
    files: Sequence[discord.File],
) -> None:
    channel = interaction.channel
    if isinstance(channel, discord.abc.Messageable):
        for file in files:
            file.reset()
        await channel.send(content, embed=embed or discord.utils.MISSING, files=list(files))
