"""What the history of a server says of it over some span: typed questions, each answered by one call.

Spans are in UTC epoch milliseconds, from `since_ms` up to, not including, `until_ms`, which is now at the latest.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import tzinfo

from monitor.metrics import BY_KEY, Metric
from monitor.model import EvidenceKind, Verdict
from monitor.playtime import BusiestHour, PlayerHours, Readings, busiest_hour, hours_of_day, player_hours
from monitor.trend import growth_per_hour
from monitor.uptime import Failures, RunSpan, Uptime, failures, uptime
from storage.database import Database
from storage.samples import SampleBuffer
from storage.series import Series

_ALIVE = BY_KEY["memory"]
"""Measured whenever a server lives."""
_MEMORY = BY_KEY["memory"]
_PLAYERS = BY_KEY["players"]

_STEPS_S = (3600, 600, 60)
"""Buckets that are multiples of these, and begin at multiples of theirs, fit the rollups."""
_HOUR_S = 3600
_PLAYER_BUCKETS = 2_000
_TREND_BUCKETS = 240
_LAST_SIGN_BUCKETS = 1_000

_RUNS = f"""
    SELECT r.started_ms, r.ended_ms, r.verdict, EXISTS (
        SELECT 1 FROM json_each(r.report, '$.evidence')
        WHERE json_extract(value, '$.kind') IN ('{EvidenceKind.GONE_WHILE_AWAY}', '{EvidenceKind.OTHER_BOOT}')
    )
    FROM runs AS r JOIN servers AS s ON s.no = r.server_no
    WHERE s.id = ? AND r.started_ms < ? AND (r.ended_ms IS NULL OR r.ended_ms > ?)
    ORDER BY r.id
"""  # noqa: S608  # the evidence is ours
_FIRST_START = "SELECT min(r.started_ms) FROM runs AS r JOIN servers AS s ON s.no = r.server_no WHERE s.id = ?"


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that is asked about a span, at once."""

    server_id: str
    since_ms: int
    until_ms: int
    uptime: Uptime | None
    """`None`: it had never been started by then."""
    failures: Failures
    players: PlayerHours
    busiest_hour: BusiestHour | None
    """`None`: nobody played."""
    memory_growth: float | None
    """Bytes an hour while it runs; `None` where too little is known."""


class Reports:
    """Every call may raise `StorageError`, or `ValueError` where the span is not longer than nothing.

    Of a server that is not known, nothing is known.
    """

    def __init__(self, db: Database, samples: SampleBuffer) -> None:
        self._db = db
        self._samples = samples

    async def uptime(self, server_id: str, since_ms: int, until_ms: int) -> Uptime | None:
        """How long it was up since then, or since its first start where that was later; `None`: never started."""
        runs = await self._runs(server_id, since_ms, until_ms)
        began_ms = await self._began_ms(server_id, since_ms, until_ms)
        return None if began_ms is None else uptime(runs, began_ms, until_ms)

    async def failures(self, server_id: str, since_ms: int, until_ms: int) -> Failures:
        """How often it failed, in which ways, and how long it was up for each time."""
        return failures(await self._runs(server_id, since_ms, until_ms), since_ms, until_ms)

    async def player_hours(self, server_id: str, since_ms: int, until_ms: int) -> PlayerHours:
        """How much it was played on."""
        return _player_hours(await self._players(server_id, since_ms, until_ms))

    async def busiest_hour(self, server_id: str, since_ms: int, until_ms: int, zone: tzinfo) -> BusiestHour | None:
        """The hour of the zone's day at which the most play; `None` where nobody did."""
        return await asyncio.to_thread(_busiest_hour, await self._players(server_id, since_ms, until_ms), zone)

    async def memory_growth(self, server_id: str, since_ms: int, until_ms: int) -> float | None:
        """How fast its memory grows while it runs, in bytes an hour; `None` where too little is known."""
        runs = await self._runs(server_id, since_ms, until_ms)
        return await self._growth(server_id, runs, since_ms, until_ms)

    async def summary(self, server_id: str, since_ms: int, until_ms: int, zone: tzinfo) -> Summary:
        """All of it; the busiest hour is one of the zone's day."""
        runs = await self._runs(server_id, since_ms, until_ms)
        began_ms = await self._began_ms(server_id, since_ms, until_ms)
        players = await self._players(server_id, since_ms, until_ms)
        return Summary(
            server_id,
            since_ms,
            until_ms,
            uptime=None if began_ms is None else uptime(runs, began_ms, until_ms),
            failures=failures(runs, since_ms, until_ms),
            players=_player_hours(players),
            busiest_hour=await asyncio.to_thread(_busiest_hour, players, zone),
            memory_growth=await self._growth(server_id, runs, since_ms, until_ms),
        )

    async def _began_ms(self, server_id: str, since_ms: int, until_ms: int) -> int | None:
        row = await self._db.fetch_one(_FIRST_START, (server_id,))
        first_ms = row[0] if row else None
        return None if first_ms is None or first_ms >= until_ms else max(since_ms, first_ms)

    async def _runs(self, server_id: str, since_ms: int, until_ms: int) -> list[RunSpan]:
        """The runs of which some part lies in the span."""
        if until_ms <= since_ms:
            raise ValueError((since_ms, until_ms))
        rows = await self._db.fetch_all(_RUNS, (server_id, until_ms, since_ms))
        return [await self._with_last_sign(server_id, _run(row[:3])) if row[3] else _run(row[:3]) for row in rows]

    async def _with_last_sign(self, server_id: str, run: RunSpan) -> RunSpan:
        """Nobody saw this end: find out when it was measured last."""
        ended_ms = run.started_ms if run.ended_ms is None else run.ended_ms
        since_s, until_s = run.started_ms // 1000, -(-ended_ms // 1000)
        if until_s <= since_s:
            return run
        buckets = min(_LAST_SIGN_BUCKETS, until_s - since_s)
        signs = await self._samples.series(server_id, _ALIVE, since_s, until_s, buckets)
        last_s = max((at_s + signs.bucket_s for at_s, _ in _known(signs)), default=since_s)
        return replace(run, seen_ms=min(max(last_s * 1000, run.started_ms), ended_ms))

    async def _players(self, server_id: str, since_ms: int, until_ms: int) -> Series:
        length_s = min(_bucket_s(since_ms, until_ms, _PLAYER_BUCKETS), _HOUR_S)
        return await self._series(server_id, _PLAYERS, since_ms, until_ms, length_s)

    async def _growth(self, server_id: str, runs: list[RunSpan], since_ms: int, until_ms: int) -> float | None:
        length_s = _bucket_s(since_ms, until_ms, _TREND_BUCKETS)
        memory = await self._series(server_id, _MEMORY, since_ms, until_ms, length_s)
        lives = [(run.started_ms / 1000, _end_ms(run, until_ms) / 1000) for run in runs]
        return await asyncio.to_thread(growth_per_hour, _known(memory), memory.bucket_s, lives)

    async def _series(self, server_id: str, metric: Metric, since_ms: int, until_ms: int, length_s: int) -> Series:
        """The whole buckets in which some part of the span lies; they begin at multiples of their length."""
        first, last = since_ms // 1000 // length_s, -(-until_ms // 1000 // length_s)
        return await self._samples.series(server_id, metric, first * length_s, last * length_s, last - first)


def _bucket_s(since_ms: int, until_ms: int, buckets: int) -> int:
    """A length that fits the rollups, at which the span needs about that many buckets."""
    if until_ms <= since_ms:
        raise ValueError((since_ms, until_ms))
    wanted_s = -(-(until_ms - since_ms) // 1000 // buckets)
    step_s = next((step_s for step_s in _STEPS_S if step_s <= wanted_s), _STEPS_S[-1])
    return max(1, -(-wanted_s // step_s)) * step_s


def _run(row: tuple[int, int | None, str | None]) -> RunSpan:
    started_ms, ended_ms, verdict = row
    return RunSpan(started_ms, ended_ms, None if verdict is None else Verdict(verdict))


def _end_ms(run: RunSpan, until_ms: int) -> int:
    return until_ms if run.alive_until_ms is None else run.alive_until_ms


def _known(series: Series) -> Readings:
    return [
        (series.since_s + index * series.bucket_s, point.mean)
        for index, point in enumerate(series.points)
        if point is not None
    ]


def _player_hours(players: Series) -> PlayerHours:
    peak = max((point.high for point in players.points if point is not None), default=None)
    return player_hours(_known(players), players.bucket_s, peak)


def _busiest_hour(players: Series, zone: tzinfo) -> BusiestHour | None:
    return busiest_hour(hours_of_day(_known(players), players.bucket_s, zone))
