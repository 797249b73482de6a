"""An option of a command that takes a channel in which somebody can write."""

from __future__ import annotations

import discord
from discord import app_commands

WRITABLE = (
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.news_thread,
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
)
"""The sorts of channel that somebody can write in."""

AnyChannel = app_commands.AppCommandChannel | app_commands.AppCommandThread


class WritableChannel(app_commands.Transformer):
    """Has Discord offer what somebody can write in; taken as Discord names it, known to us or not."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        return list(WRITABLE)

    async def transform(self, interaction: discord.Interaction, value: AnyChannel, /) -> AnyChannel:
        del interaction
        return value
