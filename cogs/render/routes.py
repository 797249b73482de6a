"""Where alerts go, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import discord

from cogs.locale.catalogue import Words, mark
from cogs.render.limits import fit
from cogs.render.palette import OVERVIEW
from cogs.render.text import escape, timestamp
from cogs.routing import RouteFault
from monitor.alerting import ALERTS, OWNER
from monitor.events import Severity
from storage.mutes import Mute
from storage.outbox import DeadLetter
from storage.routes import Record, Route, RouteKind

ERROR_AT_MOST = 120

SEVERITIES: dict[Severity, str] = {
    Severity.INFO: mark("everything"),
    Severity.WARNING: mark("from warnings on"),
    Severity.CRITICAL: mark("only what is critical"),
}

KINDS: dict[str, str] = {
    "server_crashed": mark("crashes"),
    "server_hung": mark("does not answer"),
    "server_recovered": mark("answers again"),
    "start_failed": mark("failed starts"),
    "restarts_exhausted": mark("given up"),
    "limit_crossed": mark("limit crossed"),
    "limit_cleared": mark("limit over"),
    "limit_foreseen": mark("limit foreseen"),
    "host_rebooted": mark("machine restarted"),
    "database_restored": mark("database restored"),
    "storage_degraded": mark("database in trouble"),
    "storage_recovered": mark("database well again"),
}
"""What each kind of alert is called."""

FAULTS: dict[RouteFault, str] = {
    RouteFault.NOWHERE: mark("Nothing was added: choose a channel, or give the address of a webhook."),
    RouteFault.TWO_PLACES: mark(
        "Nothing was added: choose a channel or give a webhook, not both. Add them one by one."
    ),
    RouteFault.WORDLESS: mark(
        "Nothing was added: nobody can write in {detail} itself. Choose a text channel or a thread."
    ),
    RouteFault.BAD_ADDRESS: mark(
        "Nothing was added: that is no address that takes alerts. It begins with `https://` or `http://`."
    ),
    RouteFault.UNKNOWN_KIND: mark("There is no kind of alert called “{detail}”. Pick from the list."),
    RouteFault.NO_SUCH_ROUTE: mark("There is no route “{detail}”. See `/alerts list`."),
    RouteFault.NO_ALERT_CHANNEL: mark("No channel is set for alerts yet. Choose one by `/setup` or `/alerts add`."),
}


def fault_text(fault: RouteFault, detail: str, words: Words) -> str:
    return words.text(FAULTS[fault], detail=escape(detail, 60))


def place(route: Route) -> str:
    """Where a route leads, with nothing that opens it."""
    if route.kind is RouteKind.CHANNEL:
        return f"<#{route.channel_id}>"
    return f"{'🪝' if route.kind is RouteKind.DISCORD else '🔗'} {escape(route.label)}"


def description(route: Route, words: Words) -> str:
    """What a route takes, and whom it calls: "#3 → #ops · alpha · …"."""
    parts = [f"**#{route.id}** → {place(route)}"]
    parts.append(f"`{route.filter.server_id}`" if route.filter.server_id else words.text("all servers"))
    parts += [", ".join(words.text(KINDS[kind]) for kind in sorted(route.filter.kinds))] if route.filter.kinds else []
    parts += [words.text(SEVERITIES[route.filter.min_severity])] if route.filter.min_severity != Severity.INFO else []
    if route.mention_role_id is not None:
        parts.append(_mention(route.mention_role_id, route.mention_after_min, words))
    if route.fallback_id is not None:
        parts.append(words.text("if it is gone: #{route}", route=route.fallback_id))
    return " · ".join(parts)


def _mention(role_id: int, after_min: int | None, words: Words) -> str:
    role = f"<@&{role_id}>"
    if after_min is None:
        return words.text("calls {role}", role=role)
    return words.plural(
        "calls {role} when nobody cares for {n} minute",
        "calls {role} when nobody cares for {n} minutes",
        after_min,
        role=role,
    )


def record_text(record: Record | None, words: Words) -> str:
    """What became of what was sent one way."""
    if record is None:
        return words.text("nothing was sent yet")
    parts = []
    if record.last_success_ms is not None:
        told = words.plural("{n} delivered", "{n} delivered", record.delivered)
        parts.append(f"✅ {told}, {timestamp(record.last_success_ms)}")
    if record.waiting:
        tries = words.plural("{n} try failed", "{n} tries failed", record.attempts)
        waiting = words.plural("{n} is waiting", "{n} are waiting", record.waiting)
        parts.append(f"⏳ {waiting}, {tries}" if record.attempts else f"⏳ {waiting}")
    if record.last_error:
        parts.append(f"⚠️ {escape(record.last_error, ERROR_AT_MOST)}")
    return " · ".join(parts) or words.text("nothing was sent yet")


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with alerts."""

    routes: Sequence[Route]
    records: Mapping[str, Record]
    """By destination."""
    mutes: Sequence[Mute]
    dead: Sequence[DeadLetter]
    """What could be delivered nowhere."""
    channel_id: int | None
    """Where alerts go that no route takes."""


def routes_embed(standing: Standing, words: Words) -> discord.Embed:
    """All ways that alerts take, and what became of what was sent there."""
    embed = discord.Embed(title=f"{OVERVIEW.icon} {words.text('Where alerts go')}", colour=OVERVIEW.colour)
    records = standing.records
    lines = [_line(description(route, words), records.get(route.destination), words) for route in standing.routes]
    if standing.channel_id is None:
        lines.append(words.text(FAULTS[RouteFault.NO_ALERT_CHANNEL]))
    else:
        channel = f"<#{standing.channel_id}>"
        rest = words.text("Everything that no route takes → {channel}", channel=channel)
        lines.append(_line(rest, records.get(ALERTS), words))
    sent = sum(record.delivered for name, record in records.items() if name.startswith(f"{OWNER}:"))
    if sent:
        lines.append("✉️ " + words.plural("{n} went to an owner", "{n} went to the owners", sent))
    lines += [f"🔕 {_mute(mute, words)}" for mute in standing.mutes]
    lines += [f"📭 {_dead(letter, words)}" for letter in standing.dead]
    embed.description = "\n".join(lines)
    return fit(embed)


def _line(what: str, record: Record | None, words: Words) -> str:
    return f"{what}\n-# {record_text(record, words)}"


def muted(mute: Mute, words: Words) -> str:
    """Say what is silent, until when, and what ends that."""
    server = f" server:{mute.server_id}" if mute.server_id else ""
    kind = f" kind:{words.text(KINDS[mute.kind])}" if mute.kind else ""
    return words.text(
        "🔕 {what}: no alerts until {when}. `/status` shows how things are; `{command}` ends it.",
        what=_silent(mute, words),
        when=timestamp(mute.until_ms, "f"),
        command=f"/alerts mute minutes:0{server}{kind}",
    )


def _mute(mute: Mute, words: Words) -> str:
    what, when = _silent(mute, words), timestamp(mute.until_ms, "f")
    return words.text("{what}: no alerts until {when}", what=what, when=when)


def _silent(mute: Mute, words: Words) -> str:
    server = f"`{mute.server_id}`" if mute.server_id else words.text("all servers")
    return f"{server} · {words.text(KINDS[mute.kind])}" if mute.kind else server


def _dead(letter: DeadLetter, words: Words) -> str:
    error = escape(letter.error, ERROR_AT_MOST)
    return words.text("Alert #{id} could be delivered nowhere: {error}", id=letter.item.event_id, error=error)


def added(route: Route, signing: str, words: Words) -> str:
    """What is told once a route is there; the one time that its secret is shown."""
    told = f"✅ {description(route, words)}\n" + words.text(
        "Try it by `{command}`.", command=f"/alerts test route:{route.id}"
    )
    if not signing:
        return told
    secret = words.text(
        "What is sent there is signed. This is the secret; keep it now, it is never shown again: {secret}",
        secret=f"||`{signing}`||",
    )
    return f"{told}\n🔑 {secret}"
