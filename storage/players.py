"""Who played where and when: `monitor.attendance.StayLog` over the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.attendance import Stay
from storage.codec import storable
from storage.database import Database
from storage.transaction import Row

_ON = """
    SELECT s.id, x.run_id, p.name, x.since_ms, x.seen_ms
    FROM sessions AS x JOIN runs AS r ON r.id = x.run_id JOIN servers AS s ON s.no = r.server_no
        JOIN players AS p ON p.no = x.player_no
    WHERE x.going_on AND (:server_id IS NULL OR s.id = :server_id)
    ORDER BY x.since_ms, p.name
"""
_ALL_OVER = "UPDATE sessions SET going_on = 0 WHERE going_on"
_ADD_PLAYER = "INSERT OR IGNORE INTO players (name) VALUES (?)"
# A run that is not there any more takes no stay, and keeps no other from being written.
_WRITE = """
    INSERT INTO sessions (run_id, since_ms, player_no, seen_ms, going_on)
    SELECT r.id, ?, p.no, ?, ? FROM runs AS r, players AS p WHERE r.id = ? AND p.name = ?
    ON CONFLICT DO UPDATE SET seen_ms = excluded.seen_ms, going_on = excluded.going_on
"""
_TIMES = """
    SELECT p.name, count(*), sum(min(x.seen_ms, :until_ms) - max(x.since_ms, :since_ms)) AS time_ms
    FROM servers AS s JOIN runs AS r ON r.server_no = s.no JOIN sessions AS x ON x.run_id = r.id
        JOIN players AS p ON p.no = x.player_no
    WHERE s.id = :server_id AND x.since_ms < :until_ms AND x.seen_ms >= :since_ms
    GROUP BY p.no ORDER BY time_ms DESC, p.name LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class PlayerTime:
    """How long one player was on a server within some span."""

    name: str
    """Made by the player: escape it before showing it."""
    stays: int
    time_ms: int


class Players:
    """Every stay on every server. Every call may raise `StorageError`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def on(self, server_id: str | None = None) -> tuple[Stay, ...]:
        """Who is on, the longest first, as of the last minute; on one server, or on all."""
        rows = await self._db.fetch_all(_ON, {"server_id": server_id})
        return tuple(Stay(*row) for row in rows)

    async def write(self, still: Sequence[Stay], over: Sequence[Stay]) -> None:
        """Write all that go on, and some that are over; any other stay is over as it was last written."""
        rows = [*_rows(over, going_on=False), *_rows(still, going_on=True)]
        async with self._db.transaction() as tx:
            await tx.execute(_ALL_OVER)
            await tx.execute_many(_ADD_PLAYER, [(row[-1],) for row in rows])
            await tx.execute_many(_WRITE, rows)

    async def times(self, server_id: str, since_ms: int, until_ms: int, limit: int = 20) -> tuple[PlayerTime, ...]:
        """Who was on a server the longest from `since_ms` up to `until_ms`, at most `limit` of them."""
        span = {"server_id": server_id, "since_ms": since_ms, "until_ms": until_ms, "limit": limit}
        return tuple(PlayerTime(*row) for row in await self._db.fetch_all(_TIMES, span))


def _rows(stays: Iterable[Stay], *, going_on: bool) -> list[Row]:
    return [(stay.since_ms, stay.seen_ms, going_on, stay.run_id, storable(stay.name)) for stay in stays]
