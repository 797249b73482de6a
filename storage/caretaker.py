"""The task that looks after the database: daily backups, and what people must know of its troubles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from monitor.chronicle import Chronicle
from monitor.errors import StorageError, StorageFault
from monitor.events import StorageDegraded, StorageRecovered
from monitor.ports import Clock
from storage.backup import Backups
from storage.database import Database
from storage.trouble import Trouble

LOOK_EVERY_S = 60.0
"""How soon it is noticed that the disk takes writes again."""
BACK_UP_AGAIN_S = 3600.0
"""After a backup that failed: as much is read and written for it as for one that did not."""

log = structlog.get_logger(__name__)


class Caretaker:
    """One trouble is one event, and one more when it is over."""

    def __init__(
        self, db: Database, backups: Backups, clock: Clock, chronicle: Chronicle, dropped: Callable[[], int]
    ) -> None:
        """`dropped` tells how many measurements were given up so far."""
        self._db = db
        self._backups = backups
        self._clock = clock
        self._chronicle = chronicle
        self._dropped = dropped
        self._told: Trouble | None = None
        self._since_ms = 0
        self._dropped_before = 0
        self._backup_failing = False
        self._back_up_from_s = 0.0

    async def run(self) -> None:
        """Look after it until cancelled."""
        while True:
            await self.look()
            with suppress(TimeoutError):
                await self._clock.wait_for(self._db.news.wait(), LOOK_EVERY_S)

    async def look(self) -> None:
        """Once: see whether a trouble is over, tell what is new, and back up what is due."""
        self._db.news.clear()
        await self._tell()
        if self._db.trouble is not None:
            await self._try_again()
        await self._tell()
        if await self._backup_is_due():
            await self._back_up()

    async def _try_again(self) -> None:
        try:
            await self._db.recover()
        except StorageError as err:
            log.debug("database_in_trouble_still", fault=err.fault.value, detail=err.detail)

    async def _tell(self) -> None:
        trouble, told, now_ms = self._db.trouble, self._told, self._clock.now_ms()
        if trouble == told:
            return
        self._told = trouble
        if trouble is not None:
            if told is None:
                self._since_ms, self._dropped_before = now_ms, self._dropped()
            log.error("database_in_trouble", fault=trouble.fault.value, detail=trouble.detail)
            event = StorageDegraded(
                at_ms=now_ms, fault=trouble.fault.value, path=str(self._db.path), in_memory=trouble.in_memory
            )
            await self._chronicle.record(event)
        elif told is not None:
            dropped = self._dropped() - self._dropped_before
            log.info("database_recovered", fault=told.fault.value, samples_dropped=dropped)
            await self._chronicle.record(
                StorageRecovered(
                    at_ms=now_ms,
                    fault=told.fault.value,
                    after_s=max(0, now_ms - self._since_ms) / 1000,
                    samples_dropped=dropped,
                )
            )

    async def _backup_is_due(self) -> bool:
        if self._db.trouble is not None or self._clock.monotonic() < self._back_up_from_s:
            return False
        return await asyncio.to_thread(self._backups.due, self._clock.now_ms())

    async def _back_up(self) -> None:
        try:
            made = await self._backups.make(self._db.copy_to, self._clock.now_ms())
        except StorageError as err:
            if not self._backup_failing:
                log.error("backup_failed", fault=err.fault.value, detail=err.detail)  # noqa: TRY400  # no surprise
            self._backup_failing = True
            self._back_up_from_s = self._clock.monotonic() + BACK_UP_AGAIN_S
            if err.fault is StorageFault.UNREADABLE:
                self._db.suspect(err)
        else:
            log.info("backed_up", file=made.path.name)
            self._backup_failing = False
