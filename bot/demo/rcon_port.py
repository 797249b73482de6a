"""The demo server's side of Source RCON. Source: the Valve developer wiki, "Source RCON Protocol"."""

from __future__ import annotations

import asyncio
import hmac
import struct

from bot.demo.console import Answer, Console

_TYPE_RESPONSE = 0
_TYPE_EXECUTE = 2
_TYPE_AUTH_ANSWER = 2
_TYPE_AUTH = 3
_REFUSED_ID = -1
_MIN_BYTES = 10
_MAX_REQUEST_BYTES = 4110
_BODY_BYTES = 4096


def packets(request_id: int, packet_type: int, body: bytes) -> bytes:
    """Give a body as one packet, or as many as it takes."""
    parts = [body[i : i + _BODY_BYTES] for i in range(0, len(body), _BODY_BYTES)] or [b""]
    return b"".join(
        struct.pack("<iii", len(part) + _MIN_BYTES, request_id, packet_type) + part + b"\0\0" for part in parts
    )


class RconPort:
    """Answers on loopback. A client that sends what is no packet is hung up on."""

    def __init__(self, console: Console, password: str) -> None:
        self._console = console
        self._password = password.encode()

    async def listen(self, port: int) -> asyncio.Server:
        """Listen on 127.0.0.1; port 0 takes any free one.

        Raises:
            OSError: the port cannot be had.
        """
        return await asyncio.start_server(self._serve, "127.0.0.1", port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        authenticated = False
        while True:
            (length,) = struct.unpack("<i", await reader.readexactly(4))
            if not _MIN_BYTES <= length <= _MAX_REQUEST_BYTES:
                return
            request_id, kind, body = self._request(await reader.readexactly(length))
            if kind == _TYPE_AUTH:
                authenticated = hmac.compare_digest(body, self._password)
                writer.write(packets(request_id if authenticated else _REFUSED_ID, _TYPE_AUTH_ANSWER, b""))
            elif not authenticated:
                return
            else:
                await self._answer(writer, request_id, self._run(kind, body))
            await writer.drain()

    @staticmethod
    def _request(payload: bytes) -> tuple[int, int, bytes]:
        request_id, kind = struct.unpack_from("<ii", payload)
        return request_id, kind, payload[8:-2]

    def _run(self, kind: int, body: bytes) -> Answer:
        if kind != _TYPE_EXECUTE:
            return Answer(f"Unknown request {kind:x}")
        return self._console.run(body.decode(errors="replace"))

    @staticmethod
    async def _answer(writer: asyncio.StreamWriter, request_id: int, answer: Answer) -> None:
        if answer.text is not None:
            writer.write(packets(request_id, _TYPE_RESPONSE, answer.text.encode()))
            await writer.drain()
        if answer.then is not None:
            answer.then()
