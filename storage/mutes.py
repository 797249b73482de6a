"""Times in which nothing is told of some events. They are written down all the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.alerting import Filter
from monitor.errors import UnknownServer
from monitor.events import Event
from monitor.model import Actor
from storage.codec import from_json, to_json
from storage.database import Database
from storage.transaction import Row, Transaction

_ADD = """
    INSERT INTO mutes (server_no, kind, until_ms, muted_by)
    VALUES ((SELECT no FROM servers WHERE id = :server_id), :kind, :until_ms, :muted_by)
    RETURNING id, server_no
"""
_LIFT = """
    DELETE FROM mutes
    WHERE server_no IS (SELECT no FROM servers WHERE id = :server_id) AND (:kind = '' OR kind = :kind)
    RETURNING id
"""
_LAPSED = "DELETE FROM mutes WHERE until_ms <= ?"
_ALL = """
    SELECT m.id, s.id, m.kind, m.until_ms, m.muted_by
    FROM mutes AS m LEFT JOIN servers AS s ON s.no = m.server_no WHERE m.until_ms > ? ORDER BY m.id
"""


@dataclass(frozen=True, slots=True)
class Mute:
    """Nothing is told of what the filter takes, for a while."""

    server_id: str | None
    """`None`: all servers."""
    kind: str
    """Of event; empty: all."""
    until_ms: int
    by: Actor

    @property
    def filter(self) -> Filter:
        return Filter(self.server_id, frozenset({self.kind} if self.kind else ()))


async def muted(tx: Transaction, event: Event) -> bool:
    """Whether nothing is to be told of this event."""
    return any(mute.filter.takes(event) for mute in _mutes(await tx.fetch_all(_ALL, (event.at_ms,)), "mutes"))


class Mutes:
    """All of them. Each change is on the disk when its call returns."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, mute: Mute) -> None:
        """Begin it.

        Raises:
            UnknownServer: no server has that id.
        """
        told = {
            "server_id": mute.server_id,
            "kind": mute.kind,
            "until_ms": mute.until_ms,
            "muted_by": to_json(mute.by),
        }
        async with self._db.transaction(durable=True) as tx:
            row = await tx.fetch_one(_ADD, told)
            if mute.server_id is not None and (row is None or row[1] is None):
                raise UnknownServer(mute.server_id)

    async def lift(self, server_id: str | None, kind: str = "") -> int:
        """End those of a server, or those of all servers, and give how many there were; with `kind` of that alone."""
        async with self._db.transaction(durable=True) as tx:
            return len(await tx.fetch_all(_LIFT, {"server_id": server_id, "kind": kind}))

    async def all(self, now_ms: int) -> tuple[Mute, ...]:
        """Those that go on; what has lapsed is forgotten."""
        async with self._db.transaction() as tx:
            await tx.execute(_LAPSED, (now_ms,))
            return _mutes(await tx.fetch_all(_ALL, (now_ms,)), str(self._db.path))


def _mutes(rows: Iterable[Row], source: str) -> tuple[Mute, ...]:
    return tuple(
        Mute(server_id, kind, until_ms, from_json(Actor, by, f"{source}: mute {mute_id}"))
        for mute_id, server_id, kind, until_ms, by in rows
    )
