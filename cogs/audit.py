"""`/audit`: everything that was tried, by whom, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str

from cogs.access import Person
from cogs.gate import Gate
from cogs.locale.catalogue import Words
from cogs.pages import Page, Pages
from cogs.render.audit import audit_embed
from cogs.server_cog import ServerCog, find
from monitor.ports import Clock, Control
from storage.audit import Audit
from storage.grants import Action

A_PAGE = 10
HOUR_MS = 3_600_000
RANGES: dict[str, int] = {"1h": HOUR_MS, "24h": 24 * HOUR_MS, "7d": 168 * HOUR_MS, "30d": 720 * HOUR_MS}


@dataclass(slots=True)
class _Found:
    """The attempts that somebody looks for, page by page, as they stood when they asked."""

    audit: Audit
    actor_id: str | None
    server_id: str | None
    since_ms: int | None
    before: list[int | None] = field(default_factory=lambda: [None])
    """Before which attempt each page that is known so far begins."""

    async def page(self, number: int, words: Words, _who: Person) -> Page:
        number = min(number, len(self.before) - 1)
        records = await self.audit.page(
            actor_id=self.actor_id,
            server_id=self.server_id,
            since_ms=self.since_ms,
            before_id=self.before[number],
            limit=A_PAGE + 1,
        )
        shown = records[:A_PAGE]
        if number == 0 and records:
            # What is tried from now on would push the rest from page to page.
            self.before[0] = records[0].id + 1
        more = len(records) > A_PAGE
        if more and number == len(self.before) - 1:
            self.before.append(shown[-1].id)
        return Page(audit_embed(shown, words), more)


class AuditCog(ServerCog):
    """Reads the record; nothing can change it."""

    def __init__(self, control: Control, gate: Gate, audit: Audit, pages: Pages, clock: Clock) -> None:
        super().__init__(control, gate)
        self._audit = audit
        self._pages = pages
        self._clock = clock

    @app_commands.command(name="audit", description=locale_str("Everything that was tried, by whom, with the result"))
    @app_commands.describe(
        who=locale_str("Only what this person tried"),
        server=locale_str("Only what was about this server"),
        range=locale_str("How far back; everything if left out"),
    )
    @app_commands.choices(range=[Choice(name=key, value=key) for key in RANGES])
    @app_commands.autocomplete(server=ServerCog.may_administer)
    @app_commands.guild_only()
    async def audit(
        self,
        interaction: discord.Interaction,
        who: discord.User | None = None,
        server: str | None = None,
        range: str | None = None,  # noqa: A002 - the option's name
    ) -> None:
        found = None if server is None else find(self.control.servers(), server)
        server_id = server if found is None else found.id
        await self.gate.enter(interaction, Action.ADMIN, server_id, private=True)
        since_ms = None if range is None else self._clock.now_ms() - RANGES[range]
        wanted = _Found(self._audit, None if who is None else str(who.id), server_id, since_ms)
        await self._pages.show(interaction, wanted.page, action=Action.ADMIN, server_id=server_id)
