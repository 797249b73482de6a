"""An address that takes JSON, as somebody else would run it: it keeps what it was sent, and answers as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Listener:
    """What was sent there."""

    url: str = ""
    away: bool = False
    """Whether everything is answered with 503, and not kept."""
    statuses: list[int] = field(default_factory=list)
    """Of the next answers; then 204."""
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    """The headers and the body of each request."""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.away:
            return web.Response(status=503)
        self.heard.append((dict(request.headers), body))
        status = self.statuses.pop(0) if self.statuses else 204
        return web.Response(status=status, headers={"Location": "/elsewhere"} if 300 <= status < 400 else {})


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", listener.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/in?key=very-secret-key"
    try:
        yield listener
    finally:
        await runner.cleanup()
