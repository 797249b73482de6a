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
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, TypeAlias

from monitor.metrics import METRICS
from storage.database import Database
from storage.measures import MOST_SERVERS, Measures
from storage.minutes import MINUTE_S, Minutes, Rows
from storage.transaction import Transaction

Rollup: TypeAlias = tuple[int | None, ...]
"""A row of a table of rollups: server's number, time, number of samples, then the parts of each metric."""


@dataclass(frozen=True, slots=True)
class Level:
    """One of the tables of rollups. The view has every column, the table only what does not follow from others."""

    bucket_s: int
    table: str
    view: str


MINUTE = Level(MINUTE_S, "rollups_1min", "whole_1min")
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
_COLUMNS = ("sample_count", *(f"{metric.column}_{part}" for metric in METRICS for part in _PARTS))


async def mark_due(tx: Transaction, minutes: Iterable[int]) -> None:
    """Say that samples of the minutes that begin at these seconds are written in this transaction."""
    await tx.execute(_DUE, (json.dumps([level.bucket_s for level in LEVELS]), json.dumps(sorted(minutes))))


async def roll_up(tx: Transaction, until_s: int, minutes: Minutes) -> None:
    """Write what is due and ended by `until_s`, though not more than `BUCKETS_AT_ONCE` of it."""
    due = await tx.fetch_all(_OVER, (_whole(until_s), BUCKETS_AT_ONCE))
    for bucket_s, same in groupby(due, key=itemgetter(0)):
        times_s = [at_s for _, at_s in same]
        if bucket_s == MINUTE.bucket_s:
            rollups = [rollup for at_s in times_s for rollup in of_minute(at_s, await minutes.take(tx, at_s))]
            # Server by server, as they lie.
            await tx.execute_many(_PUT, sorted(rollups, key=itemgetter(0)))
        else:
            spans = [{"at_s": at_s, "end_s": at_s + bucket_s} for at_s in times_s]
            await tx.execute_many(_MERGE[bucket_s], spans)
    if due:
        await tx.execute_many(_NOT_DUE, due)


async def anything_due(db: Database, until_s: int) -> bool:
    """Whether `roll_up` would have something to do."""
    return await db.fetch_one(_OVER, (_whole(until_s), 1)) is not None


def _whole(until_s: int) -> int:
    return until_s - until_s % TOGETHER_S


def of_minute(at_s: int, rows: Rows) -> list[Rollup]:
    """Work out what the rows of the minute that begins at `at_s` come to, for each server.

    SQLite takes three times as long: to it, each part of each metric is a function called for each row.
    """
    by_server: defaultdict[int, list[Measures]] = defaultdict(list)
    for key, measures in rows.items():
        by_server[key & MOST_SERVERS].append(measures)
    return [
        (server_no, at_s, len(found), *chain.from_iterable(map(_parts, zip(*found, strict=True))))
        for server_no, found in by_server.items()
    ]


def _parts(column: Sequence[Any]) -> tuple[int | None, ...]:
    """Count, lowest, highest and sum of the integers among what may be `None`, less what the view can tell."""
    known, count = set(column), None
    if None in known:
        known.remove(None)
        column = [value for value in column if value is not None] if known else ()
        count = len(column)
    if not known:
        return count, None, None, None
    low, high = min(known), max(known)
    return (count, low, None, None) if low == high else (count, low, high, sum(column))


def _into(level: Level, rollups: str) -> str:
    """Write rollups, though none in the place of one of more samples."""
    replaced = ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS)
    return f"""
        INSERT INTO {level.table} (server_no, at_s, {", ".join(_COLUMNS)}) {rollups}
        ON CONFLICT (server_no, at_s) DO UPDATE SET {replaced}
        WHERE excluded.sample_count >= {level.table}.sample_count
    """


def _merged(finer: Level) -> str:
    """The rollups of a time, made from finer ones."""
    # CROSS: server by server, each a range of the finer one's key.
    return f"""
        SELECT no, :at_s, sum(sample_count), {", ".join(_merged_parts(metric.column) for metric in METRICS)}
        FROM servers CROSS JOIN {finer.view} AS finer
        ON finer.server_no = no AND finer.at_s >= :at_s AND finer.at_s < :end_s
        GROUP BY no
    """  # noqa: S608  # the columns are METRICS'


def _merged_parts(column: str) -> str:
    """As in `_parts`."""
    low, high = f"min({column}_min)", f"max({column}_max)"
    return f"""
        nullif(sum({column}_count), sum(sample_count)), {low},
        nullif({high}, {low}), CASE WHEN {high} > {low} THEN sum({column}_sum) END
    """


_PUT = _into(MINUTE, f"VALUES ({', '.join('?' * (2 + len(_COLUMNS)))})")
_MERGE = {
    TEN_MINUTES.bucket_s: _into(TEN_MINUTES, _merged(MINUTE)),
    HOUR.bucket_s: _into(HOUR, _merged(TEN_MINUTES)),
}
