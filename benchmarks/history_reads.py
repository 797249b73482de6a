"""What a question to the history costs, and whether anything else waits for the answer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from benchmarks.history_home import Home
from benchmarks.report import Figure, figure
from monitor.metrics import BY_KEY

CPU = BY_KEY["cpu"]
BUCKETS = 360
"""As many as a chart asks for."""
HOUR_S = 3600
GOAL_WEEK_MS, GOAL_DAY_MS, GOAL_LAG_MS, GOAL_EXPORT_MIB = 2.0, 10.0, 5.0, 10.0
_BEAT_S = 0.001


@dataclass(frozen=True, slots=True)
class Cost:
    cpu_ms: float
    lag_ms: float
    """How late the loop was at worst, woken every millisecond."""


async def queries(home: Home) -> list[Figure]:
    """A week and a day of one server, as a chart asks for them."""
    week, plain_week = await _asked(home, 168)
    day, plain_day = await _asked(home, 24)
    lag = median([week.lag_ms, day.lag_ms])
    return [
        figure("query_168h_ms", week.cpu_ms, "ms", GOAL_WEEK_MS, plain_week.cpu_ms),
        figure("query_24h_ms", day.cpu_ms, "ms", GOAL_DAY_MS, plain_day.cpu_ms),
        figure("query_loop_lag_ms_max", lag, "ms", GOAL_LAG_MS, max(plain_week.lag_ms, plain_day.lag_ms)),
    ]


async def _asked(home: Home, hours: int) -> tuple[Cost, Cost]:
    until_s = home.clock.now_s
    since_s = until_s - hours * HOUR_S
    server = home.servers[len(home.servers) // 2]

    async def ours() -> None:
        await home.buffer.series(server, CPU, since_s, until_s, BUCKETS)

    async def plain() -> None:
        home.plain.series(server, since_s, until_s, BUCKETS)

    await ours()
    return await _cost(ours, home.plan.rounds), await _cost(plain, max(1, home.plan.rounds // 5))


async def _cost(ask: Callable[[], Coroutine[Any, Any, None]], rounds: int) -> Cost:
    cpu, lag = [], []
    for _ in range(rounds):
        began = process_time()
        await ask()
        cpu.append(1000 * (process_time() - began))
        # Apart from the other: to look at the loop costs CPU itself.
        lag.append(await _worst_lag_ms(ask))
    return Cost(median(cpu), median(lag))


async def _worst_lag_ms(ask: Callable[[], Coroutine[Any, Any, None]]) -> float:
    loop = asyncio.get_running_loop()
    asking = asyncio.ensure_future(ask())
    worst = 0.0
    while not asking.done():
        now = loop.time()
        await asyncio.sleep(_BEAT_S)
        worst = max(worst, loop.time() - now - _BEAT_S)
    await asking
    return 1000 * worst


async def export_peak_mib(home: Home) -> Figure:
    """A week of one server, each way in a process of its own: what is measured is what memory grows by."""
    server = home.servers[0]
    ours = await _in_child("ours", home.db.path, server)
    plain = await _in_child("plain", home.folder / "plain.db", server)
    return figure("export_peak_mib", ours, "MiB", GOAL_EXPORT_MIB, plain)


async def _in_child(way: str, path: Path, server: str) -> float:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.history_export", way, path, server, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate()
    if child.returncode != 0:
        raise RuntimeError(f"the export ended with {child.returncode}")
    return float(output)
