"""Source RCON as bytes: packets, their limits, and which commands may be sent at all. Pure.

A packet is a little-endian int32 length of what follows, an int32 request id, an int32 type, the body, and two NUL
bytes. Source: the Valve developer wiki, "Source RCON Protocol".
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.errors import CommandRejected, GameFault, GameUnavailable, RejectedBecause

TYPE_RESPONSE = 0
TYPE_EXECUTE = 2
TYPE_AUTH_ANSWER = 2
TYPE_AUTH = 3

REFUSED_ID = -1
"""The id of the answer to a wrong password."""

HEADER_BYTES = 4
MIN_PACKET_BYTES = 10
MAX_REPLY_BYTES = 4 * 1024 * 1024
"""More than this in one exchange, and the peer is no game."""
SPLIT_BYTES = 3900
"""A body of this size may go on in further packets: servers split at about 4,096."""

SOURCE_COMMAND_BYTES = 1446
MINECRAFT_COMMAND_BYTES = 1413

_REFUSED_CATEGORIES = frozenset(("Cc", "Cs", "Zl", "Zp"))
"""Control characters, lone surrogates, and what else may begin a new line."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, either way."""

    id: int
    type: int
    body: bytes


def encode(packet: Packet) -> bytes:
    payload = struct.pack("<ii", packet.id, packet.type) + packet.body + b"\x00\x00"
    return struct.pack("<i", len(payload)) + payload


def payload_length(header: bytes) -> int:
    """Read how many bytes follow the four of `header`.

    Raises:
        GameUnavailable: no packet of the protocol has that length.
    """
    (length,) = struct.unpack("<i", header)
    if not MIN_PACKET_BYTES <= length <= MAX_REPLY_BYTES:
        raise GameUnavailable(GameFault.PROTOCOL, f"packet length {length}")
    return int(length)


def decode(payload: bytes) -> Packet:
    """Read a packet from what follows its length.

    Raises:
        GameUnavailable: it does not end as a packet does.
    """
    if len(payload) < MIN_PACKET_BYTES or payload[-2:] != b"\x00\x00":
        raise GameUnavailable(GameFault.PROTOCOL, "packet padding")
    request_id, packet_type = struct.unpack_from("<ii", payload)
    return Packet(request_id, packet_type, payload[8:-2])


def command_bytes(text: str, limit: int) -> bytes:
    """Give a command as it is sent, at most `limit` bytes of UTF-8.

    Raises:
        CommandRejected: it is empty, too long, or could be read as more than one command.
    """
    if not text.strip():
        raise CommandRejected(RejectedBecause.EMPTY)
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in text):
        raise CommandRejected(RejectedBecause.CONTROL_CHARACTER)
    body = text.encode()
    if len(body) > limit:
        raise CommandRejected(RejectedBecause.TOO_LONG, limit)
    return body


def reply_text(bodies: Sequence[bytes]) -> str:
    """Join the parts of a reply first: a character may be cut between two packets."""
    return b"".join(bodies).decode("utf-8", errors="replace")
