"""What is wrong with a server, from its first alert until it is well again, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.alerting import HELPLESS, Open, Step, step, subject
from monitor.events import Event
from monitor.model import Actor
from storage.codec import from_json, to_json
from storage.database import Database
from storage.events import StoredEvent, decode
from storage.transaction import Row, Transaction

_OPEN = """
    SELECT i.id, i.last_ms, i.given_up FROM incidents AS i LEFT JOIN servers AS s ON s.no = i.server_no
    WHERE coalesce(s.id, '') = ? AND i.subject = ? AND i.closed_ms IS NULL ORDER BY i.id DESC LIMIT 1
"""
_CLOSE = "UPDATE incidents SET closed_ms = :at_ms, last_ms = :at_ms WHERE id = :id"
_BEGIN = """
    INSERT INTO incidents (server_no, subject, opened_ms, last_ms, given_up)
    VALUES ((SELECT no FROM servers WHERE id = :server_id), :subject, :at_ms, :at_ms, :given_up) RETURNING id
"""
_DEVELOP = "UPDATE incidents SET last_ms = :at_ms, given_up = given_up OR :given_up WHERE id = :id"

_FIND = """
    SELECT i.id, coalesce(s.id, ''), i.opened_ms, i.given_up, i.closed_ms, i.acknowledged_ms, i.acknowledged_by
    FROM incidents AS i LEFT JOIN servers AS s ON s.no = i.server_no WHERE i.id = ?
"""
_OF_EVENT = "SELECT incident_id FROM outbox WHERE event_id = ? AND incident_id IS NOT NULL LIMIT 1"
_ACKNOWLEDGE = """
    UPDATE incidents SET acknowledged_ms = ?, acknowledged_by = ? WHERE id = ? AND acknowledged_ms IS NULL
    RETURNING id
"""
_EVENTS = """
    SELECT DISTINCT e.id, e.kind, e.body FROM outbox AS o JOIN events AS e ON e.id = o.event_id
    WHERE o.incident_id = ? AND o.destination NOT LIKE 'escalation:%' ORDER BY e.id
"""


@dataclass(frozen=True, slots=True)
class Incident:
    """What is, or was, wrong with one server, or a limit that is, or was, crossed."""

    id: int
    server_id: str
    """Empty where it is about no one server."""
    opened_ms: int
    given_up: bool
    closed_ms: int | None
    acknowledged_ms: int | None = None
    acknowledged_by: Actor | None = None
    """Who looks after it."""

    @property
    def pressing(self) -> bool:
        """Whether it goes on, and nobody looks after it."""
        return self.closed_ms is None and self.acknowledged_ms is None


async def develop(tx: Transaction, event: Event) -> tuple[Step, int | None]:
    """Write down what an event does to the incident of its server, and give that incident's id."""
    row = await tx.fetch_one(_OPEN, (event.server_id, subject(event)))
    going_on = None if row is None else Open(row[0], row[1], bool(row[2]))
    done = step(event, going_on)
    told = {
        "at_ms": event.at_ms,
        "given_up": isinstance(event, HELPLESS),
        "server_id": event.server_id,
        "subject": subject(event),
        "id": None if going_on is None else going_on.id,
    }
    if going_on is not None and done in (Step.OPENS, Step.CLOSES):
        await tx.execute(_CLOSE, told)
    elif going_on is not None and done is not Step.ALONE:
        await tx.execute(_DEVELOP, told)
    if done is Step.OPENS:
        begun = await tx.fetch_one(_BEGIN, told)
        return done, None if begun is None else begun[0]
    return done, None if done is Step.ALONE or going_on is None else going_on.id


class Incidents:
    """The incidents that alerts were written for. Each change is on the disk when its call returns."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, incident_id: int) -> Incident | None:
        row = await self._db.fetch_one(_FIND, (incident_id,))
        return None if row is None else _incident(row, str(self._db.path))

    async def of_event(self, event_id: int) -> int | None:
        """The incident that an event belongs to."""
        row = await self._db.fetch_one(_OF_EVENT, (event_id,))
        return None if row is None else row[0]

    async def events(self, incident_id: int) -> Sequence[StoredEvent]:
        """All that happened in it, in order."""
        rows = await self._db.fetch_all(_EVENTS, (incident_id,))
        return [StoredEvent(row[0], decode(row[1], row[2], f"{self._db.path}: event {row[0]}")) for row in rows]

    async def acknowledge(self, incident_id: int, by: Actor, at_ms: int) -> bool:
        """Write down that somebody looks after it: nobody is called for it any more. `False`: it was before."""
        async with self._db.transaction(durable=True) as tx:
            return await tx.fetch_one(_ACKNOWLEDGE, (at_ms, to_json(by), incident_id)) is not None


def _incident(row: Row, source: str) -> Incident:
    incident_id, server_id, opened_ms, given_up, closed_ms, acknowledged_ms, acknowledged_by = row
    by = None
    if acknowledged_by is not None:
        by = from_json(Actor, acknowledged_by, f"{source}: incident {incident_id}")
    return Incident(incident_id, server_id, opened_ms, bool(given_up), closed_ms, acknowledged_ms, by)
