"""Messages that keep themselves current: where they stand, and which servers they show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from storage.database import Database
from storage.transaction import Row

_ALL = "SELECT guild_id, channel_id, servers, message_id, id FROM panels ORDER BY id"
_ADD = "INSERT INTO panels (guild_id, channel_id, servers) VALUES (?, ?, ?) RETURNING id"
_POSTED = "UPDATE panels SET message_id = ? WHERE id = ?"
_REMOVE = "DELETE FROM panels WHERE id = ? RETURNING id"


@dataclass(frozen=True, slots=True)
class Panel:
    """One message, or one that is yet to be posted."""

    guild_id: int
    channel_id: int
    server_ids: tuple[str, ...] = ()
    """Empty: all servers, also those to come."""
    message_id: int | None = None
    id: int = 0
    """Given when it is added."""


class Panels:
    """All of them. Each change is on the disk when its call returns; every call may raise `StorageError`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self) -> Sequence[Panel]:
        """Every panel, the oldest first."""
        return [_panel(row) for row in await self._db.fetch_all(_ALL)]

    async def add(self, panel: Panel) -> int:
        """Keep one from now on, and give its id."""
        told = (panel.guild_id, panel.channel_id, json.dumps(panel.server_ids))
        async with self._db.transaction(durable=True) as tx:
            [[panel_id]] = await tx.fetch_all(_ADD, told)
        return int(panel_id)

    async def posted(self, panel_id: int, message_id: int) -> None:
        """It is this message now."""
        async with self._db.transaction(durable=True) as tx:
            await tx.execute(_POSTED, (message_id, panel_id))

    async def remove(self, panel_id: int) -> bool:
        """Keep it no more. `False`: there is none with that id."""
        async with self._db.transaction(durable=True) as tx:
            return await tx.fetch_one(_REMOVE, (panel_id,)) is not None


def _panel(row: Row) -> Panel:
    guild_id, channel_id, servers, message_id, panel_id = row
    return Panel(guild_id, channel_id, tuple(json.loads(servers)), message_id, panel_id)
