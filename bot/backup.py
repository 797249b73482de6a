"""`gamekeeper backup-db`: a copy of the database now, also beside a running bot."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from bot.app import BACKUPS, DATABASE
from bot.settings import Settings
from monitor.errors import StorageError, StorageFault
from storage.backup import Backups, copy_beside
from storage.connection import to_its_end


def back_up(settings: Settings) -> int:
    """Copy the database into the folder of its backups, and check the copy whole.

    Raises:
        StorageError: there is none, it is damaged, or the disk refused.
    """
    database = settings.data_dir / DATABASE
    if not database.is_file():
        raise StorageError(StorageFault.MISSING, str(database))

    async def copy_to(target: Path) -> None:
        await to_its_end(asyncio.to_thread(copy_beside, database, target))

    backups = Backups(settings.data_dir / BACKUPS, settings.backups_kept)
    made = asyncio.run(backups.make(copy_to, time.time_ns() // 1_000_000))
    print(f"Copied {database} to {made.path}, and found the copy whole.")
    print("To go back to it: end the bot, put this file in the place of that one, and remove the -wal beside it.")
    return 0
