"""What happened, as rows: the kind by its stable name, the rest as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.errors import StorageError, StorageFault, UnknownServer
from monitor.events import EVENT_TYPES, Event, RestartCalledOff, ServerStarted
from monitor.model import ActorKind
from storage.codec import from_json, to_json
from storage.database import Database, Transaction

_APPEND = """
    INSERT INTO events (server_no, kind, at_ms, body)
    SELECT no, :kind, :at_ms, :body FROM servers WHERE id = :server_id
    UNION ALL SELECT NULL, :kind, :at_ms, :body WHERE :server_id = ''
    RETURNING id
"""

_NEWEST = """
    SELECT e.id, e.kind, e.body FROM events AS e
    WHERE (:server_id IS NULL OR e.server_no = (SELECT no FROM servers WHERE id = :server_id))
        AND (:before_id IS NULL OR e.id < :before_id)
    ORDER BY e.id DESC LIMIT :limit
"""

_LATEST = """
    SELECT s.id, e.id, e.kind, e.body FROM events AS e JOIN servers AS s ON s.no = e.server_no
    WHERE e.id IN (SELECT max(id) FROM events GROUP BY server_no)
"""

_FORGIVEN = f"""
    SELECT s.id, max(e.at_ms) FROM events AS e JOIN servers AS s ON s.no = e.server_no
    WHERE e.kind IN ('{ServerStarted.kind}', '{RestartCalledOff.kind}')
        AND json_extract(e.body, '$.by.kind') IN ('{ActorKind.DISCORD}', '{ActorKind.COMMAND_LINE}')
    GROUP BY s.id
"""  # noqa: S608  # the kinds are ours


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event and the number under which it was written down; a later one has a higher number."""

    id: int
    event: Event


async def append(tx: Transaction, event: Event) -> int:
    """Write it down and give its id.

    Raises:
        UnknownServer: the database does not know its server.
    """
    told = {"kind": event.kind, "at_ms": event.at_ms, "body": to_json(event), "server_id": event.server_id}
    row = await tx.fetch_one(_APPEND, told)
    if row is None:
        raise UnknownServer(event.server_id)
    event_id: int = row[0]
    return event_id


def decode(kind: str, body: str, source: str) -> Event:
    """Read an event back.

    Raises:
        StorageError: UNREADABLE, naming `source`.
    """
    if kind not in EVENT_TYPES:
        raise StorageError(StorageFault.UNREADABLE, source, f"kind {kind}")
    return from_json(EVENT_TYPES[kind], body, source)


async def newest(db: Database, server_id: str | None, limit: int, before_id: int | None) -> tuple[StoredEvent, ...]:
    """At most `limit` events with ids under `before_id`, the newest first; of one server, or of all."""
    rows = await db.fetch_all(_NEWEST, {"server_id": server_id, "before_id": before_id, "limit": limit})
    return tuple(StoredEvent(row[0], decode(row[1], row[2], f"{db.path}: event {row[0]}")) for row in rows)


async def latest(db: Database) -> dict[str, Event]:
    """The last event of each server that any was written of, by server id."""
    rows = await db.fetch_all(_LATEST)
    return {row[0]: decode(row[2], row[3], f"{db.path}: event {row[1]}") for row in rows}


async def forgiven(db: Database) -> dict[str, int]:
    """When (epoch milliseconds) a person last started each server or called its restarts off, by server id."""
    return dict(await db.fetch_all(_FORGIVEN))
