"""Finds the place behind the name of a destination."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp
import discord

from cogs.destinations import Channel, Destination, Owner
from cogs.setbacks import NotDelivered, Setback
from cogs.webhooks import DiscordWebhook, JsonWebhook
from monitor.alerting import ALERTS, next_destination, route_of
from monitor.ports import Clock
from monitor.redaction import Redaction
from storage.outbox import OutboxItem
from storage.routes import Route, RouteKind, Routes


@dataclass(frozen=True, slots=True)
class Site:
    """A place, and the route that leads there, where one does."""

    place: Destination
    route: Route | None = None


@dataclass(slots=True)
class Places:
    """All places that alerts can go to."""

    client: discord.Client
    routes: Routes
    channel_id: int | None
    """Where alerts go that no route takes; without one they wait."""
    owner_ids: Sequence[int]
    clock: Clock
    redaction: Redaction
    why_an_owner: Callable[[OutboxItem], str]

    async def find(self, destination: str, session: aiohttp.ClientSession) -> Site | None:
        """Give the place; `None`: nobody has said yet where it is.

        Raises:
            NotDelivered: GONE, of a route that was removed.
        """
        if destination == ALERTS:
            return None if self.channel_id is None else Site(Channel(self.client, self.channel_id))
        route_id = route_of(destination)
        if route_id is not None:
            return await self._route(route_id, session)
        return Site(Owner(self.client, int(destination.partition(":")[2]), self.why_an_owner))

    async def of_discords(self, destination: str) -> bool:
        """Whether Discord has to be there for it, and have taken the token."""
        route_id = route_of(destination)
        kinds = {} if route_id is None else {route.id: route.kind for route in await self.routes.all()}
        return kinds.get(route_id or 0) is not RouteKind.JSON

    async def instead_of(self, item: OutboxItem) -> str | None:
        """Where an alert goes whose destination is gone."""
        fallbacks = {route.id: route.fallback_id for route in await self.routes.all()}
        return next_destination(
            item.destination,
            item.tried,
            fallbacks,
            to_alerts=self.channel_id is not None,
            owner_ids=self.owner_ids,
        )

    async def _route(self, route_id: int, session: aiohttp.ClientSession) -> Site:
        known: Mapping[int, Route] = {route.id: route for route in await self.routes.all()}
        route = known.get(route_id)
        if route is None:
            raise NotDelivered(Setback.GONE, "the route was removed")
        return Site(await self._place(route, session), route)

    async def _place(self, route: Route, session: aiohttp.ClientSession) -> Destination:
        if route.kind is RouteKind.CHANNEL:
            return Channel(self.client, route.channel_id or 0)
        secrets = (await self.routes.secrets()).get(route.id)
        if secrets is None:
            raise NotDelivered(Setback.GONE, "the webhook's address is not known any more")
        if route.kind is RouteKind.DISCORD:
            return DiscordWebhook(session, self.client, secrets.url)
        return JsonWebhook(session, secrets, lambda: self.clock.now_ms() / 1000, self.redaction)
