"""A table of notes to write into, and a second connection to look on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

from storage.database import Database


async def texts(db: Database) -> list[str]:
    return [row[0] for row in await db.fetch_all("SELECT text FROM notes ORDER BY rowid")]


async def write_ten(db: Database, name: str) -> None:
    async with db.transaction() as tx:
        for number in range(10):
            await tx.execute("INSERT INTO notes VALUES (?)", (f"{name} {number}",))


def beside(path: Path) -> sqlite3.Connection:
    """A connection of another program."""
    return sqlite3.connect(path, isolation_level=None)


def nth_call(number: int, act: Callable[[], object]) -> Callable[..., None]:
    """A callback for another thread: its n-th call has `act` done in this loop, ahead of the call's own result."""
    loop = asyncio.get_running_loop()
    left = [number]

    def call(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            loop.call_soon_threadsafe(act)

    return call
