"""The threads in which RCON connections do their work."""

from __future__ import annotations

import asyncio
import threading

from monitor.spec import AdminEndpoint
from tests.fakes.waiting import PATIENCE_S


def rcon_threads(endpoint: AdminEndpoint) -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith(f"rcon-{endpoint.host}:{endpoint.port}")]


async def all_end(threads: list[threading.Thread]) -> bool:
    """Whether there are some, and all of them end."""
    for thread in threads:
        await asyncio.to_thread(thread.join, PATIENCE_S)
    return bool(threads) and not any(thread.is_alive() for thread in threads)
