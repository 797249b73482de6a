"""What is old goes, a little at a time, and the room it took is given back.

Nobody waits long for any of it: a transaction deletes at most `ROWS_AT_ONCE` rows, and others take their turns
between two of them. A clock that is far ahead for a while costs little: a sweep takes at most a day of anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from monitor.errors import StorageError
from monitor.ports import Clock
from storage.database import Database
from storage.measures import key_of
from storage.rollups import HOUR, MINUTE, TEN_MINUTES
from storage.series import DAY_S, KEPT, Keep
from storage.transaction import Row

EVERY_S = 600.0
FIRST_AFTER_S = 120.0
"""Not while everything starts."""
PAUSE_S = 0.05
ROWS_AT_ONCE = 5_000
LATE_S = 3600
"""Fewer rows than that are waited with, but not for longer."""
PAGES_AT_ONCE = 32
SPARE_PAGES = 256
SPARE_SHARE = 0.05
"""So much of the file stays empty for what is measured next; giving it back would only have it taken again."""

log = structlog.get_logger(__name__)

_OLDEST_ROW = "SELECT at_s FROM samples ORDER BY key LIMIT 1"
_NEXT_BATCH = "SELECT key FROM samples ORDER BY key LIMIT 1 OFFSET ?"
_DELETE_ROWS = "DELETE FROM samples WHERE key < ?"


@dataclass(frozen=True, slots=True)
class _Rule:
    """What of one table is too old."""

    table: str
    keep_days: int | None
    step_s: int
    """Whole ones of these go, so that pages are emptied at once rather than row by row."""


class Retention:
    """Deletes what is older than it is to be kept."""

    def __init__(self, db: Database, clock: Clock, keep: Keep = KEPT) -> None:
        self._db = db
        self._clock = clock
        self._raw = _Rule("samples", keep.raw_days, 1)
        self._rollups = (
            _Rule(MINUTE.table, keep.minute_days, 6 * HOUR.bucket_s),
            _Rule(TEN_MINUTES.table, keep.ten_minute_days, DAY_S),
            _Rule(HOUR.table, keep.hour_days, DAY_S),
        )
        self._broken = False

    async def run(self) -> None:
        """Sweep every ten minutes until cancelled. A refusal is logged once, and once more when it is over."""
        await self._clock.sleep(FIRST_AFTER_S)
        while True:
            try:
                await self.sweep()
            except StorageError as err:
                self._note_broken(err)
            else:
                self._note_healed()
            await self._clock.sleep(EVERY_S)

    async def sweep(self) -> None:
        """Delete what is too old, and give room back.

        Raises:
            StorageError: the database refused; what had been done by then is done.
        """
        await self._sweep_rows()
        servers = await self._db.fetch_all("SELECT no FROM servers ORDER BY no")
        for rule in self._rollups:
            for (server_no,) in servers if rule.keep_days is not None else ():
                await self._sweep_rollups(rule, server_no)
        await self._give_back()

    async def _sweep_rows(self) -> None:
        until_s = await self._until_s(self._raw, _OLDEST_ROW)
        if until_s is None:
            return
        while (batch := await self._db.fetch_one(_NEXT_BATCH, (ROWS_AT_ONCE,))) and batch[0] <= key_of(until_s):
            await self._delete(_DELETE_ROWS, batch)
        oldest = await self._db.fetch_one(_OLDEST_ROW)
        if oldest is not None and oldest[0] < until_s - LATE_S:
            await self._delete(_DELETE_ROWS, (key_of(until_s),))

    async def _sweep_rollups(self, rule: _Rule, server_no: int) -> None:
        of_server = f"FROM {rule.table} WHERE server_no = ?"
        until_s = await self._until_s(rule, f"SELECT min(at_s) {of_server}", (server_no,))
        if until_s is not None:
            # At most a day of them: few enough for one transaction.
            await self._delete(f"DELETE {of_server} AND at_s < ?", (server_no, until_s))

    async def _until_s(self, rule: _Rule, oldest: str, parameters: tuple[int, ...] = ()) -> int | None:
        """Where what is to be kept begins; `None` where nothing is older."""
        [oldest_s] = await self._db.fetch_one(oldest, parameters) or (None,)
        if oldest_s is None or rule.keep_days is None:
            return None
        bounds = [self._clock.now_ms() // 1000 - rule.keep_days * DAY_S, oldest_s + DAY_S + rule.step_s]
        # What is still to be rolled up is needed, however old.
        [due_s] = await self._db.fetch_one("SELECT min(at_s) FROM rollups_due") or (None,)
        until_s: int = min(bounds if due_s is None else [*bounds, due_s])
        until_s -= until_s % rule.step_s
        return until_s if oldest_s < until_s else None

    async def _delete(self, sql: str, parameters: Row) -> None:
        async with self._db.transaction(bulk=True) as tx:
            await tx.execute(sql, parameters)
        await self._clock.sleep(PAUSE_S)

    async def _give_back(self) -> None:
        [free] = await self._db.fetch_one("PRAGMA freelist_count") or (0,)
        [pages] = await self._db.fetch_one("PRAGMA page_count") or (0,)
        surplus = free - max(SPARE_PAGES, round(pages * SPARE_SHARE))
        for left in range(surplus, 0, -PAGES_AT_ONCE):
            async with self._db.transaction(bulk=True) as tx:
                for _ in range(min(left, PAGES_AT_ONCE)):
                    # Python takes one step of it only, whatever the number.
                    await tx.execute("PRAGMA incremental_vacuum(1)")
            await self._clock.sleep(PAUSE_S)

    def _note_broken(self, err: StorageError) -> None:
        if not self._broken:
            log.error("old_history_not_deleted", fault=err.fault.value, detail=err.detail)
        self._broken = True

    def _note_healed(self) -> None:
        if self._broken:
            log.info("old_history_deleted_again")
        self._broken = False
