"""What SQLite keeps in memory of the database."""

from __future__ import annotations

from storage.database import Database


async def shrink(db: Database) -> None:
    """Have it free as much of that as it can; what is needed again is read again.

    Raises:
        StorageError: the database refused.
    """
    await db.fetch_all("PRAGMA shrink_memory")
