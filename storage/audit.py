"""Who tried to do what, whether they were let, and what came of it. Written down first, and never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.model import Actor, ActorKind
from storage.codec import storable
from storage.database import Database
from storage.transaction import Row, Transaction

ALLOWED = "allowed"
LIMITED = "limited"
"""Refused because there were too many."""
DENIED = "denied:"
"""Begins a refusal; why follows."""

_BEGIN = """
    INSERT INTO audit (at_ms, actor_kind, actor_id, actor_name, guild_id, entry, action, server_id, arguments,
        allowed_by, decision)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
"""
_FINISH = "INSERT INTO audit_outcomes (audit_id, result, detail, duration_ms) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One attempt, as it stands before anything is done about it."""

    at_ms: int
    """UTC epoch milliseconds."""
    by: Actor
    entry: str
    """The way in: "/stop", "button:restart"."""
    decision: str
    """`ALLOWED`, `LIMITED`, or `DENIED` with the reason after it."""
    guild_id: int | None = None
    action: str | None = None
    """What a grant would have to allow; `None` where none can."""
    server_id: str | None = None
    """As it was typed: there may be no such server."""
    arguments: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    """By name. The caller has masked what is secret."""
    allowed_by: str | None = None
    """The grant that allowed it, or "owner"."""


@dataclass(frozen=True, slots=True)
class AuditOutcome:
    """What came of an attempt."""

    result: str
    """A short stable word: "done", or the name of what went wrong."""
    detail: str = ""
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An attempt as it is on the disk."""

    id: int
    """A later attempt has a higher one."""
    entry: AuditEntry
    outcome: AuditOutcome | None
    """`None`: still going on, or the bot ended before it was told."""


class Audit:
    """The record of all attempts. Every call may raise `StorageError`; then nothing was written."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def begin(self, entry: AuditEntry) -> int:
        """Write an attempt down and give its number. Act only once this has returned.

        What is allowed is then on the disk itself. A refusal, of which there can be hundreds a second and which
        nothing follows, survives the end of this process only, however sudden.
        """
        if entry.decision == ALLOWED:
            return await self._db.write(lambda tx: _begin(tx, entry))
        async with self._db.transaction() as tx:
            return await _begin(tx, entry)

    async def finish(self, audit_id: int, outcome: AuditOutcome) -> None:
        """Write down, once, what came of an attempt.

        Raises:
            StorageError: FAILED, also where there is no such attempt, or its outcome is written already.
        """
        async with self._db.transaction() as tx:
            row = (audit_id, storable(outcome.result), storable(outcome.detail), outcome.duration_ms)
            await tx.execute(_FINISH, row)

    async def page(
        self,
        *,
        actor_id: str | None = None,
        server_id: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        before_id: int | None = None,
        limit: int = 20,
    ) -> tuple[AuditRecord, ...]:
        """At most `limit` attempts, the newest first; the next page is before the id of the last.

        Args:
            actor_id: only of this actor.
            server_id: only where this was typed for a server.
            since_ms: only from then on.
            until_ms: only before then.
            before_id: only those with a lower id.
            limit: how many at most.
        """
        wanted = {
            "a.actor_id = ?": actor_id,
            "a.server_id = ?": server_id,
            "a.at_ms >= ?": since_ms,
            "a.at_ms < ?": until_ms,
            "a.id < ?": before_id,
        }
        given = {condition: value for condition, value in wanted.items() if value is not None}
        rows = await self._db.fetch_all(_page(given), (*given.values(), limit))
        return tuple(_record(row) for row in rows)


def _page(conditions: Mapping[str, object]) -> str:
    return f"""
        SELECT a.id, a.at_ms, a.actor_kind, a.actor_id, a.actor_name, a.guild_id, a.entry, a.action, a.server_id,
            a.arguments, a.allowed_by, a.decision, o.result, o.detail, o.duration_ms
        FROM audit AS a LEFT JOIN audit_outcomes AS o ON o.audit_id = a.id
        WHERE {" AND ".join(conditions) or "1"}
        ORDER BY a.id DESC LIMIT ?
    """  # noqa: S608  # the conditions are ours


def _row(entry: AuditEntry) -> Row:
    arguments = json.dumps(dict(entry.arguments), ensure_ascii=False, separators=(",", ":"))
    texts = (entry.entry, entry.action, entry.server_id, arguments, entry.allowed_by, entry.decision)
    return (
        entry.at_ms,
        entry.by.kind.value,
        storable(entry.by.id),
        storable(entry.by.name),
        entry.guild_id,
        *(None if text is None else storable(text) for text in texts),
    )


def _record(row: Row) -> AuditRecord:
    audit_id, at_ms, kind, actor_id, actor_name, guild_id, entry, action, server_id, arguments, *rest = row
    allowed_by, decision, result, detail, duration_ms = rest
    return AuditRecord(
        audit_id,
        AuditEntry(
            at_ms=at_ms,
            by=Actor(ActorKind(kind), actor_id, actor_name),
            entry=entry,
            decision=decision,
            guild_id=guild_id,
            action=action,
            server_id=server_id,
            arguments=json.loads(arguments),
            allowed_by=allowed_by,
        ),
        None if result is None else AuditOutcome(result, detail, duration_ms),
    )


async def _begin(tx: Transaction, entry: AuditEntry) -> int:
    [[audit_id]] = await tx.fetch_all(_BEGIN, _row(entry))
    return int(audit_id)
