"""What is asked before a button does something, and what it answers."""

from __future__ import annotations

from cogs.locale.catalogue import Words
from cogs.render.evidence import actor
from cogs.render.plans import bold_name
from cogs.render.text import timestamp
from monitor.model import Server
from storage.incidents import Incident
from storage.mutes import Mute


def question(server: Server, words: Words, *, restart: bool) -> str:
    """Ask whether to end a server that people may be playing on."""
    name = bold_name(server)
    if server.players is None:
        on = words.text("Nobody can tell whether players are on {name}.", name=name)
    else:
        on = words.plural("{n} player is on {name}.", "{n} players are on {name}.", server.players.online, name=name)
    asked = words.text("Restart it now?") if restart else words.text("Stop it now?")
    return f"{on} {asked} {words.text('They are warned, and the world is saved first.')}"


def muted(server: Server, mute: Mute, words: Words, *, before: bool) -> str:
    """Tell until when nothing is told of a server, and who wanted that."""
    name, until, who = bold_name(server), timestamp(mute.until_ms, "t"), actor(mute.by, words)
    if before:
        return words.text(
            "{who} has silenced the alerts of {name} already, until {until}.", who=who, name=name, until=until
        )
    return words.text(
        "🔕 {who} has silenced the alerts of {name} until {until}. `{command}` ends that.",
        who=who,
        name=name,
        until=until,
        command=f"/alerts mute minutes:0 server:{server.id}",
    )


def taken_on(incident: Incident, words: Words) -> str:
    """Answer somebody who wants to look after what is over, or looked after."""
    if incident.closed_ms is not None:
        return words.text("That is over already, {when}. See `/status`.", when=timestamp(incident.closed_ms))
    by, at_ms = incident.acknowledged_by, incident.acknowledged_ms
    if by is None or at_ms is None:
        return words.text("👀 You look after it now: the alert says so, and nobody is called for it any more.")
    return words.text("{who} looks after it already, since {when}.", who=actor(by, words), when=timestamp(at_ms, "t"))
