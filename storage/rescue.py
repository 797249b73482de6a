"""Takes out of a damaged database what a backup cannot know, and nobody else: which processes are running servers."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import structlog

from monitor.errors import StorageError
from storage.database import Database
from storage.transaction import Row, Transaction

_FIRST_UNSURE = """
    SELECT coalesce((SELECT min(id) FROM runs WHERE ended_ms IS NULL), (SELECT max(id) + 1 FROM runs), 1)
"""
_RUNS = """
    SELECT id, server_no, started_ms, marker, pid, process_started, boot_id, ready_ms, ended_ms, verdict
    FROM runs WHERE id >= ? ORDER BY id
"""
_TAKE = """
    INSERT INTO runs (id, server_no, started_ms, marker, pid, process_started, boot_id, ready_ms, ended_ms, verdict)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM servers WHERE no = ?2)
    ON CONFLICT (id) DO UPDATE SET pid = excluded.pid, process_started = excluded.process_started,
        boot_id = excluded.boot_id, ready_ms = excluded.ready_ms, ended_ms = excluded.ended_ms,
        verdict = excluded.verdict
"""

log = structlog.get_logger(__name__)


async def rescue_runs(db: Database, damaged: Path) -> None:
    """Take over the runs that began, or went on, after the backup, where they can be read.

    A server that was started since is then found again, and not taken for one that is down.
    """
    found = await db.fetch_one(_FIRST_UNSURE)
    first = 1 if found is None else found[0]
    try:
        rows = await asyncio.to_thread(_read, damaged, first)
        await db.write(lambda tx: _take(tx, rows))
    except (sqlite3.Error, StorageError) as err:
        log.warning("runs_not_rescued", why=str(err))
    else:
        log.info("runs_rescued", runs=len(rows))


def _read(damaged: Path, first: int) -> list[Row]:
    alone = "" if Path(f"{damaged}-wal").exists() else "&immutable=1"
    with closing(sqlite3.connect(f"{damaged.resolve().as_uri()}?mode=ro{alone}", uri=True)) as connection:
        return connection.execute(_RUNS, (first,)).fetchall()


async def _take(tx: Transaction, rows: list[Row]) -> None:
    await tx.execute_many(_TAKE, rows)
