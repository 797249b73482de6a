"""The limits that people set, and how each stands: what was told of one is not told again by the next bot."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.errors import UnknownServer
from monitor.event import Event
from monitor.limit_events import (
    ForecastLifted,
    LimitCleared,
    LimitCrossed,
    LimitEvent,
    LimitForeseen,
    LimitRestart,
)
from monitor.limit_terms import MOST_LIMITS, LimitFault, LimitRefused
from monitor.limits import MEASURES, Crossing, Hours, Limit, RestartRule, Side
from monitor.model import Actor
from storage.database import Database
from storage.transaction import Row, Transaction

_ALL = """
    SELECT l.id, s.id, l.measure, l.side, l.value, l.back_at, l.hold_s, l.wait_s, l.ceiling, l.from_min, l.to_min,
        l.zone
    FROM limits AS l LEFT JOIN servers AS s ON s.no = l.server_no
    WHERE l.removed_ms IS NULL AND s.removed_ms IS NULL ORDER BY l.id
"""
_REPLACED = """
    UPDATE limits SET removed_ms = :at_ms
    WHERE server_no IS (SELECT no FROM servers WHERE id = :server_id) AND measure = :measure AND side = :side
        AND value = :value AND removed_ms IS NULL
"""
_ADD = """
    INSERT INTO limits (server_no, measure, side, value, back_at, hold_s, wait_s, ceiling, from_min, to_min, zone,
        added_ms, actor_kind, actor_id, actor_name)
    VALUES ((SELECT no FROM servers WHERE id = :server_id), :measure, :side, :value, :back_at, :hold_s, :wait_s,
        :ceiling, :from_min, :to_min, :zone, :at_ms, :actor_kind, :actor_id, :actor_name)
    RETURNING id, server_no
"""
_COUNT = "SELECT count(*) FROM limits WHERE removed_ms IS NULL"
_REMOVE = "UPDATE limits SET removed_ms = ? WHERE id = ? AND removed_ms IS NULL RETURNING id"
_FORGET = "DELETE FROM crossings WHERE limit_id IN (SELECT id FROM limits WHERE removed_ms IS NOT NULL)"
_CROSSINGS = "SELECT limit_id, target, crossed_ms, foreseen_ms, restarted_ms FROM crossings"

_FOLLOW = """
    INSERT INTO crossings (limit_id, target, {columns})
    SELECT id, :target, {values} FROM limits WHERE id = :limit_id AND removed_ms IS NULL
    ON CONFLICT (limit_id, target) DO UPDATE SET {changes}
"""
_FOLLOWED: Mapping[type[LimitEvent], Mapping[str, str]] = {
    LimitCrossed: {"crossed_ms": ":at_ms", "foreseen_ms": "NULL"},
    LimitCleared: {"crossed_ms": "NULL", "foreseen_ms": "NULL"},
    LimitForeseen: {"foreseen_ms": ":at_ms"},
    ForecastLifted: {"foreseen_ms": "NULL"},
    LimitRestart: {"restarted_ms": ":at_ms"},
}
"""What each event about a limit changes."""


class Limits:
    """All of them. Each change is on the disk when its call returns; every call may raise `StorageError`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, limit: Limit, by: Actor, at_ms: int) -> int:
        """Set one, in the place of one with the same bound, and give its id.

        Raises:
            UnknownServer: no server has its id.
            LimitRefused: there are too many.
        """
        told = _as_row(limit) | {
            "at_ms": at_ms,
            "actor_kind": by.kind.value,
            "actor_id": by.id,
            "actor_name": by.name,
        }
        async with self._db.transaction(durable=True) as tx:
            await tx.execute(_REPLACED, told)
            await tx.execute(_FORGET)
            [[count]] = await tx.fetch_all(_COUNT)
            if count >= MOST_LIMITS:
                raise LimitRefused(LimitFault.TOO_MANY)
            [[limit_id, server_no]] = await tx.fetch_all(_ADD, told)
            if limit.server_id is not None and server_no is None:
                raise UnknownServer(limit.server_id)
        return int(limit_id)

    async def remove(self, limit_id: int, at_ms: int) -> bool:
        """Take one back, and forget how it stood. `False`: there is none with that id."""
        async with self._db.transaction(durable=True) as tx:
            removed = await tx.fetch_one(_REMOVE, (at_ms, limit_id)) is not None
            await tx.execute(_FORGET)
        return removed

    async def all(self) -> tuple[Limit, ...]:
        """Those that hold, the oldest first; not those of servers that are not looked after any more."""
        return tuple(_limit(row) for row in await self._db.fetch_all(_ALL) if row[2] in MEASURES)

    async def crossings(self) -> tuple[Crossing, ...]:
        """How each stands, of those that anything was ever told of."""
        return tuple(Crossing(*row) for row in await self._db.fetch_all(_CROSSINGS))


async def follow(tx: Transaction, event: Event) -> None:
    """Take in what an event says of a limit, in the transaction that writes the event."""
    if not isinstance(event, LimitEvent):
        return
    changes = _FOLLOWED[type(event)]
    sql = _FOLLOW.format(
        columns=", ".join(changes),
        values=", ".join(changes.values()),
        changes=", ".join(f"{column} = excluded.{column}" for column in changes),
    )
    await tx.execute(sql, {"target": event.target, "limit_id": event.limit.id, "at_ms": event.at_ms})


def _as_row(limit: Limit) -> dict[str, object]:
    rule = limit.restart
    span = None if rule is None else rule.hours
    return {
        "server_id": limit.server_id,
        "measure": limit.measure_key,
        "side": limit.side.value,
        "value": limit.value,
        "back_at": limit.back_at,
        "hold_s": round(limit.hold_s),
        "wait_s": None if rule is None else round(rule.wait_s),
        "ceiling": None if rule is None else rule.ceiling,
        "from_min": None if span is None else span.from_min,
        "to_min": None if span is None else span.to_min,
        "zone": None if span is None else span.zone,
    }


def _limit(row: Row) -> Limit:
    limit_id, server_id, measure, side, value, back_at, hold_s, wait_s, ceiling, from_min, to_min, zone = row
    span = None if zone is None else Hours(from_min, to_min, zone)
    rule = None if wait_s is None else RestartRule(wait_s, ceiling, span)
    return Limit(measure, Side(side), value, back_at, hold_s, server_id, rule, limit_id)
