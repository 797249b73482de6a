"""`/limit`: bounds on what is measured, and what is done when one is crossed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str

from cogs.access import Person, person
from cogs.attempt import attempt_of
from cogs.gate import Gate
from cogs.locale.catalogue import Words, catalogue
from cogs.pages import Page, Pages
from cogs.render.limit_list import Shown, limits_embed, removed, set_embed
from cogs.render.limits import CHOICE_NAME, CHOICES
from cogs.render.text import cut
from cogs.render.thresholds import bound, where
from cogs.reply import answer
from cogs.server_cog import ServerCog, find
from monitor.errors import UnknownServer
from monitor.limit_terms import TYPED, Terms, UnknownLimit, limit_of
from monitor.limit_watch import LimitWatch
from monitor.limits import MEASURES, Limit, Of, Side
from monitor.metrics import BY_KEY
from monitor.ports import Clock, Control
from storage.grants import Action
from storage.limits import Limits

A_PAGE = 8
TYPED_AT_MOST = 40
MINUTES_AT_MOST = 1440
WAIT_AT_MOST = 7 * 1440
METRICS = [Choice(name=locale_str(MEASURES[key].label), value=key) for key in TYPED]
SIDES = [
    Choice(name=locale_str("above"), value=Side.ABOVE.value),
    Choice(name=locale_str("below"), value=Side.BELOW.value),
]

Typed = app_commands.Range[str, 1, TYPED_AT_MOST]


class Then(StrEnum):
    """What is done when a limit is crossed."""

    ALERT = "alert"
    RESTART = "restart"


THEN = [
    Choice(name=locale_str("only tell"), value=Then.ALERT.value),
    Choice(name=locale_str("restart the server"), value=Then.RESTART.value),
]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where limits are, and who watches them."""

    limits: Limits
    watch: LimitWatch
    zone: str
    """By whose clock hours are typed."""


class LimitCog(ServerCog):
    """Sets limits and takes them back."""

    limit = app_commands.Group(name="limit", description=locale_str("Bounds on what is measured"), guild_only=True)

    def __init__(self, control: Control, gate: Gate, kept: Kept, pages: Pages, clock: Clock) -> None:
        super().__init__(control, gate)
        self._kept = kept
        self._pages = pages
        self._clock = clock

    @limit.command(
        name="set", description=locale_str("Tell, or restart, when a value is beyond a bound for too long")
    )
    @app_commands.rename(side="is", minutes="for")
    @app_commands.describe(
        metric=locale_str("What is measured"),
        side=locale_str("On which side of the value the trouble is"),
        value=locale_str("Such as 8 GiB, 90% or 20"),
        minutes=locale_str("For how many minutes without a break before it counts"),
        server=locale_str("Which server; every one, or the machine, if left out"),
        then=locale_str("What is done about it; it is only told if left out"),
        back_at=locale_str("Over once the value is this far back; 5% back if left out"),
        ceiling=locale_str("A restart does not wait at this value, whoever is on"),
        at_most=locale_str("How many minutes a restart waits for players to leave; 120 if left out"),
        hours=locale_str("When a restart may be, such as 03:00-06:00; at any time if left out"),
    )
    @app_commands.choices(metric=METRICS, side=SIDES, then=THEN)
    @app_commands.autocomplete(server=ServerCog.may_manage)
    async def set_(
        self,
        interaction: discord.Interaction,
        *,
        metric: str,
        side: str,
        value: Typed,
        minutes: app_commands.Range[int, 1, MINUTES_AT_MOST],
        server: str | None = None,
        then: str = Then.ALERT.value,
        back_at: Typed = "",
        ceiling: Typed = "",
        at_most: app_commands.Range[int, 0, WAIT_AT_MOST] | None = None,
        hours: Typed = "",
    ) -> None:
        server_id = await self._managed(interaction, server)
        terms = Terms(
            metric,
            Side(side),
            value,
            minutes,
            server_id,
            restart=then == Then.RESTART.value,
            back_at=back_at,
            ceiling=ceiling,
            wait_min=at_most,
            hours=hours,
        )
        limit = limit_of(terms, self._kept.zone)
        limit_id = await self._kept.limits.add(limit, person(interaction).actor, self._clock.now_ms())
        await self._kept.watch.reload()
        words = catalogue(interaction.locale.value)
        added = next(each for each in self._kept.watch.limits if each.id == limit_id)
        await answer(interaction, embed=set_embed(self._shown(added, words), words))

    @limit.command(name="remove", description=locale_str("Take a limit back"))
    @app_commands.describe(limit=locale_str("Which one, by its number"))
    async def remove(self, interaction: discord.Interaction, limit: Typed) -> None:
        found = self._find(limit)
        # What is not there may be told only to those who may see all there is.
        server_id = None if found is None else found.server_id
        await self.gate.enter(interaction, Action.MANAGE, server_id)
        if found is None or not await self._kept.limits.remove(found.id, self._clock.now_ms()):
            raise UnknownLimit(limit)
        words = catalogue(interaction.locale.value)
        shown = self._shown(found, words)
        await self._kept.watch.reload()
        await answer(interaction, content=removed(shown, words))

    @limit.command(name="list", description=locale_str("Every limit, and how it stands"))
    @app_commands.describe(server=locale_str("Only what counts on this server; everything if left out"))
    @app_commands.autocomplete(server=ServerCog.may_manage)
    async def list_(self, interaction: discord.Interaction, server: str | None = None) -> None:
        if server is not None:
            servers = [await self.meant(interaction, Action.MANAGE, server, private=True)]
        else:
            servers = list(await self.gate.enter_where_allowed(interaction, Action.MANAGE, self.control.servers()))

        async def page(number: int, words: Words, who: Person) -> Page:
            managed = await self.gate.access.visible(who, Action.MANAGE, self.control.servers())
            server_ids = {each.id for each in (managed if server is None else servers)}
            whole = server is None and await self._manages_all(who)
            limits = [limit for limit in self._kept.watch.limits if _counts(limit, server_ids, whole=whole)]
            shown = [self._shown(limit, words, server_ids) for limit in limits[number * A_PAGE :][:A_PAGE]]
            return Page(limits_embed(shown, len(limits), words), more=(number + 1) * A_PAGE < len(limits))

        manages_all = server is None and await self._manages_all(attempt_of(interaction).who)
        action_on = None if manages_all else servers[0].id
        await self._pages.show(interaction, page, action=Action.MANAGE, server_id=action_on)

    @remove.autocomplete("limit")
    async def complete_limit(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        """Offer the limits that this person may take back."""
        words, typed = catalogue(interaction.locale.value), current.casefold()
        offered = []
        for limit in self._kept.watch.limits:
            decision = await self.gate.access.decide(attempt_of(interaction).who, Action.MANAGE, limit.server_id)
            name = f"{limit.id} · {self._name(limit, words)} · {bound(limit, words)}"
            if decision.denial is None and typed in name.casefold():
                shown = attempt_of(interaction).redaction.text(name)
                offered.append(Choice(name=cut(shown, CHOICE_NAME), value=str(limit.id)))
        return offered[:CHOICES]

    async def _managed(self, interaction: discord.Interaction, typed: str | None) -> str | None:
        """Let in whoever may manage the server, or else all of them, and give the server's id."""
        if typed is not None:
            return (await self.meant(interaction, Action.MANAGE, typed)).id
        await self.gate.enter(interaction, Action.MANAGE, None)
        return None

    async def _manages_all(self, who: Person) -> bool:
        decision = await self.gate.access.decide(who, Action.MANAGE, None)
        return decision.denial is None

    def _find(self, typed: str) -> Limit | None:
        number = typed.strip().removeprefix("#")
        return next((limit for limit in self._kept.watch.limits if str(limit.id) == number), None)

    def _name(self, limit: Limit, words: Words) -> str:
        return where(limit, self._server_name(limit.server_id or ""), words)

    def _server_name(self, server_id: str) -> str:
        try:
            return self.control.server(server_id).spec.name or server_id
        except UnknownServer:
            return server_id

    def _shown(self, limit: Limit, words: Words, server_ids: set[str] | None = None) -> Shown:
        """A limit and how it stands, on these servers or on all that it holds for."""
        held = {held.target: held for held in self._kept.watch.held(limit)}
        targets: Sequence[str] = list(held)
        if limit.measure.of is Of.SERVER:
            ids = [server.id for server in self.control.servers()] if limit.server_id is None else [limit.server_id]
            targets = [server_id for server_id in ids if server_ids is None or server_id in server_ids]
        return Shown(
            limit,
            self._name(limit, words),
            [(target, self._server_name(target), self._value(limit, target), held.get(target)) for target in targets],
        )

    def _value(self, limit: Limit, target: str) -> float | None:
        """What is measured now."""
        if limit.measure.of is not Of.SERVER:
            return next((held.value for held in self._kept.watch.held(limit) if held.target == target), None)
        server = find(self.control.servers(), target)
        latest = server.latest if server is not None else None
        return None if latest is None else BY_KEY[limit.measure_key].read(latest)


def _counts(limit: Limit, server_ids: set[str], *, whole: bool) -> bool:
    """Whether a limit counts on any of these servers; the machine's own are for whoever manages it whole."""
    if limit.server_id is not None:
        return limit.server_id in server_ids
    return whole or limit.measure.of is Of.SERVER
