"""The gateway: sessions that are identified, resumed and replayed, and everything that can go wrong with them.

https://discord.com/developers/docs/events/gateway. Faults are told by `acks`, `refuse_with`, `privileged`, `close()`,
`reconnect()`, `invalidate()`, `freeze()` and `dispatch(times=2)`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.standin.codec import packer
from tests.standin.connection import Connection
from tests.standin.record import Json

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, RESUME, RECONNECT = 0, 1, 2, 3, 6, 7
REQUEST_MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 8, 9, 10, 11
AUTHENTICATION_FAILED, DISALLOWED_INTENTS = 4004, 4014

GUILDS, GUILD_MEMBERS, GUILD_PRESENCES = 1 << 0, 1 << 1, 1 << 8
GUILD_MESSAGES, DIRECT_MESSAGES, MESSAGE_CONTENT = 1 << 9, 1 << 12, 1 << 15
PRIVILEGED = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT

Hello = Callable[["Session"], tuple[Json, list[tuple[str, Json]]]]
"""What a new session is told: READY's data, and the dispatches right after it."""
Chunk = Callable[[Json], Json]


def intent_for(event: str, data: Json) -> int:
    """The intent under which an event is sent; 0 for those that everyone gets."""
    if event.startswith("MESSAGE_"):
        return GUILD_MESSAGES if "guild_id" in data else DIRECT_MESSAGES
    if event.startswith("GUILD_MEMBER_"):
        return GUILD_MEMBERS
    return GUILDS if event.startswith(("GUILD_", "CHANNEL_")) else 0


@dataclass(slots=True, eq=False)
class Session:
    """What lives on between two connections of one bot."""

    intents: int
    connection: Connection | None
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sent: list[Json] = field(default_factory=list)
    """Every dispatch, for a replay; the sequence counts from 1."""

    def dispatch(self, event: str, data: Json) -> None:
        payload = {"op": DISPATCH, "t": event, "s": len(self.sent) + 1, "d": data}
        self.sent.append(payload)
        if self.connection is not None:
            self.connection.send(payload)


class Gateway:
    """The other end of every bot's WebSocket."""

    def __init__(
        self, *, token: Callable[[], str], hello: Hello, chunk: Chunk, notify: Callable[[], None], heartbeat_ms: int
    ) -> None:
        self.heartbeat_ms = heartbeat_ms
        """The interval that HELLO asks for."""
        self.acks = True
        """Whether heartbeats are acknowledged."""
        self.refuse_with: int | None = None
        """The close code that answers the next IDENTIFYs, if any."""
        self.privileged = PRIVILEGED
        """The privileged intents that the application was given; others close with 4014."""
        self.connections: list[Connection] = []
        self.opened = 0
        """Connections accepted so far."""
        self.received: list[Json] = []
        """Every payload the bots sent, without their token."""
        self.sessions: dict[str, Session] = {}
        self._token = token
        self._hello = hello
        self._chunk = chunk
        self._notify = notify

    def count(self, op: int) -> int:
        """How many payloads of this opcode came so far."""
        return sum(payload["op"] == op for payload in self.received)

    @property
    def presence(self) -> Json | None:
        """What the bot last showed of itself."""
        shown = [payload["d"] for payload in self.received if payload["op"] == PRESENCE]
        return shown[-1] if shown else None

    def dispatch(self, event: str, data: Json, *, times: int = 1) -> None:
        """Tell every session whose intents cover it; more than once to try a bot with doubles."""
        wanted = intent_for(event, data)
        for session in self.sessions.values():
            if session.intents & wanted == wanted:
                for _ in range(times):
                    session.dispatch(event, data)

    def close(self, code: int) -> None:
        """Close every connection with this code. 4004, 4010 to 4014 are final to a bot."""
        for connection in self.connections:
            connection.close(code)

    def reconnect(self) -> None:
        """Opcode 7: please come again and resume."""
        self._tell({"op": RECONNECT, "d": None})

    def invalidate(self, *, resumable: bool) -> None:
        """Opcode 9; a session that can't be resumed is forgotten."""
        if not resumable:
            self.sessions.clear()
        self._tell({"op": INVALID_SESSION, "d": resumable})

    def freeze(self) -> None:
        """Leave every connection half-open: TCP stays up, nothing is read, nothing is written."""
        for connection in self.connections:
            connection.freeze()

    def sever(self) -> None:
        """Reset every connection."""
        for connection in self.connections:
            connection.sever()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Run one connection from HELLO to its end."""
        ws = web.WebSocketResponse(max_msg_size=0, timeout=1.0)
        await ws.prepare(request)
        connection = Connection(ws, request.transport, packer(request.query.get("compress")))
        self.connections.append(connection)
        self.opened += 1
        connection.send({"op": HELLO, "d": {"heartbeat_interval": self.heartbeat_ms}})
        try:
            await connection.run(lambda payload: self._receive(connection, payload))
        finally:
            self._ended(connection)
        return ws

    def _tell(self, payload: Json) -> None:
        for connection in self.connections:
            connection.send(payload)

    def _ended(self, connection: Connection) -> None:
        self.connections.remove(connection)
        for session in list(self.sessions.values()):
            if session.connection is connection:
                session.connection = None
                if connection.ws.close_code in (1000, 1001):
                    del self.sessions[session.id]
        self._notify()

    def _receive(self, connection: Connection, payload: Json) -> None:
        op, data = payload["op"], payload["d"]
        token = data.pop("token", None) if isinstance(data, dict) else None
        self.received.append(payload)
        if op == HEARTBEAT and self.acks:
            connection.send({"op": HEARTBEAT_ACK})
        elif op == IDENTIFY:
            self._identify(connection, data, token)
        elif op == RESUME:
            self._resume(connection, data)
        elif op == REQUEST_MEMBERS:
            self._dispatch_to(connection, "GUILD_MEMBERS_CHUNK", self._chunk(data))
        self._notify()

    def _identify(self, connection: Connection, data: Json, token: str | None) -> None:
        refusal = self._refusal(data["intents"], token)
        if refusal is not None:
            connection.close(refusal)
            return
        session = Session(data["intents"], connection)
        self.sessions[session.id] = session
        ready, more = self._hello(session)
        session.dispatch("READY", ready)
        for event, told in more:
            session.dispatch(event, told)

    def _refusal(self, intents: int, token: str | None) -> int | None:
        if self.refuse_with is not None:
            return self.refuse_with
        if token != self._token():
            return AUTHENTICATION_FAILED
        return DISALLOWED_INTENTS if intents & PRIVILEGED & ~self.privileged else None

    def _resume(self, connection: Connection, data: Json) -> None:
        session = self.sessions.get(data["session_id"])
        if session is None:
            connection.send({"op": INVALID_SESSION, "d": False})
            return
        session.connection = connection
        for payload in session.sent[data["seq"] :]:
            connection.send(payload)
        session.dispatch("RESUMED", {})

    def _dispatch_to(self, connection: Connection, event: str, data: Json) -> None:
        for session in self.sessions.values():
            if session.connection is connection:
                session.dispatch(event, data)
