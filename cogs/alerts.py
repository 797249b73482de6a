"""`/alerts`: where alerts go, and when there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str

from cogs.attempt import attempt_of
from cogs.channels import WRITABLE, AnyChannel, WritableChannel
from cogs.delivery import Delivery
from cogs.gate import Gate
from cogs.locale.catalogue import Words, catalogue
from cogs.render import routes as render
from cogs.render.limits import CHOICE_NAME, CHOICES
from cogs.render.text import cut, escape
from cogs.reply import answer, defer
from cogs.routing import (
    ALERT_KINDS,
    MINUTES_AT_MOST,
    BadRoute,
    RouteFault,
    kinds_offered,
    kinds_typed,
    route_typed,
    target,
)
from cogs.server_cog import ServerCog, find
from cogs.setbacks import NotDelivered
from monitor.alerting import ALERTS, Filter
from monitor.errors import UnknownServer
from monitor.events import Severity
from monitor.ports import Clock, Control
from monitor.redaction import Redaction
from storage.grants import Action
from storage.mutes import Mute, Mutes
from storage.routes import Route, Routes

DEAD_SHOWN = 5
ADDRESS_AT_MOST = 500
SEVERITY = [Choice(name=locale_str(render.SEVERITIES[severity]), value=severity.value) for severity in Severity]


class AlertsCog(ServerCog):
    """Says where alerts go."""

    alerts = app_commands.Group(name="alerts", description=locale_str("Where alerts go"), guild_only=True)

    def __init__(
        self,
        control: Control,
        gate: Gate,
        *,
        delivery: Delivery,
        routes: Routes,
        mutes: Mutes,
        clock: Clock,
        redaction: Redaction,
    ) -> None:
        super().__init__(control, gate)
        self._delivery = delivery
        self._routes = routes
        self._mutes = mutes
        self._clock = clock
        self._redaction = redaction

    @alerts.command(name="add", description=locale_str("Send alerts to one more place"))
    @app_commands.describe(
        channel=locale_str("A channel"),
        webhook=locale_str("Or a webhook's address: Discord's, or, for owners, any that takes JSON"),
        server=locale_str("Only of this server; of all of them if left out"),
        kinds=locale_str("Only these kinds, with commas between; all if left out"),
        min_severity=locale_str("Only what matters so much"),
        mention=locale_str("A role to call"),
        mention_after=locale_str("Call it only when nobody has cared for so many minutes; at once if left out"),
        fallback=locale_str("The route that is taken when this one is gone"),
    )
    @app_commands.choices(min_severity=SEVERITY)
    @app_commands.autocomplete(server=ServerCog.may_manage)
    async def add(  # noqa: PLR0917 - each is an option
        self,
        interaction: discord.Interaction,
        channel: app_commands.Transform[AnyChannel, WritableChannel] | None = None,
        webhook: app_commands.Range[str, 1, ADDRESS_AT_MOST] | None = None,
        server: str | None = None,
        kinds: str | None = None,
        min_severity: str = Severity.INFO.value,
        mention: discord.Role | None = None,
        mention_after: app_commands.Range[int, 1, MINUTES_AT_MOST] | None = None,
        fallback: str | None = None,
    ) -> None:
        server_id = await self._managed(interaction, server)
        if channel is not None and channel.type not in WRITABLE:
            raise BadRoute(RouteFault.WORDLESS, channel.name)
        wanted = target(None if channel is None else channel.id, webhook)
        if wanted.for_owners:
            await self.gate.enter(interaction, None, server_id, private=True)
        if wanted.secrets is not None:
            self._redaction.hide([wanted.secrets.url])
        route = Route(
            guild_id=interaction.guild_id or 0,
            kind=wanted.kind,
            filter=Filter(server_id, kinds_typed(kinds), Severity(min_severity)),
            channel_id=wanted.channel_id,
            label=wanted.label,
            mention_role_id=None if mention is None else mention.id,
            mention_after_min=mention_after,
            fallback_id=None if fallback is None else (await self._meant_route(interaction, fallback)).id,
        )
        route = replace(route, id=await self._routes.add(route, wanted.secrets))
        await self._delivery.reconsider()
        signing = wanted.secrets.signing if wanted.secrets is not None else ""
        await answer(interaction, content=render.added(route, signing, _words(interaction)), ephemeral=True)
        self._redaction.hide([signing])

    @alerts.command(name="remove", description=locale_str("Send nothing that way any more"))
    @app_commands.describe(route=locale_str("Which one, by its number in the list"))
    async def remove(self, interaction: discord.Interaction, route: str) -> None:
        found = await self._meant_route(interaction, route)
        await self._routes.remove(found.guild_id, found.id, self._clock.now_ms())
        words = _words(interaction)
        text = words.text(
            "🗑️ Route #{route} is removed. What still waits for it goes elsewhere. See `{command}`.",
            route=found.id,
            command="/alerts list",
        )
        await answer(interaction, content=text, ephemeral=True)

    @alerts.command(name="list", description=locale_str("Every place that alerts go to, and what became of them"))
    @app_commands.describe(server=locale_str("Only what counts for this server; everything if left out"))
    @app_commands.autocomplete(server=ServerCog.may_manage)
    async def list_(self, interaction: discord.Interaction, server: str | None = None) -> None:
        server_id = await self._managed(interaction, server)
        routes = [route for route in await self._own(interaction) if _counts_for(route, server_id)]
        now_ms, dead = self._clock.now_ms(), await self._delivery.outbox.dead_letters(DEAD_SHOWN)
        standing = render.Standing(
            routes,
            await self._routes.records(),
            [
                mute
                for mute in await self._mutes.all(now_ms)
                if server_id is None or mute.server_id in (None, server_id)
            ],
            [letter for letter in dead if server_id is None or letter.item.event.server_id in ("", server_id)],
            self._delivery.channel_id,
        )
        embed = render.routes_embed(standing, _words(interaction))
        await answer(interaction, embed=embed, ephemeral=True)

    @alerts.command(name="test", description=locale_str("Send a test alert"))
    @app_commands.describe(route=locale_str("Which way; to the alert channel if left out"))
    async def test(self, interaction: discord.Interaction, route: str | None = None) -> None:
        destination = ALERTS
        if route is None:
            await self.gate.enter(interaction, Action.MANAGE, None, private=True)
        else:
            destination = (await self._meant_route(interaction, route)).destination
        await defer(interaction, ephemeral=True)
        words = _words(interaction)
        try:
            arrived = await self._delivery.test(destination, attempt_of(interaction).who.actor)
        except NotDelivered as failure:
            why = escape(failure.why, render.ERROR_AT_MOST)
            text = words.text(
                "⚠️ It did not arrive: {why}. Check the permissions there, or add another by `/alerts add`.", why=why
            )
        else:
            if not arrived:
                raise BadRoute(RouteFault.NO_ALERT_CHANNEL)
            text = self._arrived(await self._delivery.reconsider(), interaction)
        await answer(interaction, content=text, ephemeral=True)

    @alerts.command(
        name="mute", description=locale_str("Send no alerts for a while; they are written down all the same")
    )
    @app_commands.describe(
        minutes=locale_str("For how long; 0 ends it"),
        server=locale_str("Of this server; of all of them if left out"),
        kind=locale_str("Only this kind; all if left out"),
    )
    @app_commands.autocomplete(server=ServerCog.may_manage)
    @app_commands.choices(kind=[Choice(name=locale_str(render.KINDS[kind]), value=kind) for kind in ALERT_KINDS])
    async def mute(
        self,
        interaction: discord.Interaction,
        minutes: app_commands.Range[int, 0, MINUTES_AT_MOST],
        server: str | None = None,
        kind: str = "",
    ) -> None:
        server_id = await self._managed(interaction, server)
        words = _words(interaction)
        if not minutes:
            lifted = await self._mutes.lift(server_id, kind)
            text = words.text("🔔 Alerts are sent again.") if lifted else words.text("Nothing was silent there.")
        else:
            until_ms = self._clock.now_ms() + minutes * 60_000
            mute = Mute(server_id, kind, until_ms, attempt_of(interaction).who.actor)
            await self._mutes.add(mute)
            text = render.muted(mute, words)
        await answer(interaction, content=text, ephemeral=True)

    @add.autocomplete("kinds")
    async def complete_kinds(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        if not await self.gate.visible(interaction, Action.MANAGE, self.control.servers()):
            return []
        offered = [Choice(name=text, value=text) for text in kinds_offered(current) if len(text) <= CHOICE_NAME]
        return offered[:CHOICES]

    @add.autocomplete("fallback")
    @remove.autocomplete("route")
    @test.autocomplete("route")
    async def complete_route(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        """Offer the routes of this guild whose servers this person manages."""
        attempt = attempt_of(interaction)
        offered = []
        for route in await self._own(interaction):
            decision = await self.gate.access.decide(attempt.who, Action.MANAGE, route.filter.server_id)
            name = f"#{route.id} {_plain_place(interaction, route)}"
            if decision.denial is None and current.casefold() in name.casefold():
                offered.append(Choice(name=cut(name, CHOICE_NAME), value=str(route.id)))
        return offered[:CHOICES]

    async def _managed(self, interaction: discord.Interaction, typed: str | None) -> str | None:
        """Let whoever manages the server, or else all, in, and give the server's id.

        Raises:
            AccessDenied: they do not.
            UnknownServer: there is none.
        """
        found = None if typed is None else find(self.control.servers(), typed)
        await self.gate.enter(interaction, Action.MANAGE, typed if found is None else found.id, private=True)
        if typed is not None and found is None:
            raise UnknownServer(typed)
        return None if found is None else found.id

    async def _meant_route(self, interaction: discord.Interaction, typed: str) -> Route:
        """Give the route that was typed, once it is clear that they manage what it is about.

        Raises:
            AccessDenied: they do not; nor do they learn whether it exists.
            BadRoute: there is none.
        """
        try:
            route = await self._route(interaction, typed)
        except BadRoute:
            await self.gate.enter(interaction, Action.MANAGE, None, private=True)
            raise
        await self.gate.enter(interaction, Action.MANAGE, route.filter.server_id, private=True)
        return route

    async def _route(self, interaction: discord.Interaction, typed: str) -> Route:
        number = route_typed(typed)
        for route in await self._own(interaction):
            if route.id == number:
                return route
        raise BadRoute(RouteFault.NO_SUCH_ROUTE, typed)

    async def _own(self, interaction: discord.Interaction) -> Sequence[Route]:
        guild_id = attempt_of(interaction).who.guild_id
        return [route for route in await self._routes.all() if route.guild_id == guild_id]

    def _arrived(self, revived: int, interaction: discord.Interaction) -> str:
        words = _words(interaction)
        text = words.text("✅ It arrived. See `{command}` for what else was sent there.", command="/alerts list")
        if not revived:
            return text
        again = words.plural(
            "{n} alert that could go nowhere is tried again.",
            "{n} alerts that could go nowhere are tried again.",
            revived,
        )
        return f"{text}\n{again}"


def _words(interaction: discord.Interaction) -> Words:
    return catalogue(interaction.locale.value)


def _counts_for(route: Route, server_id: str | None) -> bool:
    return server_id is None or route.filter.server_id in (None, server_id)


def _plain_place(interaction: discord.Interaction, route: Route) -> str:
    channel = interaction.guild.get_channel(route.channel_id) if interaction.guild and route.channel_id else None
    return f"→ #{channel.name}" if channel is not None else f"→ {route.label or route.channel_id}"
