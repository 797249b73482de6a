"""Messages that have to reach people, in the order they were written in, each until it is delivered or buried."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from zlib import crc32

from monitor.alerting import ESCALATION
from monitor.errors import StorageError
from monitor.events import Event
from storage import outbox_queries as ask
from storage.database import Database
from storage.events import decode
from storage.transaction import Row, Transaction

_PUT = """
    INSERT INTO outbox (event_id, destination, created_ms, incident_id, next_attempt_ms) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (event_id, destination) DO NOTHING
"""
_DELIVERED = """
    UPDATE outbox SET delivered_ms = ?, message_id = ?, channel_id = ?, grouped = ?, attempts = attempts + 1
    WHERE id = ?
"""
_POSTPONED = "UPDATE outbox SET next_attempt_ms = ?, last_error = ?, attempts = attempts + 1 WHERE id = ?"
_BURIED = "UPDATE outbox SET buried_ms = ?, last_error = ?, attempts = attempts + 1 WHERE id = ?"
_MOVED = """
    UPDATE OR IGNORE outbox SET destination = :next, tried = trim(tried || ' ' || destination), last_error = :error,
        attempts = 0, next_attempt_ms = 0
    WHERE id = :id RETURNING id
"""
_DROPPED = "UPDATE outbox SET delivered_ms = ?, last_error = coalesce(?, last_error) WHERE id = ?"
_ILLUSTRATED = "UPDATE outbox SET illustrated = 1 WHERE id = ?"
_EXPEDITED = f"UPDATE outbox AS o SET next_attempt_ms = 0 WHERE {ask.NO_CALL}"  # noqa: S608
_REVIVED = """
    UPDATE OR IGNORE outbox SET buried_ms = NULL, attempts = 1, next_attempt_ms = 0,
        destination = CASE tried WHEN '' THEN destination
            ELSE substr(tried || ' ', 1, instr(tried || ' ', ' ') - 1) END,
        tried = ''
    WHERE buried_ms > ? RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """The message that an alert has become."""

    message_id: int | None
    """`None` where there is none to come back to."""
    channel_id: int | None = None
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One message that is to be delivered once."""

    id: int
    event_id: int
    event: Event
    destination: str
    attempts: int
    """Tries so far that failed."""
    created_ms: int
    installation: str
    """Tells the alerts of this database from those of another one in the same channel."""
    incident_id: int | None = None
    message_id: int | None = None
    """Of the message that it was told in."""
    channel_id: int | None = None
    """Where that message stands."""
    grouped: bool = False
    """Whether it was told in one message with others of its kind."""
    illustrated: bool = False
    """Whether its message has a chart."""
    tried: tuple[str, ...] = ()
    """The destinations that were gone."""
    delivered_ms: int | None = None
    muted: bool = False
    """Whether nothing is to be told of such an event at its time; of a call for help, at the time of the call."""

    @property
    def standing(self) -> Standing:
        """The message that it has become."""
        return Standing(self.message_id, self.channel_id, self.grouped)

    @property
    def key(self) -> str:
        """Names what is told, the same at every try and wherever it is told."""
        return f"{self.installation}-{self.event_id}{'c' if self.calls else ''}"

    @property
    def nonce(self) -> str:
        """The same at every try, at most 25 characters: Discord's limit.

        Another for each destination: Discord says that it knows a nonce by its author, whatever the channel.
        """
        return f"{self.installation}-{self.event_id}-{crc32(self.destination.encode()) & 0xFFFF:04x}"

    @property
    def calls(self) -> bool:
        """Whether it calls for help with an alert that was told already."""
        return self.destination.startswith(f"{ESCALATION}:")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An alert that could be delivered nowhere."""

    item: OutboxItem
    buried_ms: int
    error: str


async def put(
    tx: Transaction,
    event_id: int,
    destination: str,
    at_ms: int,
    incident_id: int | None = None,
    *,
    not_before_ms: int = 0,
) -> None:
    """Add a message about an event, in the very transaction that writes the event; none twice for one destination."""
    await tx.execute(_PUT, (event_id, destination, at_ms, incident_id, not_before_ms))


class Outbox:
    """What is waiting, and what became of it. Each change is on the disk when its call returns."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def destinations(self) -> Sequence[str]:
        """Where something is waiting to go to."""
        return [row[0] for row in await self._db.fetch_all(ask.DESTINATIONS)]

    async def pending(self, destination: str, now_ms: int, limit: int = 200) -> tuple[OutboxItem, ...]:
        """What may be sent there now, the oldest first.

        One whose next try is still to come holds back the later ones, so that order is kept. One whose event
        cannot be read is buried: it would hold them back for ever.
        """
        told = {"destination": destination, "now_ms": now_ms, "limit": limit}
        items = []
        for row in await self._db.fetch_all(ask.PENDING, told):
            try:
                items.append(_item(row, str(self._db.path)))
            except StorageError as damage:
                await self.buried(row[0], now_ms, damage.detail)
        return tuple(items)

    async def next_ms(self, destination: str, now_ms: int) -> int | None:
        """When the next try is due there; `None`: nothing waits for its time."""
        row = await self._db.fetch_one(ask.NEXT_MS, {"destination": destination, "now_ms": now_ms})
        return None if row is None else row[0]

    async def of_message(self, destination: str, message_id: int) -> tuple[OutboxItem, ...]:
        """All that was told in one message."""
        return self._items(await self._db.fetch_all(ask.OF_MESSAGE, (destination, message_id)))

    async def of_incident(self, destination: str, incident_id: int) -> tuple[OutboxItem, ...]:
        """All that a destination was told of an incident, in order."""
        return self._items(await self._db.fetch_all(ask.OF_INCIDENT, (destination, incident_id)))

    async def heads(self, incident_id: int) -> tuple[OutboxItem, ...]:
        """The first that each destination was told of an incident."""
        return self._items(await self._db.fetch_all(ask.HEADS, (incident_id,)))

    async def told(self, destination: str, incident_ids: Iterable[int]) -> dict[int, OutboxItem]:
        """The first that a destination was told of each of these incidents, by incident."""
        rows = await self._db.fetch_all(ask.TOLD, (destination, json.dumps(sorted(incident_ids))))
        return {item.incident_id: item for item in self._items(rows) if item.incident_id is not None}

    async def recent(self, destination: str, since_ms: int) -> dict[str, int]:
        """How many of each kind of event were told there one by one since then."""
        return dict(await self._db.fetch_all(ask.RECENT, (destination, since_ms)))

    async def groups(self, destination: str, since_ms: int) -> dict[str, int]:
        """The message that each kind of event was told in together since then, by its id."""
        return {row[0]: row[1] for row in await self._db.fetch_all(ask.GROUPS, (destination, since_ms))}

    async def delivered(self, items: Iterable[OutboxItem], at_ms: int, standing: Standing) -> None:
        """They stand there as that message."""
        told = (at_ms, standing.message_id, standing.channel_id, standing.grouped)
        await self._change(_DELIVERED, *[(*told, item.id) for item in items])

    async def postponed(self, item_id: int, next_attempt_ms: int, error: str) -> None:
        """A try failed; the next one not before then."""
        await self._change(_POSTPONED, (next_attempt_ms, error, item_id))

    async def moved(self, item: OutboxItem, destination: str, at_ms: int, error: str) -> None:
        """Its destination is gone: another takes its place. What is there already is not told twice."""
        async with self._db.transaction(durable=True) as tx:
            told = {"next": destination, "error": error, "id": item.id}
            if await tx.fetch_one(_MOVED, told) is None:
                await tx.execute(_DROPPED, (at_ms, error, item.id))

    async def dropped(self, items: Iterable[OutboxItem], at_ms: int) -> None:
        """Nothing needs to be sent for these any more."""
        await self._change(_DROPPED, *[(at_ms, None, item.id) for item in items])

    async def buried(self, item_id: int, at_ms: int, error: str) -> None:
        """No try can help: a dead letter, kept but not sent."""
        await self._change(_BURIED, (at_ms, error, item_id))

    async def illustrated(self, item_id: int) -> None:
        """Its message has a chart."""
        await self._change(_ILLUSTRATED, (item_id,))

    async def expedite(self) -> None:
        """Try everything at once that waits for its next try: what stood in the way is gone."""
        await self._change(_EXPEDITED, ())

    async def revive(self, since_ms: int) -> int:
        """Try the dead letters since then once more, where they were first meant to go; give how many there are.

        They count as tried: an answer of long ago may have been lost, and the message stand there.
        """
        async with self._db.transaction(durable=True) as tx:
            return len(await tx.fetch_all(_REVIVED, (since_ms,)))

    async def backlog(self) -> int:
        """How many are waiting, due or not."""
        [[waiting]] = await self._db.fetch_all(ask.BACKLOG)
        return int(waiting)

    async def dead_letters(self, limit: int = 20) -> tuple[DeadLetter, ...]:
        """The latest that could be delivered nowhere, the newest first; of what can be read."""
        rows = await self._db.fetch_all(ask.DEAD, (limit,))
        return tuple(DeadLetter(item, row[-2], row[-1] or "") for row in rows for item in self._items([row[:-2]]))

    async def _change(self, sql: str, *parameters: tuple[object, ...]) -> None:
        async with self._db.transaction(durable=True) as tx:
            for each in parameters:
                await tx.execute(sql, each)

    def _items(self, rows: Iterable[Row]) -> tuple[OutboxItem, ...]:
        return tuple(self._readable(rows))

    def _readable(self, rows: Iterable[Row]) -> Iterator[OutboxItem]:
        for row in rows:
            with suppress(StorageError):
                yield _item(row, str(self._db.path))


def _item(row: Row, source: str) -> OutboxItem:
    item_id, event_id, kind, body, destination, attempts, created_ms, incident_id, message_id = row[:9]
    channel_id, grouped, illustrated, tried, delivered_ms, installation, muted = row[9:]
    return OutboxItem(
        id=item_id,
        event_id=event_id,
        event=decode(kind, body, f"{source}: event {event_id}"),
        destination=destination,
        attempts=attempts,
        created_ms=created_ms,
        installation=installation,
        incident_id=incident_id,
        message_id=message_id,
        channel_id=channel_id,
        grouped=bool(grouped),
        illustrated=bool(illustrated),
        tried=tuple(tried.split()),
        delivered_ms=delivered_ms,
        muted=bool(muted),
    )
