"""The end of a server's log, as it is shown to people."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from cogs.locale.catalogue import Words
from cogs.render.limits import DESCRIPTION, fit
from cogs.render.palette import LOG
from cogs.render.text import code_block, escape
from monitor.model import Server


def log_embed(server: Server, lines: Sequence[str] | None, words: Words) -> discord.Embed:
    """The last lines that fit, secrets taken out before; `None`: they cannot be read."""
    name = escape(server.spec.name or server.id)
    embed = discord.Embed(title=f"{LOG.icon} {words.text('The log of {name}', name=name)}", colour=LOG.colour)
    if lines is None:
        embed.description = words.text("It cannot be read right now. The bot's own log says why.")
    else:
        nothing = words.text("It is empty: the server has printed nothing yet.")
        embed.description = code_block(lines, DESCRIPTION) or nothing
    return fit(embed)
