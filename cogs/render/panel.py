"""What a panel shows: a few servers, so coarsely that noise is no change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import discord

from cogs.locale.catalogue import Words
from cogs.render.limits import DESCRIPTION, fit
from cogs.render.palette import GREY, OVERVIEW, STATES
from cogs.render.plans import plan_figure
from cogs.render.status import listed, moment, named, player_count, state_words
from cogs.render.text import number, timestamp
from cogs.render.totals import UP, totals
from monitor.model import Server

NAME_AT_MOST = 40
CPU_STEP_PCT = 5
GIB, MIB = 1 << 30, 1 << 20
STEP_MIB = 50
ROOM = DESCRIPTION - 400
"""For the servers; the rest is for the lines around them."""


@dataclass(frozen=True, slots=True)
class Face:
    """What a panel shows, but for since when."""

    text: str
    news: tuple[str, ...]
    """What of it is worth showing soon: the same as long as nothing but figures has changed."""


def face(servers: Sequence[Server], words: Words) -> Face:
    """Say what a panel of these servers shows."""
    if not servers:
        none = words.text("There is no server here any more. `/panel unpin` takes this away.")
        return Face(none, ())
    text = listed(servers, words, _lines, ROOM)
    if len(servers) > 1:
        text += f"\n\n**{totals(servers, words)}**"
    return Face(text, tuple(_news(server, words) for server in servers))


def panel_embed(shown: Face, words: Words, at_ms: int) -> discord.Embed:
    """The message of a panel that came to be so at that moment."""
    embed = discord.Embed(title=f"{OVERVIEW.icon} {words.text('Servers')}", colour=OVERVIEW.colour)
    when = words.text("Last change {when}", when=timestamp(at_ms))
    embed.description = f"{shown.text}\n{when}"
    return fit(embed)


def off_embed(shown: Face, words: Words, at_ms: int) -> discord.Embed:
    """The message of a panel that nobody keeps current, as the bot has ended."""
    embed = discord.Embed(title=f"💤 {words.text('The bot is off')}", colour=GREY)
    told = words.text("Games run on without it. So it stood {when}:", when=timestamp(at_ms))
    embed.description = f"{told}\n\n{shown.text}"
    return fit(embed)


def _lines(server: Server, words: Words) -> str:
    figures = [*player_count(server.players), *_load(server)]
    return "\n".join([_standing(server, words), *([" · ".join(figures)] if figures else [])])


def _standing(server: Server, words: Words) -> str:
    facts = [" ".join([state_words(server.state, words), *moment(server)]), *plan_figure(server, words)]
    return f"{STATES[server.state].icon} **{named(server, NAME_AT_MOST)}** · {' · '.join(facts)}"


def _news(server: Server, words: Words) -> str:
    return "\n".join([_standing(server, words), *player_count(server.players)])


def _load(server: Server) -> list[str]:
    sample = server.latest
    if sample is None or server.state not in UP:
        return []
    cpu = [] if sample.cpu_pct is None else [f"CPU {number(CPU_STEP_PCT * round(sample.cpu_pct / CPU_STEP_PCT))}%"]
    return cpu + ([] if sample.rss_bytes is None else [_memory(sample.rss_bytes)])


def _memory(count: int) -> str:
    if count >= GIB:
        return f"{number(count / GIB, 1)} GiB"
    return f"{number(STEP_MIB * round(count / (STEP_MIB * MIB)))} MiB"
