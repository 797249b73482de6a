"""A Source RCON client that can be trusted: `mcrcon` with what is broken in it replaced.

It blocks; `rcon_connection` is its asynchronous face. Every wait has one deadline, the whole exchange long; whatever
goes wrong drops the socket, so that nothing late can be taken for the answer to something else.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from mcrcon import MCRcon

from monitor.errors import AccessRefused, GameError, GameFault, GameUnavailable
from monitor.games.rcon_wire import (
    HEADER_BYTES,
    MAX_REPLY_BYTES,
    REFUSED_ID,
    SOURCE_COMMAND_BYTES,
    SPLIT_BYTES,
    TYPE_AUTH,
    TYPE_AUTH_ANSWER,
    TYPE_EXECUTE,
    TYPE_RESPONSE,
    Packet,
    command_bytes,
    decode,
    encode,
    payload_length,
    reply_text,
)
from monitor.spec import AdminEndpoint

_TAIL_S = 0.003
"""How long a short answer may still grow. Minecraft needs as much between two commands (its issue MC-72390)."""
_CHUNK_BYTES = 65_536

_Address: TypeAlias = tuple[
    socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
]


def fault_of(err: OSError) -> GameFault:
    """Tell how a connection failed from what the operating system says."""
    if isinstance(err, ConnectionRefusedError):
        return GameFault.REFUSED
    if isinstance(err, TimeoutError):
        return GameFault.TIMEOUT
    if isinstance(err, ConnectionError | ssl.SSLEOFError):
        return GameFault.CLOSED
    if isinstance(err, ssl.SSLError):
        return GameFault.PROTOCOL
    return GameFault.UNREACHABLE


class RconClient(MCRcon):  # type: ignore[misc]  # mcrcon has no types
    """One connection to one game's admin port, opened when first needed. Not to be shared between threads.

    Every call may raise `GameUnavailable` or `AccessRefused`, and takes at most `timeout_s` seconds and the time of
    a name look-up, where `host` is a name.
    """

    def __init__(
        self,
        endpoint: AdminEndpoint,
        *,
        timeout_s: float = 5.0,
        command_limit: int = SOURCE_COMMAND_BYTES,
        tlsmode: int = 0,
    ) -> None:
        # The parent's constructor would install a SIGALRM handler: impossible outside the main thread.
        self.host = endpoint.host
        self.port = endpoint.port
        self.password = endpoint.password
        self.timeout = timeout_s
        self.tlsmode = tlsmode
        """As in mcrcon: 0 none, 1 checked, 2 unchecked."""
        self.socket: socket.socket | None = None
        self._command_limit = command_limit
        self._buffer = bytearray()
        self._room = MAX_REPLY_BYTES
        self._deadline = 0.0
        self._last_id = 0
        self._aborted = False

    def connect(self, timeout_s: float | None = None) -> None:
        """Open the connection and authenticate, unless that was done and the peer is still there."""
        with self._exchange(timeout_s):
            self._ensure_open()

    def command(self, command: str, timeout_s: float | None = None) -> str:
        """Run a command once and return its whole answer.

        Raises:
            CommandRejected: nothing was sent.
        """
        body = command_bytes(command, self._command_limit)
        with self._exchange(timeout_s):
            return reply_text(self._reply(self._send_once(body)))

    def disconnect(self) -> None:
        super().disconnect()
        self._buffer.clear()

    def abort(self) -> None:
        """From another thread: make the call under way fail soon. The client is of no use afterwards."""
        self._aborted = True
        if (open_socket := self.socket) is not None:
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _exchange(self, timeout_s: float | None) -> Iterator[None]:
        self._deadline = time.monotonic() + (self.timeout if timeout_s is None else timeout_s)
        self._room = MAX_REPLY_BYTES - len(self._buffer)
        try:
            yield
        except OSError as err:
            self.disconnect()
            raise GameUnavailable(fault_of(err), f"{self.host}:{self.port}") from err
        except GameError:
            self.disconnect()
            raise

    def _ensure_open(self) -> None:
        if self.socket is None or not self._alive():
            self._open()

    def _open(self) -> None:
        self.disconnect()
        self._dial()
        self._last_id = 0
        request_id = self._send(TYPE_AUTH, self.password.reveal().encode(errors="surrogateescape"))
        # Source sends an empty packet of type 0 ahead of the answer.
        while (packet := self._packet()).type != TYPE_AUTH_ANSWER:
            pass
        if packet.id != request_id:
            raise GameUnavailable(GameFault.PROTOCOL, f"answer to {packet.id}")

    def _dial(self) -> None:
        failure = OSError("the name has no address")
        for family, kind, protocol, _, address in self._addresses():
            self.socket = socket.socket(family, kind, protocol)
            self.socket.settimeout(self._left_s())
            try:
                self.socket.connect(address)
            except OSError as err:
                failure = err
                super().disconnect()
            else:
                self._encrypt()
                return
        raise failure

    def _addresses(self) -> Sequence[_Address]:
        try:
            return socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except UnicodeError as err:
            raise OSError("not a host name") from err

    def _encrypt(self) -> None:
        if not self.tlsmode:
            return
        context = ssl.create_default_context()
        if self.tlsmode > 1:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self._socket(), server_hostname=self.host)

    def _send_once(self, body: bytes) -> int:
        """Send a command, over a new connection where the kept one is dead. Never twice to a living game."""
        if self.socket is None or not self._alive():
            self._open()
            return self._send(TYPE_EXECUTE, body)
        try:
            return self._send(TYPE_EXECUTE, body)
        except ConnectionError:
            # The last bytes were never taken, so no whole packet can have arrived: nothing ran.
            self._open()
            return self._send(TYPE_EXECUTE, body)

    def _alive(self) -> bool:
        """Take in what came since the last exchange, and tell whether the peer has hung up since."""
        try:
            while True:
                self._fill(0.0)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except (OSError, GameUnavailable):
            if self._aborted:
                raise
            return False

    def _reply(self, request_id: int) -> list[bytes]:
        bodies = [self._next_of(request_id).body]
        if len(bodies[0]) < SPLIT_BYTES:
            while self._more_soon():
                self._collect(request_id, bodies)
            return bodies
        # Asked only now: some games stumble over a second request while they answer the first.
        marker_id = self._send(TYPE_RESPONSE, b"")
        while self._collect(request_id, bodies) != marker_id:
            pass
        return bodies

    def _next_of(self, request_id: int) -> Packet:
        while (packet := self._packet()).id != request_id:
            pass
        return packet

    def _collect(self, request_id: int, bodies: list[bytes]) -> int:
        packet = self._packet()
        if packet.id == request_id:
            bodies.append(packet.body)
        return packet.id

    def _more_soon(self) -> bool:
        """Tell whether more comes at once. A game that hangs up after its answer has answered."""
        if self._buffer:
            return True
        try:
            self._fill(_TAIL_S)
        except TimeoutError:
            return False
        except (ConnectionError, ssl.SSLError, GameUnavailable):
            self.disconnect()
            return False
        return True

    def _packet(self) -> Packet:
        """Read the next packet that can be for us: one of an id given out on this connection, or of nobody's (0).

        Some games send chat or keep-alive frames under id 0; an earlier id is the tail of an earlier answer.
        """
        packet = decode(self._read(payload_length(self._read(HEADER_BYTES))))
        if packet.id == REFUSED_ID:
            raise AccessRefused
        if not 0 <= packet.id <= self._last_id:
            raise GameUnavailable(GameFault.PROTOCOL, f"answer to {packet.id}")
        return packet

    def _send(self, out_type: int, out_data: bytes) -> int:
        """Replace the parent's, which reads too: write one packet and return its id, 1 or more."""
        self._last_id += 1
        self._socket().settimeout(self._left_s())
        self._socket().sendall(encode(Packet(self._last_id, out_type, out_data)))
        return self._last_id

    def _read(self, length: int) -> bytes:
        """Replace the parent's, which waits without end: give exactly `length` bytes by the deadline."""
        while len(self._buffer) < length:
            self._fill(self._left_s())
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return data

    def _fill(self, within_s: float) -> None:
        self._socket().settimeout(min(within_s, self._left_s()))
        chunk = self._socket().recv(_CHUNK_BYTES)
        if not chunk:
            raise GameUnavailable(GameFault.CLOSED, f"{self.host}:{self.port}")
        self._room -= len(chunk)
        if self._room < 0:
            raise GameUnavailable(GameFault.PROTOCOL, "reply too long")
        self._buffer += chunk

    def _left_s(self) -> float:
        if self._aborted:
            raise GameUnavailable(GameFault.CLOSED, "given up")
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s

    def _socket(self) -> socket.socket:
        if self.socket is None:
            raise GameUnavailable(GameFault.CLOSED, "given up")
        return self.socket
