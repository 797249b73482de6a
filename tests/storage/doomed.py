"""A process whose children die while they migrate: one at its first statement, the next at its second, and so on.

Usage: python -m tests.storage.doomed DATABASE FOLDER. Each child opens a copy of the database, FOLDER/1.db and so on,
and is killed by SIGKILL when it has come to its statement. The one that comes through ends it all.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

import aiosqlite

from storage.database import Database


def migrate_until(path: Path, statement: int) -> None:
    """Open the database, and die at that statement, counted from 1."""
    left = itertools.count(statement - 1, -1)
    connect = sqlite3.connect

    def connect_and_count(*arguments: object, **options: object) -> sqlite3.Connection:
        made = connect(*arguments, **options)  # type: ignore[call-overload]
        made.set_trace_callback(lambda _sql: None if next(left) else os.kill(os.getpid(), signal.SIGKILL))
        return made  # type: ignore[no-any-return]

    aiosqlite.core.sqlite3.connect = connect_and_count  # type: ignore[attr-defined]
    asyncio.run(_open(path))


async def _open(path: Path) -> None:
    await (await Database.open(path)).close()


def main(database: Path, folder: Path) -> None:
    for statement in itertools.count(1):
        copy = folder / f"{statement}.db"
        shutil.copyfile(database, copy)
        child = os.fork()
        if not child:
            migrate_until(copy, statement)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
