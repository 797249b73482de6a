"""Rollups: what a server's samples of one minute, ten minutes or one hour come to.

They are written in the transaction that writes the samples, and only once their time has passed: then each is written
once, and a flush does not touch a page of every server. Until then, and again when a sample comes late, a rollup is
*due*, and the table `rollups_due` says so in the same transaction. So nothing is forgotten however the process ends,
and a rollup that is not due is exactly what the samples come to.

A rollup is always made from all that lies beneath it, never added to. The one exception are samples that come when
others of the same time have been deleted already: a rollup of more samples is not replaced by one of fewer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from monitor.metrics import METRICS
from storage.database import Database
from storage.measures import SERVER_BITS
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Level:
    """One of the tables of rollups. The view has every column, the table only what does not follow from others."""

    bucket_s: int
    table: str
    view: str


MINUTE = Level(60, "rollups_1min", "whole_1min")
TEN_MINUTES = Level(600, "rollups_10min", "whole_10min")
HOUR = Level(3600, "rollups_1h", "whole_1h")
LEVELS = (MINUTE, TEN_MINUTES, HOUR)
"""From fine to coarse; each is made from the one before it, and the first from the samples."""

GRACE_S = 5
"""How long after its end a bucket is waited with: a sample that is under way would have it written twice."""
TOGETHER_S = 300
"""Buckets are written once so much time is over: five minutes of a server are mostly on one page."""
BUCKETS_AT_ONCE = 8
"""In one transaction, so that nobody waits long for the database."""

_DUE = """
    INSERT OR IGNORE INTO rollups_due (bucket_s, at_s)
    SELECT level.value, minute.value - minute.value % level.value FROM json_each(?) AS level, json_each(?) AS minute
"""
_NOT_DUE = "DELETE FROM rollups_due WHERE bucket_s = ? AND at_s = ?"
# Finer ones first: what is made from them is then made from whole ones.
_OVER = "SELECT bucket_s, at_s FROM rollups_due WHERE at_s + bucket_s <= ? ORDER BY bucket_s, at_s LIMIT ?"

_PARTS = ("count", "min", "max", "sum")


async def mark_due(tx: Transaction, at_s: Iterable[int]) -> None:
    """Say that samples of these seconds are written in this transaction."""
    minutes = {second - second % MINUTE.bucket_s for second in at_s}
    await tx.execute(_DUE, (json.dumps([level.bucket_s for level in LEVELS]), json.dumps(sorted(minutes))))


async def roll_up(tx: Transaction, until_s: int) -> None:
    """Write what is due and ended by `until_s`, though not more than `BUCKETS_AT_ONCE` of it."""
    due = await tx.fetch_all(_OVER, (_whole(until_s), BUCKETS_AT_ONCE))
    for bucket_s, same in groupby(due, key=lambda row: row[0]):
        await tx.execute_many(_ROLL_UP[bucket_s], [{"at_s": at_s, "end_s": at_s + bucket_s} for _, at_s in same])
    if due:
        await tx.execute_many(_NOT_DUE, due)


async def anything_due(db: Database, until_s: int) -> bool:
    """Whether `roll_up` would have something to do."""
    return await db.fetch_one(_OVER, (_whole(until_s), 1)) is not None


def _whole(until_s: int) -> int:
    return until_s - until_s % TOGETHER_S


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a rollup's parts are taken from. What is in braces is the column of a metric."""

    rows: str
    total: str
    count: str
    low: str = "{}"
    high: str = "{}"
    value: str = "{}"


_SAMPLES = _Source(
    f"""
        (SELECT *, server_no AS no FROM samples
        WHERE key >= :at_s << {SERVER_BITS} AND key < :end_s << {SERVER_BITS})
    """,  # noqa: S608  # a constant
    total="count(*)",
    count="count({})",
)


def _finer(level: Level) -> _Source:
    # CROSS: server by server, each a range of the finer one's key.
    rows = f"""
        servers CROSS JOIN {level.view} AS finer
        ON finer.server_no = no AND finer.at_s >= :at_s AND finer.at_s < :end_s
    """
    return _Source(rows, "sum(sample_count)", "sum({}_count)", "{}_min", "{}_max", "{}_sum")


def _roll_up(level: Level, source: _Source) -> str:
    columns = (f"{metric.column}_{part}" for metric in METRICS for part in _PARTS)
    values = (_four(source).replace("{}", metric.column) for metric in METRICS)
    return f"""
        INSERT OR REPLACE INTO {level.table} (server_no, at_s, sample_count, {", ".join(columns)})
        SELECT no, :at_s, {source.total}, {", ".join(values)} FROM {source.rows}
        GROUP BY no HAVING {source.total} >= ifnull(
            (SELECT sample_count FROM {level.table} AS old WHERE old.server_no = no AND old.at_s = :at_s), 0
        )
    """  # noqa: S608  # the columns are METRICS'


def _four(source: _Source) -> str:
    """The columns of one metric, less what the view can tell."""
    low, high = f"min({source.low})", f"max({source.high})"
    return f"""
        nullif({source.count}, {source.total}), {low}, nullif({high}, {low}),
        CASE WHEN {high} > {low} THEN sum({source.value}) END
    """


_ROLL_UP = {
    MINUTE.bucket_s: _roll_up(MINUTE, _SAMPLES),
    TEN_MINUTES.bucket_s: _roll_up(TEN_MINUTES, _finer(MINUTE)),
    HOUR.bucket_s: _roll_up(HOUR, _finer(TEN_MINUTES)),
}
