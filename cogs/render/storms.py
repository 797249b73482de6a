"""Many alerts of one kind in one message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import discord

from cogs.locale.catalogue import Words, mark
from cogs.render.evidence import cause
from cogs.render.footer import footer
from cogs.render.limits import fit
from cogs.render.palette import EVENTS, Look
from cogs.render.text import duration, escape, timestamp
from monitor.events import (
    Event,
    RestartsExhausted,
    ServerCrashed,
    ServerHung,
    ServerReady,
    ServerRecovered,
    StartFailed,
)
from monitor.limit_events import LimitCleared, LimitCrossed, LimitForeseen

SERVERS_AT_MOST = 20
TITLES: dict[str, str] = {
    ServerCrashed.kind: mark("{n} crashes in {time}"),
    ServerHung.kind: mark("Servers stopped answering {n} times in {time}"),
    ServerRecovered.kind: mark("Servers answered again {n} times in {time}"),
    StartFailed.kind: mark("{n} failed starts in {time}"),
    RestartsExhausted.kind: mark("Servers were given up {n} times in {time}"),
    ServerReady.kind: mark("Servers came up again {n} times in {time}"),
    LimitCrossed.kind: mark("{n} limits crossed in {time}"),
    LimitForeseen.kind: mark("{n} limits going to be crossed, told in {time}"),
    LimitCleared.kind: mark("{n} values back within their limits in {time}"),
}
OTHERS = mark("{n} alerts of one kind in {time}")


@dataclass(frozen=True, slots=True)
class Storm:
    """What a message tells of together."""

    alerts: Sequence[tuple[int, Event]]
    """The events of one kind, with their ids, in order; one at least."""
    up_again: int = 0
    """How many of the incidents are over."""
    before: int = 0
    """How many of the same kind were told one by one just before."""


def storm_embed(
    storm: Storm, name_of: Callable[[str], str], words: Words, *, installation: str = "", delayed_s: float = 0
) -> discord.Embed:
    """Sum a storm up: how many, of which servers, and what was the last of each."""
    first, last = storm.alerts[0][1], storm.alerts[-1][1]
    look = EVENTS.get(first.kind, Look(EVENTS[ServerRecovered.kind].colour, "✅"))
    time = duration(max(1.0, (last.at_ms - first.at_ms) / 1000), words)
    title = words.text(TITLES.get(first.kind, OTHERS), n=f"{len(storm.alerts) + storm.before:,}", time=time)
    embed = discord.Embed(title=f"{look.icon} {title}", colour=look.colour)
    embed.description = "\n".join([*_servers(storm, name_of, words), *_rest(storm, words)])
    embed.timestamp = datetime.fromtimestamp(last.at_ms / 1000, UTC)
    ids = [event_id for event_id, _ in storm.alerts]
    return fit(embed.set_footer(text=footer(ids, words, installation, delayed_s)))


def _servers(storm: Storm, name_of: Callable[[str], str], words: Words) -> list[str]:
    latest: dict[str, Event] = {}
    count: dict[str, int] = {}
    for _, event in storm.alerts:
        latest[event.server_id] = event
        count[event.server_id] = count.get(event.server_id, 0) + 1
    worst = sorted(latest, key=lambda server_id: -count[server_id])
    lines = [_server(name_of(each), count[each], latest[each], words) for each in worst[:SERVERS_AT_MOST]]
    if len(worst) > SERVERS_AT_MOST:
        more = len(worst) - SERVERS_AT_MOST
        lines.append(words.plural("… and {n} more server", "… and {n} more servers", more))
    return lines


def _server(name: str, count: int, latest: Event, words: Words) -> str:
    facts = cause(latest.report, words)[:1] if isinstance(latest, ServerCrashed) else []
    return " · ".join([f"**{escape(name, 60)}** × {count:,}", timestamp(latest.at_ms), *facts])


def _rest(storm: Storm, words: Words) -> list[str]:
    lines = []
    if storm.up_again:
        lines.append("🟢 " + words.plural("{n} is up again", "{n} are up again", storm.up_again))
    if storm.before:
        told = words.plural("The first {n} stands above.", "The first {n} stand above.", storm.before)
        lines.append(f"⬆️ {told}")
    lines.append("➡️ " + words.text("`{command}` shows how they are now.", command="/status"))
    return lines
