"""Messages that have to reach Discord, in the order they were written in, each until it is delivered or buried."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.events import Event
from storage.database import Database, Parameters, Row, Transaction
from storage.events import decode

ALERTS = "alerts"
"""The destination of an alert: whatever channel is set for alerts when it is delivered."""

_PENDING = """
    WITH held (destination, first_id) AS (
        SELECT destination, min(id) FROM outbox
        WHERE delivered_ms IS NULL AND buried_ms IS NULL AND next_attempt_ms > :now_ms
        GROUP BY destination
    )
    SELECT o.id, o.event_id, e.kind, e.body, o.destination, o.attempts, o.created_ms,
        (SELECT value FROM settings WHERE key = 'installation')
    FROM outbox AS o
    JOIN events AS e ON e.id = o.event_id
    LEFT JOIN held AS h ON h.destination = o.destination
    WHERE o.delivered_ms IS NULL AND o.buried_ms IS NULL AND (h.first_id IS NULL OR o.id < h.first_id)
    ORDER BY o.id LIMIT :limit
"""

_DELIVERED = "UPDATE outbox SET delivered_ms = ?, message_id = ?, attempts = attempts + 1 WHERE id = ?"
_POSTPONED = "UPDATE outbox SET next_attempt_ms = ?, last_error = ?, attempts = attempts + 1 WHERE id = ?"
_BURIED = "UPDATE outbox SET buried_ms = ?, last_error = ?, attempts = attempts + 1 WHERE id = ?"
_BACKLOG = "SELECT count(*) FROM outbox WHERE delivered_ms IS NULL AND buried_ms IS NULL"


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One message that is to be delivered once."""

    id: int
    event_id: int
    event: Event
    destination: str
    attempts: int
    """Tries so far that failed."""
    nonce: str
    """The same at every try, at most 25 characters: Discord's limit."""
    created_ms: int


async def put(tx: Transaction, event_id: int, destination: str, at_ms: int) -> None:
    """Add a message about an event, in the very transaction that writes the event."""
    await tx.execute(
        "INSERT INTO outbox (event_id, destination, created_ms) VALUES (?, ?, ?)", (event_id, destination, at_ms)
    )


class Outbox:
    """What is waiting, and what became of it. Each change is on the disk when its call returns."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def pending(self, now_ms: int, limit: int = 20) -> tuple[OutboxItem, ...]:
        """What may be sent now, the oldest first.

        One whose next try is still to come holds back the later ones of its destination, so that order is kept.
        """
        rows = await self._db.fetch_all(_PENDING, {"now_ms": now_ms, "limit": limit})
        return tuple(_item(row, str(self._db.path)) for row in rows)

    async def delivered(self, item_id: int, at_ms: int, message_id: int) -> None:
        """It stands in Discord as that message."""
        await self._change(_DELIVERED, (at_ms, message_id, item_id))

    async def postponed(self, item_id: int, next_attempt_ms: int, error: str) -> None:
        """A try failed; the next one not before then."""
        await self._change(_POSTPONED, (next_attempt_ms, error, item_id))

    async def buried(self, item_id: int, at_ms: int, error: str) -> None:
        """No try can help: a dead letter, kept but never sent."""
        await self._change(_BURIED, (at_ms, error, item_id))

    async def backlog(self) -> int:
        """How many are waiting, due or not."""
        [[waiting]] = await self._db.fetch_all(_BACKLOG)
        return int(waiting)

    async def _change(self, sql: str, parameters: Parameters) -> None:
        async with self._db.transaction(durable=True) as tx:
            await tx.execute(sql, parameters)


def _item(row: Row, source: str) -> OutboxItem:
    item_id, event_id, kind, body, destination, attempts, created_ms, installation = row
    return OutboxItem(
        id=item_id,
        event_id=event_id,
        event=decode(kind, body, f"{source}: event {event_id}"),
        destination=destination,
        attempts=attempts,
        nonce=f"{installation}-{event_id}",
        created_ms=created_ms,
    )
