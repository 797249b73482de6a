"""What `/status` answers without a server: one line for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import discord

from cogs.locale.catalogue import Words, mark
from cogs.render.limits import DESCRIPTION, fit
from cogs.render.palette import OVERVIEW, STATES
from cogs.render.plans import plan_figure
from cogs.render.text import escape, length, number, percent, size, timestamp
from cogs.render.totals import UP, totals
from monitor.model import Players, Server, State

STATE_WORDS: dict[State, str] = {
    State.STOPPED: mark("stopped"),
    State.STARTING: mark("starting"),
    State.RUNNING: mark("running"),
    State.STOPPING: mark("stopping"),
    State.BACKOFF: mark("waiting to restart"),
    State.FAILED: mark("given up"),
    State.UNRESPONSIVE: mark("not answering"),
}


def state_words(state: State, words: Words) -> str:
    return words.text(STATE_WORDS[state])


def status_embed(servers: Sequence[Server], words: Words) -> discord.Embed:
    """One line a server, as long as they fit; the longer the list, the shorter its lines."""
    embed = discord.Embed(title=f"{OVERVIEW.icon} {words.text('Servers')}", colour=OVERVIEW.colour)
    if not servers:
        embed.description = words.text(
            "There is no server here that you may see. An owner of the bot adds one by `/server add`."
        )
        return fit(embed)
    embed.description = listed(servers, words, _full_line)
    return fit(embed.set_footer(text=totals(servers, words)))


def listed(
    servers: Sequence[Server], words: Words, full: Callable[[Server, Words], str], room: int = DESCRIPTION
) -> str:
    """Each server in full, or, where that has no room, as many as fit in a line each."""
    for line in (full, _short_line):
        whole = "\n".join(line(server, words) for server in servers)
        if length(whole) <= room:
            return whole
    return _as_many_as_fit(servers, words, _short_line, room)


def _as_many_as_fit(servers: Sequence[Server], words: Words, line: Callable[[Server, Words], str], room: int) -> str:
    lines: list[str] = []
    room -= length(_more(len(servers), words))
    for server in servers:
        text = line(server, words)
        room -= length(text) + 1
        if room < 0:
            break
        lines.append(text)
    return "\n".join([*lines, _more(len(servers) - len(lines), words)])


def _more(n: int, words: Words) -> str:
    return words.plural("… and {n} more server", "… and {n} more servers", n)


def _full_line(server: Server, words: Words) -> str:
    figures = [state_words(server.state, words), *moment(server), *plan_figure(server, words)]
    figures += player_count(server.players)
    if server.latest is not None and server.state in UP:
        cpu, rss = server.latest.cpu_pct, server.latest.rss_bytes
        figures += [f"CPU {percent(cpu)}"] if cpu is not None else []
        figures += [size(rss)] if rss is not None else []
    return f"{STATES[server.state].icon} **{named(server, 40)}** · {' · '.join(figures)}"


def _short_line(server: Server, words: Words) -> str:
    figures = [state_words(server.state, words), *plan_figure(server, words), *player_count(server.players)]
    return f"{STATES[server.state].icon} **{named(server, 24)}** · {' · '.join(figures)}"


def named(server: Server, limit: int) -> str:
    return escape(server.spec.name or server.id, limit)


def moment(server: Server) -> list[str]:
    """Since when it is as it is, or when it starts again."""
    if server.state is State.BACKOFF and server.next_start_ms is not None:
        return [timestamp(server.next_start_ms)]
    since_ms = server.started_ms if server.state in UP else server.since_ms
    return [timestamp(since_ms)] if since_ms else []


def player_count(players: Players | None) -> list[str]:
    if players is None:
        return []
    return [f"👥 {number(players.online)}" + (f"/{number(players.maximum)}" if players.maximum is not None else "")]
