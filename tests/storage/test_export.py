"""An export has every row once, in order, and lets others at the database between its pages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import StorageError, UnknownServer
from monitor.metrics import BY_KEY, METRICS
from monitor.model import Sample
from storage.database import Database
from storage.export import (
    MOST_S,
    PAGE_ROWS,
    SLICE_S,
    Export,
    ExportFault,
    ExportRefused,
    ExportRow,
    _page,
    pages,
    span_s,
    wanted,
)
from storage.measures import MOST_SERVERS
from storage.samples import SampleBuffer
from tests.fakes.clock import FakeClock
from tests.fakes.waiting import PATIENCE_S

PLAYERS = (BY_KEY["players"],)

pytestmark = pytest.mark.usefixtures("two_servers")


def sample(server_id: str, at_s: int, players: int | None = None) -> Sample:
    return Sample(server_id, at_s, players=at_s if players is None else players)


@pytest.fixture
def buffer(db: Database) -> SampleBuffer:
    return SampleBuffer(db, FakeClock())


async def stored(buffer: SampleBuffer, samples: Iterable[Sample]) -> None:
    buffer.add(list(samples))
    await buffer.flush()


async def rows(db: Database, export: Export, buffer: SampleBuffer | None = None) -> list[ExportRow]:
    return [row async for page in pages(db, export, buffer) for row in page]


# What was typed


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("90m", 5400),
        ("1h", 3600),
        ("7d", MOST_S),
        ("168h", MOST_S),
        ("10080m", MOST_S),
        ("1d12h", 129_600),
        ("1D 12H 30M", 131_400),
        (" 2h ", 7200),
    ],
)
def test_a_length_of_time(typed: str, seconds: int) -> None:
    assert span_s(typed) == seconds


@pytest.mark.parametrize(
    "typed", ["", " ", "0h", "5", "h", "-1h", "1.5h", "1h2d", "1w", "24h;", "٣h", "9" * 30 + "h"]
)
def test_no_length_of_time(typed: str) -> None:
    with pytest.raises(ExportRefused) as refused:
        span_s(typed)
    assert (refused.value.fault, refused.value.subject) == (ExportFault.BAD_RANGE, typed)


@pytest.mark.parametrize("typed", ["169h", "8d", "7d1m", "999999999999h"])
def test_too_long_a_time(typed: str) -> None:
    with pytest.raises(ExportRefused) as refused:
        span_s(typed)
    assert (refused.value.fault, refused.value.subject) == (ExportFault.RANGE_TOO_LONG, typed)


@given(st.text(max_size=12) | st.from_regex(r"(\d+d)?(\d+h)?(\d+m)?", fullmatch=True))
def test_any_text_is_a_time_within_the_limit_or_refused(typed: str) -> None:
    with suppress(ExportRefused):
        assert 0 < span_s(typed) <= MOST_S


def test_what_is_wanted_ends_with_the_current_second() -> None:
    export = wanted(["ark", "rust", "ark"], "1h", "Memory, cpu ,memory", now_s=10_000)
    assert export.server_ids == ("ark", "rust")
    assert (export.since_s, export.until_s) == (6401, 10_001)
    assert [metric.key for metric in export.metrics] == ["memory", "cpu"]


@pytest.mark.parametrize("fields", ["", " ", ","])
def test_no_field_is_every_field(fields: str) -> None:
    assert wanted(["ark"], "1h", fields, now_s=0).metrics == METRICS


@pytest.mark.parametrize(
    "fields", ["password", "cpu;memory", "cpu,rss_kib", "cpu_permille", "*", "1 FROM servers --"]
)
def test_what_is_no_field_is_refused_by_name(fields: str) -> None:
    with pytest.raises(ExportRefused) as refused:
        wanted(["ark"], "1h", fields, now_s=0)
    assert refused.value.fault is ExportFault.NO_SUCH_FIELD
    assert refused.value.subject in fields


@given(st.integers(-100, 10**10))
def test_how_much_is_done_is_a_share(at_s: int) -> None:
    assert 0.0 <= Export(("a",), 1000, 2000).done_at(at_s) <= 1.0


# Rows


async def test_rows_of_one_server_within_the_time_and_no_others(db: Database, buffer: SampleBuffer) -> None:
    await stored(buffer, (sample(name, at_s) for at_s in range(90, 131, 10) for name in ("ark", "rust")))
    assert await rows(db, Export(("ark",), 100, 130, PLAYERS)) == [
        (100, "ark", (100,)),
        (110, "ark", (110,)),
        (120, "ark", (120,)),
    ]


async def test_several_servers_in_one(db: Database, buffer: SampleBuffer) -> None:
    await stored(buffer, [sample("rust", 1), sample("ark", 2), sample("ark", 1)])
    given_rows = await rows(db, Export(("rust", "ark"), 0, 10, PLAYERS))
    assert [(at_s, name) for at_s, name, _ in given_rows] == [(1, "ark"), (1, "rust"), (2, "ark")]


async def test_fields_come_as_they_are_asked_for(db: Database, buffer: SampleBuffer) -> None:
    await stored(buffer, [Sample("ark", 1, cpu_pct=12.34, rss_bytes=5 << 20)])
    metrics = (BY_KEY["threads"], BY_KEY["memory"], BY_KEY["cpu"])
    assert await rows(db, Export(("ark",), 0, 10, metrics)) == [
        (1, "ark", (None, round((5 << 20) * BY_KEY["memory"].scale), 123))
    ]


async def test_a_server_that_never_was(db: Database) -> None:
    with pytest.raises(UnknownServer) as unknown:
        await rows(db, Export(("ark", "dune"), 0, 10))
    assert unknown.value.server_id == "dune"


async def test_what_waits_in_memory_is_among_them_and_stands_in_for_the_disk(
    db: Database, buffer: SampleBuffer
) -> None:
    await stored(buffer, [sample("ark", 1), sample("ark", 3)])
    buffer.add([sample("ark", 2), sample("ark", 3, players=33), sample("ark", 4), sample("rust", 2)])
    buffer.add([sample("ark", 10), sample("ark", -1)])
    given_rows = await rows(db, Export(("ark",), 0, 10, PLAYERS), buffer)
    assert given_rows == [(at_s, "ark", (n,)) for at_s, n in ((1, 1), (2, 2), (3, 33), (4, 4))]


async def test_what_is_written_meanwhile_is_neither_lost_nor_doubled(db: Database, buffer: SampleBuffer) -> None:
    buffer.add([sample("ark", at_s) for at_s in range(2 * PAGE_ROWS)])
    seen: list[int] = []
    async for page in pages(db, Export(("ark",), 0, 10_000, PLAYERS), buffer):
        seen += [at_s for at_s, _, _ in page]
        await buffer.flush()
    assert seen == list(range(2 * PAGE_ROWS))


async def test_a_page_is_never_longer_than_a_batch_and_pages_join_without_a_seam(
    db: Database, buffer: SampleBuffer
) -> None:
    times = [*range(PAGE_ROWS), *range(PAGE_ROWS, 3 * SLICE_S, 7), 3 * SLICE_S, 9 * SLICE_S]
    await stored(buffer, (sample(name, at_s) for at_s in times for name in ("ark", "rust")))
    sizes, seen = [], []
    async for page in pages(db, Export(("ark", "rust"), 0, 9 * SLICE_S + 1, PLAYERS)):
        sizes.append(len(page))
        seen += [(at_s, name) for at_s, name, _ in page]
    assert max(sizes) == PAGE_ROWS
    assert 0 not in sizes
    assert seen == [(at_s, name) for at_s in times for name in ("ark", "rust")]


async def test_others_get_at_the_database_between_two_pages(db: Database, buffer: SampleBuffer) -> None:
    await stored(buffer, (sample("ark", at_s) for at_s in range(2 * PAGE_ROWS)))
    given_pages = pages(db, Export(("ark",), 0, 10_000, PLAYERS))
    await anext(given_pages)
    async with asyncio.timeout(PATIENCE_S):
        await stored(buffer, [sample("ark", 5000)])
    assert [at_s async for page in given_pages for at_s, _, _ in page][-1] == 5000


async def test_a_step_is_bounded_by_the_key_however_many_rows_others_have(db: Database) -> None:
    [step, *_] = await db.fetch_all(f"EXPLAIN QUERY PLAN {_page(PLAYERS)}", (0, 1, "[]", 1))
    assert step[-1] == "SEARCH samples USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"


async def test_a_refusal_of_the_database_is_told(db: Database) -> None:
    await db.close()
    with pytest.raises(StorageError):
        await rows(db, Export(("ark",), 0, 100))


async def test_what_waits_of_a_server_too_many_is_taken_for_no_other_server_s(
    db: Database, buffer: SampleBuffer
) -> None:
    async with db.transaction() as tx:
        for no in (MOST_SERVERS, MOST_SERVERS + 1, MOST_SERVERS + 2):
            await tx.execute("INSERT INTO servers (no, id, spec) VALUES (?, ?, '{}')", (no, f"server {no}"))
    buffer.add([sample(f"server {MOST_SERVERS + more}", 100) for more in range(3)])
    ids = ("ark", *(f"server {MOST_SERVERS + more}" for more in range(3)))
    export = Export(ids, 0, 200, PLAYERS)
    assert await rows(db, export, buffer) == [(100, f"server {MOST_SERVERS}", (100,))]
