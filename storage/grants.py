"""Who may do what, on one server or on all. What is granted to nobody is allowed to nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from monitor.errors import UnknownServer
from storage.database import Database
from storage.transaction import Row, Transaction


class Action(StrEnum):
    """What a grant allows. `ADMIN` allows everything that can be granted."""

    VIEW = "view"
    CONTROL = "control"
    CONSOLE = "console"
    MANAGE = "manage"
    FILES = "files"
    SCRIPTS = "scripts"
    ADMIN = "admin"


class PrincipalKind(StrEnum):
    ROLE = "role"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Grant:
    """One permission, in one guild."""

    guild_id: int
    principal_kind: PrincipalKind
    principal_id: int
    action: Action
    server_id: str | None = None
    """`None`: all servers, those to come included."""


def allows(grants: Iterable[Grant], action: Action, server_id: str | None) -> bool:
    """Whether any of the grants allows the action on that server; `None` asks for what concerns no single server."""
    return any(
        grant.action in (action, Action.ADMIN) and (grant.server_id is None or grant.server_id == server_id)
        for grant in grants
    )


_ALL = """
    SELECT g.guild_id, g.principal_kind, g.principal_id, g.action, s.id
    FROM grants AS g LEFT JOIN servers AS s ON s.no = g.server_no
    WHERE g.guild_id = ? ORDER BY g.id
"""
_ADD = """
    INSERT OR IGNORE INTO grants (guild_id, principal_kind, principal_id, action, server_no) VALUES (?, ?, ?, ?, ?)
    RETURNING id
"""
_REMOVE = """
    DELETE FROM grants
    WHERE guild_id = ? AND principal_kind = ? AND principal_id = ? AND action = ? AND server_no IS ?
    RETURNING id
"""


class Grants:
    """The grants of all guilds. A change is on the disk when its call returns."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, grant: Grant) -> bool:
        """Give it. `False`: it was given before.

        Raises:
            UnknownServer: no server has that id.
        """
        return await self._change(_ADD, grant)

    async def remove(self, grant: Grant) -> bool:
        """Take it back. `False`: it was never given.

        Raises:
            UnknownServer: no server has that id.
        """
        return await self._change(_REMOVE, grant)

    async def all(self, guild_id: int) -> tuple[Grant, ...]:
        """Every grant of a guild, the oldest first."""
        return tuple(_grant(row) for row in await self._db.fetch_all(_ALL, (guild_id,)))

    async def _change(self, sql: str, grant: Grant) -> bool:
        async with self._db.transaction(durable=True) as tx:
            server_no = await _number(tx, grant.server_id)
            principal = (grant.guild_id, grant.principal_kind.value, grant.principal_id)
            return await tx.fetch_one(sql, (*principal, grant.action.value, server_no)) is not None


async def _number(tx: Transaction, server_id: str | None) -> int | None:
    if server_id is None:
        return None
    row = await tx.fetch_one("SELECT no FROM servers WHERE id = ? AND removed_ms IS NULL", (server_id,))
    if row is None:
        raise UnknownServer(server_id)
    no: int = row[0]
    return no


def _grant(row: Row) -> Grant:
    guild_id, kind, principal_id, action, server_id = row
    return Grant(guild_id, PrincipalKind(kind), principal_id, Action(action), server_id)
