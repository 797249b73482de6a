"""What may be typed into a server's console."""

from __future__ import annotations

import unicodedata

from monitor.errors import CommandRejected, RejectedBecause

MOST_BYTES = 4095
"""With its newline such a line is written whole or not at all: Linux promises that of pipes up to 4,096 bytes
(`PIPE_BUF`), and its terminals take no longer lines either."""
_REFUSED_CATEGORIES = frozenset(("Cc", "Cs", "Zl", "Zp"))


def refuse_unless_line(text: str) -> bytes:
    """Give the bytes to be typed for a line, its newline among them.

    Raises:
        CommandRejected: it is empty, too long, or could be read as something else than one line.
    """
    if not text.strip():
        raise CommandRejected(RejectedBecause.EMPTY)
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in text):
        raise CommandRejected(RejectedBecause.CONTROL_CHARACTER)
    line = text.encode()
    if len(line) > MOST_BYTES:
        raise CommandRejected(RejectedBecause.TOO_LONG, MOST_BYTES)
    return line + b"\n"
