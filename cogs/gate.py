"""The one gate before every entry: command, completion, button, menu and form.

An interaction is admitted (it is new, and its person has not sent too many), then enters (they may do this, to this
server, at this moment, and the attempt is on the disk), and in the end is finished, when what came of it is written
beside the attempt. `cogs/reply.py` answers no interaction that was not admitted, so whoever goes round the gate stays
mute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import discord
import structlog

from cogs.access import Access, AccessDenied, Decision, Denial, Person, person
from cogs.attempt import Attempt, attempt_of, begin, begun
from cogs.entries import Argument, arguments_of, entry_of, shortened
from cogs.ratelimit import Limits, RateLimited
from cogs.reply import defer
from monitor.errors import GamekeeperError, StorageError
from monitor.model import Server
from monitor.ports import Clock
from monitor.redaction import Redaction
from storage.audit import ALLOWED, DENIED, LIMITED, AuditEntry, AuditOutcome
from storage.grants import Action

REMEMBERED = 1000
"""How many interactions are known again: those of a few minutes, whoever is typing."""
ACKNOWLEDGE_AFTER_S = 2.0
"""Discord takes the first answer for three seconds: whatever is going on, it is told that one will follow."""
LIMITED_EVERY_S = 60.0
"""How often attempts that are too many are written down, with their number."""

log = structlog.get_logger(__name__)


class Repeated(GamekeeperError):
    """Discord has delivered this interaction before."""


class Recorder(Protocol):
    """Writes attempts down; `storage.audit.Audit` is one."""

    async def begin(self, entry: AuditEntry) -> int: ...
    async def finish(self, audit_id: int, outcome: AuditOutcome) -> None: ...


class Once:
    """Tells what comes for the first time from what was there before, as far back as it remembers."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._seen: dict[int, None] = {}

    def first(self, key: int) -> bool:
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > self._remembered:
            del self._seen[next(iter(self._seen))]
        return True


@dataclass(slots=True)
class _Excess:
    """The attempts of somebody that were too many."""

    unwritten: int = 0
    written_s: float | None = None


@dataclass(slots=True)
class Gate:
    """Stands before everything."""

    access: Access
    audit: Recorder
    clock: Clock
    redaction: Redaction
    limits: Limits
    _once: Once = field(default_factory=Once)
    _excess: dict[int, _Excess] = field(default_factory=dict)

    async def admit(self, interaction: discord.Interaction) -> None:
        """Take an interaction in, the first time that it comes.

        Raises:
            Repeated: it came before.
            RateLimited: its person has sent too many; that is written down.
        """
        attempt = self._attempt(interaction)
        begin(interaction, attempt)
        if not self._once.first(interaction.id):
            raise Repeated(interaction.id)
        user_id = attempt.who.user_id
        if interaction.type is discord.InteractionType.autocomplete:
            self.limits.typing(user_id)
            return
        attempt.patience = asyncio.create_task(self._acknowledge_in_time(interaction, attempt), name="patience")
        try:
            # What a button does costs what its command does.
            self.limits.person(user_id, attempt.entry.removeprefix("/").removeprefix("button:"))
        except RateLimited:
            await self._write_excess(attempt)
            raise
        await self._write_excess_before(attempt)

    async def enter(
        self,
        interaction: discord.Interaction,
        action: Action | None,
        server_id: str | None,
        *,
        private: bool = False,
    ) -> Person:
        """Let somebody do something, or not; what is let through is on the disk before this returns.

        Args:
            interaction: theirs, admitted before.
            action: what a grant has to allow; `None` for what only an owner may.
            server_id: to which server, as typed where there is none such; `None` for what concerns them all.
            private: whether the answer is for their eyes only.

        Raises:
            AccessDenied: they may not.
            RateLimited: too much happens to this server.
        """
        attempt = attempt_of(interaction)
        attempt.private = private
        try:
            decision = await self.access.authorize(attempt.who, action, server_id)
            if server_id is not None:
                self.limits.server(server_id)
        except AccessDenied as denied:
            await self._refused(attempt, DENIED + denied.denial.value, action, server_id)
            raise
        except RateLimited:
            await self._refused(attempt, LIMITED, action, server_id)
            raise
        await self._entered(attempt, decision, action, server_id)
        return attempt.who

    async def enter_where_allowed(
        self, interaction: discord.Interaction, action: Action, servers: Iterable[Server]
    ) -> Sequence[Server]:
        """Let somebody do something to every server where they may, and give these.

        Raises:
            AccessDenied: there is none.
        """
        who = attempt_of(interaction).who
        visible = await self.access.visible(who, action, servers)
        if not visible:
            await self.enter(interaction, action, None)
            return visible
        decision = await self.access.authorize(who, action, visible[0].id)
        await self._entered(attempt_of(interaction), decision, action, None)
        return visible

    async def visible(
        self, interaction: discord.Interaction, action: Action, servers: Iterable[Server]
    ) -> Sequence[Server]:
        """Give the servers that may be offered to somebody who is typing."""
        return await self.access.visible(attempt_of(interaction).who, action, servers)

    async def refuse(self, interaction: discord.Interaction, denial: Denial) -> AccessDenied:
        """Write down that somebody tried what is not theirs, and give the error to raise."""
        await self._refused(attempt_of(interaction), DENIED + denial.value, None, None)
        return AccessDenied(denial)

    async def finish(self, interaction: discord.Interaction, result: str = "done", detail: str = "") -> None:
        """Write down what came of an interaction. Does nothing where it never entered."""
        attempt = begun(interaction)
        if attempt is None:
            return
        if attempt.patience is not None:
            attempt.patience.cancel()
        if attempt.audit_id is None:
            return
        audit_id, attempt.audit_id = attempt.audit_id, None
        duration_ms = round((self.clock.monotonic() - attempt.began_s) * 1000)
        try:
            await self.audit.finish(audit_id, AuditOutcome(result, self.redaction.text(detail), duration_ms))
        except StorageError as failure:
            log.error("outcome_not_written", entry=attempt.entry, result=result, failure=repr(failure))  # noqa: TRY400

    def _attempt(self, interaction: discord.Interaction) -> Attempt:
        return Attempt(
            person(interaction),
            entry_of(interaction.type, interaction.data),
            arguments_of(interaction.type, interaction.data, self.redaction.text),
            self.clock.monotonic(),
            self.redaction,
        )

    async def _entered(
        self, attempt: Attempt, decision: Decision, action: Action | None, server_id: str | None
    ) -> None:
        if attempt.audit_id is None:
            attempt.audit_id = await self._write(attempt, ALLOWED, action, server_id, decision.allowed_by)
        attempt.passed = True

    async def _refused(self, attempt: Attempt, decision: str, action: Action | None, server_id: str | None) -> None:
        """Write a refusal down, where the attempt is not written already: then it is what came of it."""
        log.info("refused", entry=attempt.entry, user=attempt.who.user_id, decision=decision)
        if attempt.audit_id is None:
            await self._write(attempt, decision, action, server_id)

    async def _write(
        self,
        attempt: Attempt,
        decision: str,
        action: Action | None = None,
        server_id: str | None = None,
        allowed_by: str | None = None,
    ) -> int | None:
        """Write an attempt down. Where no more can be written, the log has it, and people go on with their games."""
        entry = AuditEntry(
            at_ms=self.clock.now_ms(),
            by=attempt.who.actor,
            entry=attempt.entry,
            decision=decision,
            guild_id=attempt.who.guild_id,
            action=None if action is None else action.value,
            server_id=None if server_id is None else shortened(self.redaction.text(server_id)),
            arguments=attempt.arguments,
            allowed_by=allowed_by,
        )
        try:
            return await self.audit.begin(entry)
        except StorageError as failure:
            log.error("audit_not_written", attempt=repr(entry), failure=repr(failure))  # noqa: TRY400
            return None

    async def _write_excess(self, attempt: Attempt) -> None:
        """Write down at once that somebody sends too many, and from then on how many, once a minute."""
        excess = self._excess.setdefault(attempt.who.user_id, _Excess())
        excess.unwritten += 1
        if excess.written_s is None or attempt.began_s - excess.written_s >= LIMITED_EVERY_S:
            excess.written_s = attempt.began_s
            attempt.arguments["attempts"], excess.unwritten = excess.unwritten, 0
            await self._write(attempt, LIMITED)

    async def _write_excess_before(self, attempt: Attempt) -> None:
        """Write down how many were too many, once somebody is let through again."""
        excess = self._excess.pop(attempt.who.user_id, None)
        if excess is not None and excess.unwritten:
            arguments: dict[str, Argument] = {"attempts": excess.unwritten}
            before = Attempt(attempt.who, "?", arguments, attempt.began_s, self.redaction)
            await self._write(before, LIMITED)

    async def _acknowledge_in_time(self, interaction: discord.Interaction, attempt: Attempt) -> None:
        """Say that an answer will follow, where none has come yet; to them alone, as long as they were not let in."""
        await self.clock.sleep(ACKNOWLEDGE_AFTER_S)
        if not interaction.response.is_done():
            log.info("acknowledged_late", entry=attempt.entry)
            await defer(interaction, ephemeral=attempt.private or not attempt.passed)
