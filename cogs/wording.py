"""From alerts as rows to messages: what is said, with the secrets taken out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import discord

from cogs.locale.catalogue import Words
from cogs.render.alerts import alert_embed
from cogs.render.incident import call_embed, development_embed, developments, looked_after, return_embed, test_embed
from cogs.render.limits import CONTENT
from cogs.render.storms import Storm, storm_embed
from cogs.render.text import cut, escape
from monitor.errors import UnknownServer
from monitor.events import Event, ServerReady
from monitor.model import Actor
from monitor.ports import Clock, Control
from monitor.redaction import Redaction
from storage.incidents import Incident
from storage.outbox import OutboxItem

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Wording:
    """Finds the words, in the language that unprompted posts are in."""

    words: Words
    control: Control
    clock: Clock
    redaction: Redaction

    def alone(
        self, head: OutboxItem, since: Sequence[OutboxItem] = (), incident: Incident | None = None
    ) -> discord.Embed:
        """The message of one alert, with what has happened since."""
        if isinstance(head.event, ServerReady):
            return self._return(head, head.event, incident)
        if not head.event.alerts:
            return self._development(head, incident)
        then = developments([self._discreet(item.event) for item in since], head.event.at_ms, self.words)
        if incident is not None and incident.acknowledged_by is not None and incident.acknowledged_ms is not None:
            then.append(looked_after(incident.acknowledged_by, incident.acknowledged_ms, self.words))
        return alert_embed(
            self._discreet(head.event),
            head.event_id,
            self.name(head.event.server_id),
            self.words,
            delayed_s=self._delayed_s(head),
            installation=head.installation,
            then=then,
            also=[item.event_id for item in since if _told_by(item, head)],
        )

    def storm(self, items: Sequence[OutboxItem], before: int) -> discord.Embed:
        """The message of many alerts of one kind, and of what has become of them."""
        kind = items[0].event.kind
        storm = Storm(
            alerts=[(item.event_id, self._discreet(item.event)) for item in items if item.event.kind == kind],
            up_again=sum(isinstance(item.event, ServerReady) for item in items if item.event.kind != kind),
            before=before,
        )
        first = items[0]
        delayed_s = self._delayed_s(first)
        return storm_embed(storm, self.name, self.words, installation=first.installation, delayed_s=delayed_s)

    def call(self, item: OutboxItem) -> discord.Embed:
        """The message that calls for somebody."""
        minutes = max(1, round((self.clock.now_ms() - item.event.at_ms) / 60_000))
        name = self.name(item.event.server_id)
        return call_embed(
            item.event, item.event_id, name, self.words, minutes=minutes, installation=item.installation
        )

    def test(self, item: OutboxItem, by: Actor) -> discord.Embed:
        """The message that shows whether alerts arrive."""
        return test_embed(by, item.created_ms, self.words)

    def why_an_owner(self, item: OutboxItem) -> str:
        """Tell an owner why they get an alert by direct message."""
        del item
        return self.words.text(
            "This alert could not be posted where it belongs, so you get it. See `{command}`.", command="/alerts list"
        )

    def name(self, server_id: str) -> str:
        """What people call a server; its id, once it is gone. Without an id it is the machine."""
        if not server_id:
            return self.words.text("The machine")
        try:
            return self.redaction.text(self.control.server(server_id).spec.name or server_id)
        except UnknownServer:
            return server_id

    def knows(self, server_id: str) -> bool:
        """Whether it is the machine, or a server that is still looked after."""
        return not server_id or any(server.id == server_id for server in self.control.servers())

    def _development(self, item: OutboxItem, incident: Incident | None) -> discord.Embed:
        return development_embed(
            self._discreet(item.event),
            item.event_id,
            self.name(item.event.server_id),
            self.words,
            opened_ms=incident.opened_ms if incident is not None else item.event.at_ms,
            installation=item.installation,
            delayed_s=self._delayed_s(item),
        )

    def _return(self, item: OutboxItem, event: ServerReady, incident: Incident | None) -> discord.Embed:
        return return_embed(
            event,
            item.event_id,
            self.name(event.server_id),
            self.words,
            opened_ms=incident.opened_ms if incident is not None else event.at_ms,
            installation=item.installation,
            delayed_s=self._delayed_s(item),
        )

    def _delayed_s(self, item: OutboxItem) -> float:
        """How late it is, or was when it was delivered: a message that is brought up to date does not get later."""
        return max(0, (item.delivered_ms or self.clock.now_ms()) - item.created_ms) / 1000

    def _discreet(self, event: Event) -> Event:
        return discreet(event, self.redaction)


def _told_by(item: OutboxItem, head: OutboxItem) -> bool:
    """Whether the message of the head is the one that tells of this alert, or is going to be."""
    return item.event.alerts and item.message_id in (None, head.message_id)


def plain(embed: discord.Embed, call: str | None = None) -> str:
    """The same in plain text, as short and as harmless as can be, for when an embed was not taken; after its call."""
    lines = [embed.title or "", *(embed.description or "").splitlines()[:7], embed.footer.text or ""]
    told = [escape(line, 200) for line in lines if line.strip()]
    return cut("\n".join([*([call] if call else []), *told]), CONTENT)


def discreet(value: E, redaction: Redaction) -> E:
    """Give a value of ours with the secrets taken out of every text in it, however deep; ids of servers stay."""
    if isinstance(value, str):
        return redaction.text(value) if type(value) is str else value  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(discreet(item, redaction) for item in value)  # type: ignore[return-value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        texts = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.name != "server_id"}
        return dataclasses.replace(value, **{name: discreet(inner, redaction) for name, inner in texts.items()})
    return value
