"""Samples on their way to the disk: gathered in memory, written in batches, and found by queries on either side.

The disk is written to every few seconds rather than with every sample. A row leaves memory only once it is written,
so a query that looks at both misses none; the one in memory stands in for the same one on the disk, so none counts
twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice

import structlog

from monitor.errors import StorageError
from monitor.metrics import METRICS, Metric
from monitor.model import Sample
from monitor.ports import Clock
from storage.database import Database
from storage.measures import COLUMNS, MOST_SERVERS, SERVER_BITS, Measures, measures_of, sample_from
from storage.minutes import Minutes
from storage.rollups import GRACE_S, MINUTE, anything_due, mark_due, roll_up
from storage.series import KEPT, Keep, Series, grid, read_series
from storage.transaction import Transaction

BATCH_ROWS = 2_000
"""In one transaction, so that nobody waits long for the database."""

log = structlog.get_logger(__name__)

# The newest row is in the newest minute that is rolled up, or in one that is not.
_LATEST = f"""
    WITH server (server_no) AS MATERIALIZED (SELECT no FROM servers WHERE id = ?),
    minutes (at_s) AS (
        SELECT max(at_s) FROM {MINUTE.table} WHERE server_no = (SELECT server_no FROM server)
        UNION SELECT at_s FROM rollups_due WHERE bucket_s = {MINUTE.bucket_s}
    )
    SELECT samples.at_s, {", ".join(COLUMNS)} FROM minutes CROSS JOIN samples
    ON key >= minutes.at_s << {SERVER_BITS} AND key < minutes.at_s + {MINUTE.bucket_s} << {SERVER_BITS}
    WHERE server_no = (SELECT server_no FROM server) ORDER BY key DESC LIMIT 1
"""  # noqa: S608  # the columns are METRICS'

_Key = tuple[str, int]


class SampleBuffer:
    """`monitor.ports.SampleSink` over the database. All of it belongs to the event loop's thread."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        flush_interval_s: float = 10.0,
        flush_rows: int = 1000,
        cap_rows: int = 50_000,
        keep: Keep = KEPT,
    ) -> None:
        self._db = db
        self._clock = clock
        self._flush_interval_s = flush_interval_s
        self._flush_rows = flush_rows
        self._cap_rows = cap_rows
        self._keep = keep
        self._waiting: dict[_Key, Measures] = {}
        self._under_way: dict[_Key, Measures] = {}
        self._newest: dict[str, Sample] = {}
        self._numbers: dict[str, int] = {}
        self._minutes = Minutes()
        self._full = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._broken = False
        self.dropped = 0
        """Rows given up: too many while the disk refused, or of a server that the database does not know."""

    @property
    def waiting(self) -> int:
        """Rows that are not on the disk yet."""
        return len(self._under_way) + len(self._waiting)

    def add(self, samples: Sequence[Sample]) -> None:
        """Take samples in; a later one of the same server and second replaces the earlier. Never waits or raises."""
        for sample in samples:
            self._waiting[sample.server_id, sample.at_s] = measures_of(sample)
            newest = self._newest.get(sample.server_id)
            if newest is None or newest.at_s <= sample.at_s:
                self._newest[sample.server_id] = sample
        for key in list(islice(self._waiting, max(0, self.waiting - self._cap_rows))):
            del self._waiting[key]
            self.dropped += 1
        if len(self._waiting) >= self._flush_rows and not self._broken:
            self._full.set()

    def flush_early(self) -> None:
        """Have `run` write what waits now rather than when its time comes, and keep nothing that is written.

        Never waits or raises. While the disk refuses, it is asked again when the time comes.
        """
        self._minutes = Minutes()
        if not self._broken:
            self._full.set()

    async def run(self) -> None:
        """Write what has gathered, every few seconds or when it is much, until cancelled.

        While the disk refuses, rows stay in memory up to the cap; that is logged once, and once more when it is over.
        """
        while True:
            with suppress(TimeoutError):
                await self._clock.wait_for(self._full.wait(), self._flush_interval_s)
            self._full.clear()
            try:
                await self.flush()
                await self._roll_up_the_rest()
            except StorageError as err:
                self._note_broken(err)
            else:
                self._note_healed()

    async def flush(self) -> None:
        """Write all that waits, `BATCH_ROWS` rows to a transaction.

        Raises:
            StorageError: what could not be written is still there.
        """
        async with self._flushing:
            while self._waiting:
                self._take_batch()
                try:
                    await self._write_batch()
                finally:
                    # Nothing is left of it unless it failed. What has come meanwhile is newer.
                    self._waiting = self._under_way | self._waiting
                    self._under_way = {}

    async def latest(self, server_id: str) -> Sample | None:
        """The newest sample of a server, as precise as it was taken, or from before this start as it was stored."""
        if server_id in self._newest:
            return self._newest[server_id]
        row = await self._db.fetch_one(_LATEST, (server_id,))
        return None if row is None else sample_from(server_id, row[0], row[1:])

    async def series(self, server_id: str, metric: Metric, since_s: int, until_s: int, buckets: int) -> Series:
        """Aggregate one metric from `since_s` up to, not including, `until_s`, both epoch seconds.

        What is read from rollups is read from whole ones, so it may begin or end within one of them.

        Raises:
            ValueError: the span is not longer than nothing, or there is no bucket.
            StorageError: the database refused.
        """
        where = grid(since_s, until_s, buckets, now_s=self._now_s(), keep=self._keep)
        column = METRICS.index(metric)
        fresh = [(at_s, row[column]) for at_s, row in self.unwritten(server_id, where.since_s, where.until_s)]
        return await read_series(self._db, server_id, metric, fresh, where)

    def unwritten(self, server_id: str, since_s: int, until_s: int) -> list[tuple[int, Measures]]:
        """Give a server's rows that the table may not hold yet, from `since_s` up to, not including, `until_s`."""
        rows = {
            at_s: measures
            for part in (self._under_way, self._waiting)
            for (owner, at_s), measures in part.items()
            if owner == server_id and since_s <= at_s < until_s
        }
        return list(rows.items())

    def _take_batch(self) -> None:
        if len(self._waiting) <= BATCH_ROWS:
            self._under_way, self._waiting = self._waiting, {}
        else:
            self._under_way = {key: self._waiting.pop(key) for key in list(islice(self._waiting, BATCH_ROWS))}

    async def _write_batch(self) -> None:
        await self._learn_numbers({server_id for server_id, _ in self._under_way})
        numbers = self._numbers
        rows = {
            (at_s << SERVER_BITS) + numbers[server_id]: measures
            for (server_id, at_s), measures in self._under_way.items()
            if server_id in numbers
        }
        minutes, over_s = self._minutes, self._over_s()

        async def put(tx: Transaction) -> None:
            await mark_due(tx, await minutes.write(tx, rows))
            await roll_up(tx, over_s, minutes)

        try:
            await self._db.at_once(put, bulk=True)
        except BaseException:
            # They have what the table may not have.
            self._minutes = Minutes()
            raise
        self.dropped += len(self._under_way) - len(rows)
        self._under_way = {}

    async def _roll_up_the_rest(self) -> None:
        """What an earlier end of the process left, what is much, and what ended with nothing new to write."""
        while await anything_due(self._db, self._over_s()):
            async with self._db.transaction(bulk=True) as tx:
                await roll_up(tx, self._over_s(), self._minutes)

    def _over_s(self) -> int:
        """Up to when samples are complete, once what is under way is written."""
        over_s = self._now_s() - GRACE_S
        next_key = next(iter(self._waiting), None)
        return over_s if next_key is None else min(over_s, next_key[1])

    def _now_s(self) -> int:
        return self._clock.now_ms() // 1000

    async def _learn_numbers(self, server_ids: set[str]) -> None:
        if not server_ids <= self._numbers.keys():
            known = await self._db.fetch_all("SELECT id, no FROM servers WHERE no <= ?", (MOST_SERVERS,))
            self._numbers = dict(known)

    def _note_broken(self, err: StorageError) -> None:
        if not self._broken:
            log.error("samples_not_written", fault=err.fault.value, detail=err.detail, waiting=self.waiting)
        self._broken = True

    def _note_healed(self) -> None:
        if self._broken:
            log.info("samples_written_again", dropped=self.dropped)
        self._broken = False
