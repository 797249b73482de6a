"""Where alerts go: which events, to which channel or webhook. What opens a webhook is kept apart and never shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.alerting import ESCALATION, ROUTE, Filter
from monitor.errors import UnknownServer
from monitor.events import Severity
from storage.database import Database
from storage.transaction import Row, Transaction


class RouteKind(StrEnum):
    CHANNEL = "channel"
    DISCORD = "discord"
    """A webhook of Discord's."""
    JSON = "json"
    """Any other address that takes JSON."""


@dataclass(frozen=True, slots=True)
class Route:
    """One way that alerts take."""

    guild_id: int
    """The guild that it was made in."""
    kind: RouteKind
    filter: Filter = field(default_factory=Filter)
    channel_id: int | None = None
    """Of a channel."""
    label: str = ""
    """Of a webhook: as much of its address as may be shown."""
    mention_role_id: int | None = None
    mention_after_min: int | None = None
    """Call the role only when nobody has acknowledged it after so many minutes; `None`: at once."""
    fallback_id: int | None = None
    """The route that is taken where this one is gone."""
    id: int = 0
    """Given when it is added."""

    @property
    def destination(self) -> str:
        return f"{ROUTE}:{self.id}"

    @property
    def escalation(self) -> str:
        """The destination of a call for help; it keeps no alert waiting."""
        return f"{ESCALATION}:{self.id}"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What opens a webhook."""

    url: str = field(repr=False)
    signing: str = field(default="", repr=False)
    """Signs what is sent; only of a JSON webhook."""


@dataclass(frozen=True, slots=True)
class Record:
    """What became of all that was to go one way."""

    delivered: int = 0
    waiting: int = 0
    attempts: int = 0
    """Of the alert that is being tried, how often that failed."""
    last_success_ms: int | None = None
    last_error: str | None = None
    """Of the latest alert that had one."""


_COLUMNS = """
    r.id, r.guild_id, r.kind, s.id, r.kinds, r.min_severity, r.channel_id, r.label,
    r.mention_role_id, r.mention_after_min, r.fallback_id
"""
ALL = f"""
    SELECT {_COLUMNS} FROM routes AS r LEFT JOIN servers AS s ON s.no = r.server_no
    WHERE r.removed_ms IS NULL ORDER BY r.id
"""  # noqa: S608  # the columns are ours
_ADD = """
    INSERT INTO routes (guild_id, kind, channel_id, label, server_no, kinds, min_severity,
        mention_role_id, mention_after_min, fallback_id)
    VALUES (:guild_id, :kind, :channel_id, :label, (SELECT no FROM servers WHERE id = :server_id), :kinds,
        :min_severity, :mention_role_id, :mention_after_min, :fallback_id)
    RETURNING id, server_no
"""
_KEEP = "INSERT INTO route_secrets (route_id, key, value) VALUES (?, ?, ?)"
_REMOVE = """
    UPDATE routes SET removed_ms = ? WHERE id = ? AND guild_id = ? AND removed_ms IS NULL RETURNING id
"""
_SECRETS = "SELECT route_id, key, value FROM route_secrets ORDER BY route_id"
_RECORDS = """
    SELECT destination, count(delivered_ms), sum(delivered_ms IS NULL AND buried_ms IS NULL),
        max(CASE WHEN delivered_ms IS NULL AND buried_ms IS NULL THEN attempts ELSE 0 END), max(delivered_ms),
        (SELECT last_error FROM outbox AS o WHERE o.destination = outbox.destination AND last_error IS NOT NULL
            ORDER BY id DESC LIMIT 1)
    FROM outbox GROUP BY destination
"""


class Routes:
    """The routes of all guilds. Each change is on the disk when its call returns."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, route: Route, secrets: Secrets | None = None) -> int:
        """Begin to send that way, and give the route's id.

        Raises:
            UnknownServer: no server has the id in its filter.
        """
        async with self._db.transaction(durable=True) as tx:
            route_id = await _insert(tx, route)
            for key, value in _as_rows(secrets):
                await tx.execute(_KEEP, (route_id, key, value))
        return route_id

    async def remove(self, guild_id: int, route_id: int, at_ms: int) -> bool:
        """Send nothing that way any more, and forget what opened it. `False`: the guild has no such route."""
        async with self._db.transaction(durable=True) as tx:
            if await tx.fetch_one(_REMOVE, (at_ms, route_id, guild_id)) is None:
                return False
            await tx.execute("DELETE FROM route_secrets WHERE route_id = ?", (route_id,))
            return True

    async def all(self) -> tuple[Route, ...]:
        """Every route that is in use, the oldest first."""
        return routes_of(await self._db.fetch_all(ALL))

    async def secrets(self) -> Mapping[int, Secrets]:
        """What opens each webhook, by the id of its route."""
        found: dict[int, dict[str, str]] = {}
        for route_id, key, value in await self._db.fetch_all(_SECRETS):
            found.setdefault(route_id, {})[key] = value
        return {route_id: Secrets(kept["url"], kept.get("secret", "")) for route_id, kept in found.items()}

    async def records(self) -> Mapping[str, Record]:
        """What became of what was sent, by destination."""
        return {row[0]: Record(*row[1:]) for row in await self._db.fetch_all(_RECORDS)}


def routes_of(rows: Iterable[Row]) -> tuple[Route, ...]:
    """Read the rows of `ALL`."""
    return tuple(_route(row) for row in rows)


async def _insert(tx: Transaction, route: Route) -> int:
    server_id = route.filter.server_id
    told = {
        "guild_id": route.guild_id,
        "kind": route.kind.value,
        "channel_id": route.channel_id,
        "label": route.label,
        "server_id": server_id,
        "kinds": " ".join(sorted(route.filter.kinds)),
        "min_severity": route.filter.min_severity.value,
        "mention_role_id": route.mention_role_id,
        "mention_after_min": route.mention_after_min,
        "fallback_id": route.fallback_id,
    }
    row = await tx.fetch_one(_ADD, told)
    if row is None or (server_id is not None and row[1] is None):
        raise UnknownServer(server_id or "")
    route_id: int = row[0]
    return route_id


def _as_rows(secrets: Secrets | None) -> Sequence[tuple[str, str]]:
    if secrets is None:
        return []
    return [("url", secrets.url), *([("secret", secrets.signing)] if secrets.signing else [])]


def _route(row: Row) -> Route:
    route_id, guild_id, kind, server_id, kinds, severity, channel_id, label, role_id, after_min, fallback_id = row
    return Route(
        guild_id=guild_id,
        kind=RouteKind(kind),
        filter=Filter(server_id, frozenset(kinds.split()), Severity(severity)),
        channel_id=channel_id,
        label=label,
        mention_role_id=role_id,
        mention_after_min=after_min,
        fallback_id=fallback_id,
        id=route_id,
    )
