"""Repeats what the audit says in a channel, as far as Discord takes it. The record itself is in the database."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

import discord
import structlog

from cogs.gate import Recorder
from cogs.locale.catalogue import Words
from cogs.render.audit import audit_line
from cogs.render.limits import CONTENT
from cogs.reply import NOT_SENT
from monitor.ports import Clock
from monitor.redaction import Redaction
from storage.audit import ALLOWED, AuditEntry, AuditOutcome, AuditRecord

WAITING_AT_MOST = 200
"""The oldest line is left out where Discord takes no more."""
EVERY_S = 2.0
"""Between two messages: what comes meanwhile goes into one."""
PAUSE_S = 60.0
"""After a message that was not taken."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class AuditMirror:
    """A `Recorder` before another one, and the task that tells the channel. It never holds anybody up."""

    record: Recorder
    client: discord.Client
    online: asyncio.Event
    channel_id: int
    clock: Clock
    redaction: Redaction
    words: Words
    """Of the language that unprompted posts are in."""
    _under_way: dict[int, AuditEntry] = field(default_factory=dict)
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=WAITING_AT_MOST))
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _failing: bool = False

    async def begin(self, entry: AuditEntry) -> int:
        audit_id = await self.record.begin(entry)
        if entry.decision == ALLOWED:
            self._under_way[audit_id] = entry
        else:
            self._tell(AuditRecord(audit_id, entry, None))
        return audit_id

    async def finish(self, audit_id: int, outcome: AuditOutcome) -> None:
        entry = self._under_way.pop(audit_id, None)
        if entry is not None:
            self._tell(AuditRecord(audit_id, entry, outcome))
        await self.record.finish(audit_id, outcome)

    async def run(self) -> None:
        """Post until cancelled."""
        await self.online.wait()
        while True:
            await self._news.wait()
            self._news.clear()
            pause_s = await self._post()
            if self._lines:
                self._news.set()
            await self.clock.sleep(pause_s)

    def _tell(self, record: AuditRecord) -> None:
        self._lines.append(self.redaction.text(audit_line(record, self.words)))
        self._news.set()

    async def _post(self) -> float:
        """Post as many lines as one message holds, and give how long to wait then."""
        lines = _as_many_as_fit(self._lines)
        for _ in lines:
            self._lines.popleft()
        try:
            await self.client.get_partial_messageable(self.channel_id).send("\n".join(lines), silent=True)
        except NOT_SENT as failure:
            if not self._failing:
                log.warning("audit_not_mirrored", channel=self.channel_id, failure=repr(failure))
            self._failing = True
            room = WAITING_AT_MOST - len(self._lines)
            self._lines.extendleft(reversed(lines[-room:] if room else []))
            return PAUSE_S
        self._failing = False
        return EVERY_S


def _as_many_as_fit(lines: deque[str]) -> list[str]:
    taken: list[str] = []
    room = CONTENT
    for line in lines:
        room -= 2 * len(line) + 1  # Discord may count a character as two
        if room < 0 and taken:
            break
        taken.append(line)
    return taken
