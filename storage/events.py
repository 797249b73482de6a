"""What happened, as rows: the kind by its stable name, the rest as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.errors import StorageError, StorageFault, UnknownServer
from monitor.events import EVENT_TYPES, Event, RestartCalledOff, ServerStarted
from monitor.limit_events import LimitEvent
from monitor.model import Actor, ActorKind, ExitReport
from storage.codec import from_json, to_json
from storage.database import Database
from storage.transaction import Transaction

_APPEND = """
    INSERT INTO events (server_no, kind, at_ms, actor_id, body)
    SELECT no, :kind, :at_ms, :actor_id, :body FROM servers WHERE id = :server_id
    UNION ALL SELECT NULL, :kind, :at_ms, :actor_id, :body WHERE :server_id = ''
    RETURNING id
"""

_ABOUT_LIMITS = ", ".join(f"'{kind}'" for kind, event in EVENT_TYPES.items() if issubclass(event, LimitEvent))
_LATEST = f"""
    SELECT s.id, e.id, e.kind, e.body FROM events AS e JOIN servers AS s ON s.no = e.server_no
    WHERE e.id IN (SELECT max(id) FROM events WHERE kind NOT IN ({_ABOUT_LIMITS}) GROUP BY server_no)
"""  # noqa: S608  # the kinds are ours

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
    by = asked_by(event)
    told = {
        "kind": event.kind,
        "at_ms": event.at_ms,
        "actor_id": None if by is None else by.id,
        "body": to_json(event),
        "server_id": event.server_id,
    }
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


def asked_by(event: Event) -> Actor | None:
    """Who wanted it to happen: the event itself says so, or the report of the exit that it tells of."""
    by: Actor | None = getattr(event, "by", None)
    report: ExitReport | None = getattr(event, "report", None)
    return by if by is not None or report is None else report.by


async def page(
    db: Database,
    *,
    server_id: str | None = None,
    kind: str | None = None,
    actor_id: str | None = None,
    before_id: int | None = None,
    limit: int,
) -> tuple[StoredEvent, ...]:
    """At most `limit` events, the newest first; the next page is before the id of the last.

    Args:
        db: where they are.
        server_id: only of this server.
        kind: only of this kind.
        actor_id: only what this actor asked for.
        before_id: only those with a lower id.
        limit: how many at most.
    """
    wanted = {
        "server_no = (SELECT no FROM servers WHERE id = ?)": server_id,
        "kind = ?": kind,
        "actor_id = ?": actor_id,
        "id < ?": before_id,
    }
    given = {condition: value for condition, value in wanted.items() if value is not None}
    rows = await db.fetch_all(_page(given), (*given.values(), limit))
    return tuple(StoredEvent(row[0], decode(row[1], row[2], f"{db.path}: event {row[0]}")) for row in rows)


def _page(conditions: Iterable[str]) -> str:
    where = " AND ".join(conditions) or "1"
    return f"SELECT id, kind, body FROM events WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608  # ours


async def latest(db: Database) -> dict[str, Event]:
    """The last event in the life of each server that has any, by server id; what is about limits is none."""
    rows = await db.fetch_all(_LATEST)
    return {row[0]: decode(row[2], row[3], f"{db.path}: event {row[1]}") for row in rows}


async def forgiven(db: Database) -> dict[str, int]:
    """When (epoch milliseconds) a person last started each server or called its restarts off, by server id."""
    return dict(await db.fetch_all(_FORGIVEN))
