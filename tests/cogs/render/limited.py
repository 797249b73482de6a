"""Limits, and what happens about them, to render."""

from __future__ import annotations

from dataclasses import replace

from monitor.limit_events import LimitCleared, LimitCrossed, LimitForeseen
from monitor.limits import Hours, Limit, RestartRule, Side
from tests.cogs.render.samples import AT_MS

GIB = 2.0**30
HEAP = Limit("memory", Side.ABOVE, 8 * GIB, 7.5 * GIB, 600, "survival", id=3)
RULE = RestartRule(7200, ceiling=9 * GIB, hours=Hours(180, 360, "Asia/Seoul"))
RESTARTED = replace(HEAP, restart=RULE)
DISK = Limit("disk_free_pct", Side.BELOW, 5, 6, 600, id=1)
CPU = Limit("host_cpu", Side.ABOVE, 90, 85, 600, id=2)

CROSSING = LimitCrossed(server_id="survival", at_ms=AT_MS, limit=HEAP, target="survival", value=8.25 * GIB, players=3)
FORESEEN = LimitForeseen(
    server_id="survival",
    at_ms=AT_MS,
    limit=HEAP,
    target="survival",
    value=7.6 * GIB,
    growth_per_h=180 * 2.0**20,
    in_s=7_300,
)
CLEARED = LimitCleared(server_id="", at_ms=AT_MS, limit=DISK, target="D:\\", value=7, after_s=1800)
