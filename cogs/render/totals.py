"""How many servers are up, and how many players are on them, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from cogs.locale.catalogue import Words
from cogs.render.text import number
from monitor.model import Server, State

UP = (State.RUNNING, State.UNRESPONSIVE)


def totals(servers: Sequence[Server], words: Words) -> str:
    """Such as "12 players · 3 of 4 servers up". What nobody can tell is not none: it is left out, or makes "12+"."""
    up = [server for server in servers if server.state in UP]
    told = words.plural("{up} of {n} server up", "{up} of {n} servers up", len(servers), up=len(up))
    counts = [server.players.online for server in up if server.players is not None]
    if not counts:
        return told
    online = sum(counts)
    if len(counts) == len(up):
        players = words.plural("{n} player", "{n} players", online)
    else:
        players = words.text("{count}+ players", count=number(online))
    return f"{players} · {told}"
