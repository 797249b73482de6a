"""What was set from within Discord and must survive a restart: one value a key."""

from __future__ import annotations

from storage.database import Database

_ALERT_CHANNEL = "alert_channel_id"
_GET = "SELECT value FROM settings WHERE key = ?"
_PUT = "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


class StoredSettings:
    """Every call may raise `StorageError`. A change is on the disk when its call returns."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def alert_channel(self) -> int | None:
        """The Discord channel that was chosen for alerts, by its id."""
        row = await self._db.fetch_one(_GET, (_ALERT_CHANNEL,))
        return None if row is None else int(row[0])

    async def choose_alert_channel(self, channel_id: int) -> None:
        async with self._db.transaction(durable=True) as tx:
            await tx.execute(_PUT, (_ALERT_CHANNEL, str(channel_id)))
