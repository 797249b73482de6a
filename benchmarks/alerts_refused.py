"""Ten minutes, in virtual time, in which Discord refuses everything: how many requests that takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.alerting import Filter
from storage.routes import Route, RouteKind
from tests.cogs.wired import NAMES, Wired, wired

MINUTES = 10
APART_MS = 3_600_000


async def measure(folder: Path, patch: pytest.MonkeyPatch) -> int:
    """Crash every ten seconds while all is answered with 429, then with 403; give the greater number of refusals."""
    counts = []
    for status in (429, 403):
        (folder / str(status)).mkdir()
        async with wired(folder / str(status), patch) as home:
            counts.append(await _refusals(home, status))
    return max(counts)


async def _refusals(home: Wired, status: int) -> int:
    for name in ("ops", "night", "more"):
        route = Route(home.guild.id, RouteKind.CHANNEL, Filter(), channel_id=home.guild.channel(name).id)
        await home.stores.routes.add(route)
    for path in ("/channels/**", "/users/@me/channels"):
        if status == 429:
            home.standin.faults.rate_limit("*", path, 0.001, times=None)
        else:
            home.standin.faults.answer("*", path, status, times=None)
    before = len(home.standin.requests)
    for number in range(MINUTES * 6):
        await home.crash(NAMES[number % len(NAMES)], at_ms=home.clock.now_ms() + number * APART_MS)
        await home.passes(10.0, 2.0)
    return sum(request.status == status for request in home.standin.requests[before:])
