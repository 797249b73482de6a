"""What becomes of the alerts that wait for one destination: one message each, one for many, or a line in an old one.

Pure decisions; `cogs/lane.py` carries them out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.alerting import HELPLESS
from monitor.events import ServerReady, ServerRecovered
from monitor.limit_events import LimitCleared, LimitCrossed
from storage.outbox import OutboxItem

STORM = 10
STORM_WINDOW_S = 60.0
"""So many of a kind, one by one, within that time are a storm: from the last of them on they share a message."""
LONG_DOWN_MS = 5 * 60_000
"""Whoever saw the alert of a server that was down for longer has gone: its return is worth a message."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a destination has been told already."""

    heads: Mapping[int, OutboxItem]
    """By incident: the first that was told of it."""
    recent: Mapping[str, int]
    """By kind of event: how many were told one by one during the last minute."""
    groups: Mapping[str, int]
    """By kind of event: the message that a storm is told in, while it lasts."""
    threaded: bool = True
    """Whether messages can be changed there; else each event is told by itself."""


class Kind(StrEnum):
    POST = "post"
    """A message of its own; what goes on with it before it is out is told in it."""
    REPLY = "reply"
    """A message that refers to that of its incident, which is brought up to date."""
    LINE = "line"
    """The message of its incident is brought up to date."""
    GROUP = "group"
    """The first message of a storm."""
    JOIN = "join"
    """The message of a storm is brought up to date."""
    DROP = "drop"
    """Nothing is sent."""
    CALL = "call"
    """Somebody is called, as nobody has said that they look after it."""


@dataclass(frozen=True, slots=True)
class Work:
    """The next thing to do, for one or more alerts."""

    kind: Kind
    items: tuple[OutboxItem, ...]
    """The first of them leads."""
    head: OutboxItem | None = None
    """What the message that is referred to or changed was sent for."""
    message_id: int | None = None
    """For JOIN: the storm's message."""


class _Fate(StrEnum):
    NOTIFIES = "notifies"
    CHANGES = "changes"
    """It changes the message of its incident."""
    NOTHING = "nothing"


def next_work(items: Sequence[OutboxItem], scene: Scene) -> Work:
    """Say what to do about the first of the alerts that wait, which are in order; there is one at least."""
    first = items[0]
    if first.calls:
        return Work(Kind.DROP if first.muted else Kind.CALL, (first,))
    if not scene.threaded:
        return Work(Kind.POST, (first,))
    fates = _fates(items, scene)
    match fates[0]:
        case _Fate.NOTHING:
            return Work(Kind.DROP, tuple(i for i, fate in zip(items, fates, strict=True) if fate is _Fate.NOTHING))
        case _Fate.CHANGES:
            return _change(items, fates, scene)
        case _Fate.NOTIFIES:
            return _notice(items, fates, scene)


def _fates(items: Sequence[OutboxItem], scene: Scene) -> list[_Fate]:
    heads = dict(scene.heads)
    fates = []
    for item in items:
        head = heads.get(item.incident_id or 0)
        if head is None:
            fates.append(_Fate.NOTIFIES if item.event.alerts else _Fate.NOTHING)
            if item.event.alerts and item.incident_id is not None:
                heads[item.incident_id] = item
        else:
            fates.append(_Fate.NOTIFIES if worth_a_reply(item, head) else _Fate.CHANGES)
    return fates


def _change(items: Sequence[OutboxItem], fates: Sequence[_Fate], scene: Scene) -> Work:
    head = scene.heads[items[0].incident_id or 0]
    if head.grouped and head.message_id is not None:
        return _join(items, fates, scene, head.message_id)
    return Work(Kind.LINE, _changes_until_notice(items, fates, items[0]), head)


def _notice(items: Sequence[OutboxItem], fates: Sequence[_Fate], scene: Scene) -> Work:
    first = items[0]
    kind = first.event.kind
    if kind in scene.groups:
        return _join(items, fates, scene, scene.groups[kind])
    alike = [i for i, fate in zip(items, fates, strict=True) if fate is _Fate.NOTIFIES and i.event.kind == kind]
    if len(alike) + scene.recent.get(kind, 0) >= STORM:
        return Work(Kind.GROUP, tuple(alike))
    head = scene.heads.get(first.incident_id or 0)
    if head is not None:
        return Work(Kind.REPLY, (first,), head)
    return Work(Kind.POST, (first, *_changes_until_notice(items[1:], fates[1:], first)))


def _changes_until_notice(
    items: Sequence[OutboxItem], fates: Sequence[_Fate], of: OutboxItem
) -> tuple[OutboxItem, ...]:
    """What only changes the message of an incident, up to what is told by a message of its own."""
    kept = []
    for item, fate in zip(items, fates, strict=True):
        if item.incident_id is None or item.incident_id != of.incident_id:
            continue
        if fate is _Fate.NOTIFIES:
            break
        kept.append(item)
    return tuple(kept)


def _join(items: Sequence[OutboxItem], fates: Sequence[_Fate], scene: Scene, message_id: int) -> Work:
    """All that belongs into the message of one storm."""
    kinds = {kind for kind, group in scene.groups.items() if group == message_id}
    told = {incident for incident, head in scene.heads.items() if head.grouped and head.message_id == message_id}
    kept = [
        item
        for item, fate in zip(items, fates, strict=True)
        if (fate is _Fate.NOTIFIES and item.event.kind in kinds)
        or (fate is _Fate.CHANGES and item.incident_id in told)
    ]
    return Work(Kind.JOIN, tuple(kept), message_id=message_id)


def worth_a_reply(item: OutboxItem, head: OutboxItem) -> bool:
    """Whether a development is more than a change of the message that its incident was told by.

    Never while it is muted: nobody hears of it, and the message still tells how it went on.
    """
    if item.muted:
        return False
    event = item.event
    if isinstance(event, (ServerRecovered, *HELPLESS, LimitCrossed, LimitCleared)):
        return True
    long = event.at_ms - head.event.at_ms >= LONG_DOWN_MS
    return isinstance(event, ServerReady) and (long or isinstance(head.event, HELPLESS))
