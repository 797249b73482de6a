"""The end of a server's log, for people: without secrets, colour and control codes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from monitor.ports import Control
from monitor.redaction import Redaction

SHOWN_LINES = 25

log = structlog.get_logger(__name__)


async def last_lines(
    control: Control, server_id: str, redaction: Redaction, lines: int = SHOWN_LINES
) -> Sequence[str] | None:
    """Give the last lines, each whole: a secret that was cut in two would not be known. `None`: they cannot be read.

    Raises:
        UnknownServer: there is no such server.
    """
    try:
        read = await asyncio.to_thread(control.log(server_id).tail, lines)
    except OSError:
        log.exception("log_unreadable", server=server_id)
        return None
    return [redaction.text(line) for line in read]
