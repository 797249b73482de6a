"""What rollups and series must come to, worked out from the rows themselves the long way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from monitor.metrics import METRICS
from storage.database import Database
from storage.measures import COLUMNS

Parts = tuple[int, int | None, int | None, int | None]
"""Count, lowest, highest and sum of what is known."""
Whole = dict[tuple[int, int], tuple[int | None, ...]]
"""By server's number and time: how many samples, then the parts of every metric."""

VIEW_COLUMNS = ", ".join(f"{metric.column}_{part}" for metric in METRICS for part in ("count", "min", "max", "sum"))


def parts_of(values: Iterable[int | None]) -> Parts:
    known = [value for value in values if value is not None]
    return (len(known), min(known), max(known), sum(known)) if known else (0, None, None, None)


async def worked_out(db: Database, bucket_s: int) -> Whole:
    """Every bucket of that length in which the table of samples has any row."""
    rows = await db.fetch_all(f"SELECT server_no, at_s, {', '.join(COLUMNS)} FROM samples")
    buckets: dict[tuple[int, int], list[tuple[int | None, ...]]] = defaultdict(list)
    for server_no, at_s, *measures in rows:
        buckets[server_no, at_s - at_s % bucket_s].append(tuple(measures))
    return {
        key: (len(found), *(part for column in zip(*found, strict=True) for part in parts_of(column)))
        for key, found in buckets.items()
    }


async def rolled_up(db: Database, view: str) -> Whole:
    """Every rollup of a view, whether due or not."""
    rows = await db.fetch_all(f"SELECT server_no, at_s, sample_count, {VIEW_COLUMNS} FROM {view}")
    return {(server_no, at_s): tuple(values) for server_no, at_s, *values in rows}


async def due(db: Database, bucket_s: int) -> set[int]:
    return {at_s for (at_s,) in await db.fetch_all("SELECT at_s FROM rollups_due WHERE bucket_s = ?", (bucket_s,))}
