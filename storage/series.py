"""One metric of one server over time, in buckets of equal length: what a chart draws.

A series is read from the coarsest rollups that are no longer than its buckets, and its buckets are whole numbers of
them. Where a rollup is not what was measured (because its time has not passed, or a row of it waits in memory), finer
ones stand in for it, down to the rows themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from monitor.metrics import Metric
from storage.database import Database
from storage.measures import SERVER_BITS
from storage.rollups import LEVELS, Level

DAY_S = 86_400
RAW_AT_MOST_S = 7 * DAY_S
"""Longer spans are never read row by row."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How many days everything is kept."""

    raw_days: int = 7
    minute_days: int = 90
    ten_minute_days: int = 365
    hour_days: int | None = None
    """`None`: for ever."""


KEPT = Keep()
"""Unless something else is said."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was measured within one bucket, in the metric's unit."""

    low: float
    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class Series:
    """Buckets without a break from `since_s` on; the one at index i begins at `since_s + i * bucket_s`."""

    metric_key: str
    since_s: int
    bucket_s: int
    points: tuple[Bucket | None, ...]
    """`None`: nothing is known of that time."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the buckets of a series are, and what they are made of."""

    level: Level | None
    """`None`: the rows themselves."""
    since_s: int
    until_s: int
    bucket_s: int

    @property
    def buckets(self) -> int:
        return -(-(self.until_s - self.since_s) // self.bucket_s)


def grid(since_s: int, until_s: int, buckets: int, *, now_s: int, keep: Keep) -> Grid:
    """Choose what serves the span with that many buckets: the coarsest that is not coarser than they are.

    Where none of these is kept for so long, the finest that is. Buckets begin where a rollup does, at or before
    `since_s`, so there may be one more than asked for.

    Raises:
        ValueError: the span is not longer than nothing, or there is no bucket.
    """
    if until_s <= since_s or buckets < 1:
        raise ValueError((since_s, until_s, buckets))
    shortest_s = -(-(until_s - since_s) // buckets)
    raw_s = keep.raw_days * DAY_S
    raw_serves = until_s - since_s <= RAW_AT_MOST_S and since_s >= now_s - raw_s
    kept = [level for level, back_s in _kept(keep) if back_s is None or since_s >= now_s - back_s]
    fitting = [level for level in kept if level.bucket_s <= shortest_s]
    if fitting:
        return _aligned(fitting[-1], since_s, until_s, buckets)
    if raw_serves:
        return Grid(None, since_s, until_s, shortest_s)
    return _aligned(kept[0] if kept else LEVELS[-1], since_s, until_s, buckets)


def _kept(keep: Keep) -> Iterator[tuple[Level, int | None]]:
    for level, days in zip(LEVELS, (keep.minute_days, keep.ten_minute_days, keep.hour_days), strict=True):
        yield level, None if days is None else days * DAY_S


def _aligned(level: Level, since_s: int, until_s: int, buckets: int) -> Grid:
    step_s = level.bucket_s
    bucket_s = -(-(until_s - since_s) // (buckets * step_s)) * step_s
    return Grid(level, since_s - since_s % step_s, until_s, bucket_s)


Fresh = Iterable[tuple[int, int | None]]
"""Rows that the table may not hold yet: time in epoch seconds, and the stored integer."""


async def read_series(db: Database, server_id: str, metric: Metric, fresh: Fresh, where: Grid) -> Series:
    """Aggregate what was measured, bucket by bucket.

    A row of `fresh` stands in for the row of the same second in the table. Ask for no more buckets than there are
    samples: a bucket shorter than the sampling interval finds gaps.
    """
    rows = await db.fetch_all(
        _query(metric.column, where.level),
        {
            "server_id": server_id,
            "since_s": where.since_s,
            "until_s": where.until_s,
            "length_s": where.bucket_s,
            "fresh": json.dumps([row for row in fresh if where.since_s <= row[0] < where.until_s]),
        },
    )
    points: list[Bucket | None] = [None] * where.buckets
    for index, low, mean, high in rows:
        points[index] = Bucket(low / metric.scale, mean / metric.scale, high / metric.scale)
    return Series(metric.key, where.since_s, where.bucket_s, tuple(points))


def _query(column: str, level: Level | None) -> str:
    """One statement, so that a flush comes before all of it or after."""
    used = LEVELS[: LEVELS.index(level) + 1] if level else ()
    parts = [_rows(column, within="" if level is None else LEVELS[0].view)]
    for index, finer in enumerate(used, 1):
        parts.append(_rollups(column, finer, within=used[index] if index < len(used) else None))
    return f"""
        WITH RECURSIVE
        fresh (at_s, value) AS MATERIALIZED (
            SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:fresh)
        ),
        server (server_no) AS MATERIALIZED (SELECT no FROM servers WHERE id = :server_id),
        {"".join(map(_open, used))} {_seconds(used[0]) if used else ""}
        parts (at_s, n, low, total, high) AS ({" UNION ALL ".join(parts)})
        SELECT (at_s - :since_s) / :length_s AS bucket, min(low), CAST(sum(total) AS REAL) / sum(n), max(high)
        FROM parts WHERE n > 0 GROUP BY bucket
    """  # noqa: S608  # the names are those of METRICS and LEVELS


def _open(level: Level) -> str:
    """The rollups that finer ones stand in for."""
    return f"""
        open_{level.view} (at_s, end_s) AS MATERIALIZED (
            SELECT at_s, at_s + bucket_s FROM rollups_due
            WHERE bucket_s = {level.bucket_s} AND at_s >= :since_s AND at_s < :until_s
            UNION SELECT at_s - at_s % {level.bucket_s}, at_s - at_s % {level.bucket_s} + {level.bucket_s} FROM fresh
        ),
    """  # noqa: S608  # a number


def _rollups(column: str, level: Level, within: Level | None) -> str:
    """The rollups of one level that are as they should be: all of the span, or those that stand in for others."""
    parts = ", ".join(f"{level.view}.{column}_{part}" for part in ("count", "min", "sum", "max"))
    span = (
        f"{level.view}.at_s >= :since_s AND {level.view}.at_s < :until_s"
        if within is None
        else f"{level.view}.at_s >= o.at_s AND {level.view}.at_s < min(o.end_s, :until_s)"
    )
    others = "server" if within is None else f"server CROSS JOIN open_{within.view} AS o"
    return f"""
        SELECT {level.view}.at_s, {parts} FROM {others} CROSS JOIN {level.view}
        ON {level.view}.server_no = server.server_no AND {span}
        WHERE {level.view}.at_s NOT IN (SELECT at_s FROM open_{level.view})
    """  # noqa: S608  # the names are those of METRICS and LEVELS


def _rows(column: str, within: str) -> str:
    """The rows themselves: all of the span, or those that stand in for minutes."""
    # Of minutes each second is looked up by itself: to pass over the rows of all other servers takes twice as long.
    others = f"server CROSS JOIN seconds_of_{within} AS s" if within else "server"
    keys = (
        f"key = (s.at_s << {SERVER_BITS}) + server.server_no"
        if within
        else f"key >= :since_s << {SERVER_BITS} AND key < :until_s << {SERVER_BITS}"
    )
    return f"""
        SELECT samples.at_s, {column} IS NOT NULL, {column}, {column}, {column} FROM {others} CROSS JOIN samples
        ON {keys} WHERE samples.server_no = server.server_no AND samples.at_s NOT IN (SELECT at_s FROM fresh)
        UNION ALL SELECT at_s, value IS NOT NULL, value, value, value FROM fresh
    """  # noqa: S608  # the names are those of METRICS


def _seconds(level: Level) -> str:
    """Each second of which the rows stand in for rollups."""
    return f"""
        seconds_of_{level.view} (at_s, end_s) AS (
            SELECT at_s, min(end_s, :until_s) FROM open_{level.view}
            UNION ALL SELECT at_s + 1, end_s FROM seconds_of_{level.view} WHERE at_s + 1 < end_s
        ),
    """  # noqa: S608  # the name is that of LEVELS
