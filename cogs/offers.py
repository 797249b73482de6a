"""Which buttons stand under a message: what makes sense at that moment, for whoever may do it when it is pressed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import discord

from cogs.components import Address, Component, button, menu, row
from cogs.locale.catalogue import Words, mark
from cogs.render.limits import CHOICE_NAME, CHOICES
from cogs.render.palette import STATES
from cogs.render.text import cut, tame
from monitor.alerting import ENDINGS, HELPLESS, LIMIT_ENDINGS
from monitor.errors import UnknownServer
from monitor.events import Event, ServerCrashed
from monitor.model import Server, State
from monitor.ports import Control
from monitor.redaction import Redaction
from storage.incidents import Incident
from storage.outbox import OutboxItem

START, STOP, RESTART, CHART, LOGS = "start", "stop", "restart", "chart", "logs"
MUTE, ACKNOWLEDGE, SHOW = "mute", "acknowledge", "show"

MENUS = 5
"""Of Discord's: so many menus fit under a message, each with 25 choices."""

LABELS: dict[str, str] = {
    START: mark("Start"),
    STOP: mark("Stop"),
    RESTART: mark("Restart"),
    CHART: mark("Chart"),
    LOGS: mark("Logs"),
    MUTE: mark("Mute 1 h"),
    ACKNOWLEDGE: mark("Acknowledge"),
}
STYLES: dict[str, discord.ButtonStyle] = {
    START: discord.ButtonStyle.success,
    STOP: discord.ButtonStyle.danger,
    RESTART: discord.ButtonStyle.primary,
    ACKNOWLEDGE: discord.ButtonStyle.success,
}

OFFERED: dict[State, tuple[str, ...]] = {
    State.STOPPED: (START,),
    State.STARTING: (STOP,),
    State.RUNNING: (RESTART, STOP),
    State.STOPPING: (),
    State.BACKOFF: (START, STOP),
    State.FAILED: (START,),
    State.UNRESPONSIVE: (RESTART, STOP),
}

DOWN_BY_ITSELF = (ServerCrashed, *HELPLESS)
DOWN = (State.STOPPED, State.BACKOFF, State.FAILED)
UP = (State.RUNNING, State.UNRESPONSIVE)


def server_buttons(server: Server, words: Words, *, in_place: bool = False) -> discord.ui.View:
    """What can be done to a server as it stands.

    Args:
        server: as it stands.
        words: of the message.
        in_place: whether the message shows that server alone, in full: then it is changed by what is done.
    """
    more = (words.locale,) if in_place else ()
    doing = [_button(verb, words, server.id, *more) for verb in OFFERED[server.state]]
    return row(*doing, *(_button(verb, words, server.id) for verb in (CHART, LOGS)))


def panel_controls(servers: Sequence[Server], words: Words, redaction: Redaction) -> discord.ui.View | None:
    """Under a panel: the buttons of its only server, or else menus to choose one from; `None`: nothing."""
    if len(servers) == 1:
        return server_buttons(servers[0], words)
    firsts = range(0, min(len(servers), MENUS * CHOICES), CHOICES)
    menus = [_menu(first // CHOICES, servers[first : first + CHOICES], words, redaction) for first in firsts]
    return row(*menus) if menus else None


@dataclass(frozen=True, slots=True)
class AlertOffers:
    """Finds the buttons of alerts."""

    control: Control
    words: Words

    def __call__(self, item: OutboxItem, incident: Incident | None) -> discord.ui.View | None:
        """Give what can be done about an alert now; `None`: nothing."""
        if not item.event.alerts or isinstance(item.event, (*ENDINGS, *LIMIT_ENDINGS)):
            return None
        offered = list(self._offered(item.event, incident))
        return row(*offered) if offered else None

    def _offered(self, event: Event, incident: Incident | None) -> Iterator[Component]:
        server = self._server(event.server_id)
        going_on = incident is not None and incident.closed_ms is None
        if server is not None:
            verb = mends(event, server.state) if going_on else None
            if verb is not None:
                label, style = self.words.text("Restart now"), discord.ButtonStyle.primary
                yield button(Address(verb, (server.id,)), label, style)
            yield from (_button(each, self.words, server.id) for each in (CHART, LOGS))
            if going_on:
                yield _button(MUTE, self.words, server.id)
        if incident is not None and incident.pressing:
            yield _button(ACKNOWLEDGE, self.words, str(incident.id))

    def _server(self, server_id: str) -> Server | None:
        try:
            return self.control.server(server_id) if server_id else None
        except UnknownServer:
            return None


def mends(event: Event, state: State) -> str | None:
    """What brings a server up again, or anew, after such an event; `None` while something is under way."""
    if state in DOWN:
        return START
    if isinstance(event, DOWN_BY_ITSELF):
        # A start, so that an old alert never restarts what has long been up again.
        return START if state in UP else None
    return RESTART if state in UP else None


def _button(verb: str, words: Words, *parts: str) -> Component:
    return button(Address(verb, parts), words.text(LABELS[verb]), STYLES.get(verb, discord.ButtonStyle.secondary))


def _menu(number: int, servers: Iterable[Server], words: Words, redaction: Redaction) -> Component:
    options = [
        discord.SelectOption(
            label=cut(tame(redaction.text(server.spec.name)) or server.id, CHOICE_NAME),
            value=server.id,
            emoji=STATES[server.state].icon,
        )
        for server in servers
    ]
    return menu(Address(SHOW, (str(number),)), options, placeholder=words.text("Choose a server …"))
