"""The game's half of Source RCON on loopback, scripted by each test. Its framing is its own, not the client's."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from monitor.spec import AdminEndpoint, Secret

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Request:
    id: int
    type: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def packet(request_id: int, packet_type: int, body: bytes) -> bytes:
    return struct.pack("<iii", len(body) + 10, request_id, packet_type) + body + b"\0\0"


class Session:
    """One client as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.closed = asyncio.Event()

    async def send(self, request_id: int, body: bytes = b"", packet_type: int = 0) -> None:
        await self.raw(packet(request_id, packet_type, body))

    async def raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def hang_up(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    async def request(self) -> Request | None:
        try:
            (length,) = struct.unpack("<i", await self._reader.readexactly(4))
            payload = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.set()
            return None
        request_id, packet_type = struct.unpack_from("<ii", payload)
        return Request(request_id, packet_type, payload[8:-2])


Act = Callable[[Session, Request], Awaitable[None]]


async def take_password(session: Session, request: Request) -> None:
    await session.send(request.id if request.text == PASSWORD else -1, packet_type=2)


async def echo(session: Session, request: Request) -> None:
    await session.send(request.id, request.body)


async def mute(session: Session, request: Request) -> None:
    pass


def raw(*chunks: bytes, hang_up: bool = False) -> Act:
    """Answer with these bytes, whatever was asked."""

    async def act(session: Session, request: Request) -> None:
        for chunk in chunks:
            await session.raw(chunk)
        if hang_up:
            session.hang_up()

    return act


def body(*bodies: bytes) -> Act:
    """Answer with one packet for each body, all sent in one go."""

    async def act(session: Session, request: Request) -> None:
        await session.raw(b"".join(packet(request.id, 0, part) for part in bodies))

    return act


@dataclass
class Script:
    """What the server does with each kind of request."""

    on_auth: Act = take_password
    on_command: Act = echo
    on_marker: Act = echo
    commands: list[str] = field(default_factory=list)
    markers: list[int] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with each command that arrives."""
    endpoint: AdminEndpoint = field(init=False)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(reader, writer)
        self.sessions.append(session)
        try:
            while (request := await session.request()) is not None:
                await self._act(session, request)
        except ConnectionError:
            session.closed.set()
        finally:
            writer.close()

    async def _act(self, session: Session, request: Request) -> None:
        if request.type == 3:
            await self.on_auth(session, request)
        elif request.type == 2:
            self.commands.append(request.text)
            self.arrived.set()
            await self.on_command(session, request)
        else:
            self.markers.append(request.id)
            await self.on_marker(session, request)

    @asynccontextmanager
    async def listening(self, host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Script]:
        server = await asyncio.start_server(self.serve, host, 0, ssl=tls)
        self.endpoint = AdminEndpoint(host, server.sockets[0].getsockname()[1], Secret(PASSWORD))
        try:
            yield self
        finally:
            server.close()
            for session in self.sessions:
                session.hang_up()
            await server.wait_closed()
