"""Raw samples for other programs: which ones are wanted, and a page of rows at a time until all have been given.

A page holds at most `PAGE_ROWS` rows of the table, out of at most `SLICE_S` seconds: neither many rows, nor a few
among many of other servers, keep the database from others for long.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from monitor.errors import GamekeeperError, UnknownServer
from monitor.metrics import BY_KEY, METRICS, Metric
from storage.database import Database
from storage.measures import MOST_SERVERS, SERVER_BITS, Measures, key_of

MOST_HOURS = 168
MOST_S = MOST_HOURS * 3600
"""Raw samples are kept for this long."""
PAGE_ROWS = 1000
SLICE_S = 3600
USUAL_RANGES = ("1h", "6h", "24h", "7d")

_SPAN = re.compile(r"(?:(\d{1,12})d)?(?:(\d{1,12})h)?(?:(\d{1,12})m)?", re.ASCII | re.IGNORECASE)

ExportRow: TypeAlias = tuple[int, str, Measures]
"""UTC epoch seconds, the server's id, and the stored integer of each metric that is wanted."""


class ExportFault(StrEnum):
    """Why there can be no such export."""

    BAD_RANGE = "bad_range"
    """It is no length of time."""
    RANGE_TOO_LONG = "range_too_long"
    NO_SUCH_FIELD = "no_such_field"


class ExportRefused(GamekeeperError):
    """What was asked for cannot be exported; nothing was written."""

    def __init__(self, fault: ExportFault, subject: str) -> None:
        super().__init__(fault, subject)
        self.fault = fault
        self.subject = subject
        """The range or the field as it was typed."""


@dataclass(frozen=True, slots=True)
class Export:
    """What is wanted: the samples of some servers from `since_s` up to, not including, `until_s`, epoch seconds."""

    server_ids: tuple[str, ...]
    since_s: int
    until_s: int
    metrics: tuple[Metric, ...] = METRICS

    @property
    def span_s(self) -> int:
        return self.until_s - self.since_s

    def done_at(self, at_s: int) -> float:
        """How much of its time is past once it has come to `at_s`: 0 to 1."""
        return min(max((at_s - self.since_s) / self.span_s, 0.0), 1.0)


class Unwritten(Protocol):
    """Where samples wait that the table may not hold yet."""

    def unwritten(self, server_id: str, since_s: int, until_s: int) -> Sequence[tuple[int, Measures]]:
        """Give the rows of one server from `since_s` up to, not including, `until_s`, in no order."""
        ...


def wanted(server_ids: Sequence[str], span: str, fields: str, now_s: int) -> Export:
    """Understand what a person typed: a span such as "24h" or "1d12h" up to now, and metrics with commas between.

    No fields at all are all of them; what is named comes in the order in which it is named.

    Raises:
        ExportRefused: the span is none, or too long; or there is no such field.
    """
    until_s = now_s + 1
    return Export(tuple(dict.fromkeys(server_ids)), until_s - span_s(span), until_s, _metrics(fields))


def span_s(text: str) -> int:
    """The seconds in "90m", "24h", "7d" or "1d12h".

    Raises:
        ExportRefused: it is no such thing, nothing at all, or longer than `MOST_HOURS`.
    """
    typed = "".join(text.split())
    match = _SPAN.fullmatch(typed)
    days, hours, minutes = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    seconds = days * 86_400 + hours * 3600 + minutes * 60
    if seconds == 0:
        raise ExportRefused(ExportFault.BAD_RANGE, text)
    if seconds > MOST_S:
        raise ExportRefused(ExportFault.RANGE_TOO_LONG, text)
    return seconds


def _metrics(fields: str) -> tuple[Metric, ...]:
    keys = dict.fromkeys(fields.casefold().replace(",", " ").split())
    for key in keys:
        if key not in BY_KEY:
            raise ExportRefused(ExportFault.NO_SUCH_FIELD, key)
    return tuple(BY_KEY[key] for key in keys) or METRICS


async def pages(
    db: Database, export: Export, waiting: Unwritten | None = None
) -> AsyncGenerator[list[ExportRow], None]:
    """Give the rows in the order of their time, then of their server's number, a page at a time.

    Between two pages the database is free for others. What waits in memory is among them, and stands in for the same
    row on the disk.

    Raises:
        UnknownServer: the database has never heard of one of the servers.
        StorageError: the database refused.
    """
    numbers = await _numbers(db, export.server_ids)
    # Of one with a larger number nothing is ever stored, and its keys would be those of another server.
    ids = {no: server_id for server_id, no in numbers.items() if no <= MOST_SERVERS}
    begin, end = key_of(export.since_s), key_of(export.until_s)
    while begin < end:
        until = min(begin + key_of(SLICE_S), end)
        # Before the table is read: a row that is written meanwhile is then seen twice rather than never.
        fresh = _fresh(export, waiting, ids, begin, until)
        stored = await db.fetch_all(_page(export.metrics), (begin, until, json.dumps(list(ids)), PAGE_ROWS))
        rows: dict[int, Measures] = {key: tuple(measures) for key, *measures in stored}
        if len(rows) == PAGE_ROWS:
            until = max(rows) + 1
        rows |= {key: measures for key, measures in fresh.items() if key < until}
        begin = until
        if rows:
            yield [(_at_s(key), ids[_server_no(key)], rows[key]) for key in sorted(rows)]


async def _numbers(db: Database, server_ids: Iterable[str]) -> dict[str, int]:
    known: dict[str, int] = dict(await db.fetch_all("SELECT id, no FROM servers"))
    for server_id in server_ids:
        if server_id not in known:
            raise UnknownServer(server_id)
    return {server_id: known[server_id] for server_id in server_ids}


def _at_s(key: int) -> int:
    return key >> SERVER_BITS


def _server_no(key: int) -> int:
    return key & MOST_SERVERS


def _fresh(
    export: Export, waiting: Unwritten | None, ids: Mapping[int, str], begin: int, until: int
) -> dict[int, Measures]:
    if waiting is None:
        return {}
    columns = [METRICS.index(metric) for metric in export.metrics]
    rows = {
        key_of(at_s, no): tuple(measures[column] for column in columns)
        for no, server_id in ids.items()
        for at_s, measures in waiting.unwritten(server_id, _at_s(begin), _at_s(until) + 1)
    }
    return {key: measures for key, measures in rows.items() if begin <= key < until}


def _page(metrics: Iterable[Metric]) -> str:
    return f"""
        SELECT key, {", ".join(metric.column for metric in metrics)} FROM samples
        WHERE key >= ? AND key < ? AND server_no IN (SELECT value FROM json_each(?))
        ORDER BY key LIMIT ?
    """  # noqa: S608  # the columns are METRICS'
