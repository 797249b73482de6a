"""One WebSocket of the gateway: an ordered outbox, and the means to break it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import cast

from aiohttp import WSMsgType, web

from tests.standin.codec import Pack
from tests.standin.faults import sever
from tests.standin.record import Json


class Connection:
    """Payloads go in at one end in order and out at the other, until it is closed or frozen."""

    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.Transport | None, pack: Pack) -> None:
        self.ws = ws
        self.frozen = False
        self._transport = cast(asyncio.Transport, transport)
        self._pack = pack
        self._outbox: asyncio.Queue[Json | int] = asyncio.Queue()

    def send(self, payload: Json) -> None:
        self._outbox.put_nowait(payload)

    def close(self, code: int) -> None:
        """Close it once all before has gone out."""
        self._outbox.put_nowait(code)

    def freeze(self) -> None:
        """Neither read nor write any more, but keep TCP up."""
        self.frozen = True
        self._transport.pause_reading()

    def sever(self) -> None:
        """Reset it."""
        sever(self._transport)

    async def run(self, receive: Callable[[Json], None]) -> None:
        """Pass on what comes in until it ends."""
        writer = asyncio.create_task(self._write())
        try:
            async for message in self.ws:
                if message.type is WSMsgType.TEXT and not self.frozen:
                    receive(json.loads(message.data))
        finally:
            writer.cancel()
            await asyncio.wait([writer])

    async def _write(self) -> None:
        while True:
            item = await self._outbox.get()
            if self.frozen:
                continue
            if isinstance(item, int):
                await self.ws.close(code=item)
                return
            await self._write_one(self._pack(json.dumps(item)))

    async def _write_one(self, packed: str | bytes) -> None:
        try:
            if isinstance(packed, bytes):
                await self.ws.send_bytes(packed)
            else:
                await self.ws.send_str(packed)
        except ConnectionError:
            return  # the reader sees the end as well and acts on it
