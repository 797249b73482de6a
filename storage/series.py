"""One metric of one server over time, in buckets of equal length: what a chart draws."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.metrics import Metric
from storage.database import Database


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


def bucket_length_s(since_s: int, until_s: int, buckets: int) -> int:
    """The length in whole seconds at which the span needs at most that many buckets.

    Raises:
        ValueError: the span is not longer than nothing, or there is no bucket.
    """
    if until_s <= since_s or buckets < 1:
        raise ValueError((since_s, until_s, buckets))
    return -(-(until_s - since_s) // buckets)


Fresh = Iterable[tuple[int, int | None]]
"""Rows that the table may not hold yet: time in epoch seconds, and the stored integer."""


async def read_series(
    db: Database, server_id: str, metric: Metric, fresh: Fresh, *, since_s: int, until_s: int, buckets: int
) -> Series:
    """Aggregate what was measured from `since_s` up to, not including, `until_s`, at most `buckets` points.

    A row of `fresh` stands in for the row of the same second in the table. Ask for no more buckets than there are
    samples: a bucket shorter than the sampling interval finds gaps.
    """
    length_s = bucket_length_s(since_s, until_s, buckets)
    rows = await db.fetch_all(
        _aggregate(metric.column),
        {
            "server_id": server_id,
            "since_s": since_s,
            "until_s": until_s,
            "length_s": length_s,
            "fresh": json.dumps([row for row in fresh if since_s <= row[0] < until_s]),
        },
    )
    points: list[Bucket | None] = [None] * -(-(until_s - since_s) // length_s)
    for index, low, mean, high in rows:
        points[index] = Bucket(low / metric.scale, mean / metric.scale, high / metric.scale)
    return Series(metric.key, since_s, length_s, tuple(points))


def _aggregate(column: str) -> str:
    return f"""
        WITH
        fresh (at_s, value) AS MATERIALIZED (
            SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:fresh)
        ),
        known (at_s, value) AS (
            SELECT at_s, {column} FROM samples
            WHERE server_no = (SELECT no FROM servers WHERE id = :server_id)
                AND at_s >= :since_s AND at_s < :until_s
                AND at_s NOT IN (SELECT at_s FROM fresh)
            UNION ALL
            SELECT at_s, value FROM fresh
        )
        SELECT (at_s - :since_s) / :length_s AS bucket, min(value), avg(value), max(value)
        FROM known WHERE value IS NOT NULL GROUP BY bucket
    """  # noqa: S608  # the column is one of METRICS'
