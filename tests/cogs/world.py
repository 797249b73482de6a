"""Our real client, cogs, fleet and storage, in a Discord played by simcord and on a machine played by `House`.

Everything that the bot does by itself (fleet, delivery, painter) is started before simcord attaches the client, so
that simcord does not take it for a callback that never ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import simcord
from simcord.actors import _dispatch_actor_interaction
from simcord.enums import InteractionType
from simcord.interactions import nest_options, resolve_handle, store_interaction_attachment, walk_to_subcommand

from bot.alerting import AlertStores, alerts_cog, delivery
from bot.client import GamekeeperClient
from bot.limiting import Limiting
from bot.roster import RosterStores, roster_side
from bot.surface import Surface, surface
from cogs.access import Access
from cogs.access_cog import AccessCog
from cogs.audit import AuditCog
from cogs.chart import ChartCog
from cogs.confirm import Confirmations
from cogs.console import ConsoleCog
from cogs.control import ControlCog
from cogs.delivery import Delivery
from cogs.export import ExportCog
from cogs.gate import Gate
from cogs.locale.catalogue import catalogue
from cogs.pages import Pages
from cogs.pictures import Pictures
from cogs.ratelimit import Limits
from cogs.status import StatusCog
from monitor.changes import secrets_in
from monitor.fleet import Fleet
from monitor.limit_watch import LimitWatch
from monitor.redaction import Redaction
from monitor.spec import ServerSpec
from monitor.surroundings import Surroundings
from storage.audit import Audit
from storage.database import Database
from storage.exports import Exports
from storage.grants import Action, Grant, Grants, PrincipalKind
from storage.journal import Journal
from storage.outbox import Outbox
from storage.panels import Panels
from storage.samples import SampleBuffer
from storage.servers import Servers
from storage.settings import StoredSettings
from tests.cogs.painters import RecordingPainter, SketchPainter
from tests.fakes.clock import FakeClock
from tests.fakes.house import House, spec_of
from tests.fakes.rest import Rest
from tests.fakes.waiting import PATIENCE_S, until

__all__ = ["until"]

GUILD_ID = 400_000_000_000_000_000
OTHER_GUILD_ID = 500_000_000_000_000_000
ALPHA, BETA = spec_of("alpha", name="Alpha World"), spec_of("beta", name="Beta World")

Person = simcord.MemberActor | simcord.UserHandle
CHANNEL = 7
WHO = (6, CHANNEL, 9)
FILE = 11
"""The types of an option that takes a person, or a person or a role."""


class BriskEnv(simcord.Env):
    """Looks more often whether the bot has come to rest."""

    async def _settle_internal(self, **options: Any) -> None:
        await super()._settle_internal(**({"idle": 0.005} | options))


@dataclass(frozen=True, slots=True)
class People:
    """Who there is in the guild, and one who is in the other guild alone."""

    owner: simcord.MemberActor
    admin: simcord.MemberActor
    """Has the role that is granted everything."""
    viewer: simcord.MemberActor
    """May see the first server, and nothing else."""
    stranger: simcord.MemberActor
    """Has no grant."""
    abroad: simcord.MemberActor
    """The owner, in another guild."""


@dataclass(frozen=True, slots=True)
class Places:
    """Two guilds."""

    guild: simcord.GuildHandle
    role: simcord.RoleHandle
    channel: simcord.ChannelHandle
    alerts: simcord.ChannelHandle
    abroad: simcord.ChannelHandle
    """A channel of the other guild."""


def _populated(env: simcord.Env) -> tuple[Places, People]:
    # Somebody may be quicker than the bot leaves: here it never manages to.
    env.inject_error("DELETE", "/users/@me/guilds/*", times=None)
    guild, other = env.create_guild("home", id=GUILD_ID), env.create_guild("elsewhere", id=OTHER_GUILD_ID)
    role, owner = guild.create_role("admins"), env.create_user("owner")
    alerts, general = guild.create_text_channel("alerts"), guild.create_text_channel("general")
    people = People(
        guild.add_member(owner),
        guild.add_member(env.create_user("admin"), roles=[role]),
        guild.add_member(env.create_user("viewer")),
        guild.add_member(env.create_user("stranger")),
        other.add_member(owner),
    )
    return Places(guild, role, general, alerts, other.create_text_channel("general")), people


@dataclass(eq=False)
class World:
    env: simcord.Env
    client: GamekeeperClient
    house: House
    fleet: Fleet
    db: Database
    journal: Journal
    stores: AlertStores
    samples: SampleBuffer
    access: Access
    gate: Gate
    audit: Audit
    delivery: Delivery
    painter: RecordingPainter
    places: Places
    people: People
    watch: LimitWatch
    surface: Surface
    _changes: dict[str, Any] = field(default_factory=dict)

    @property
    def clock(self) -> FakeClock:
        return self.house.clock

    @property
    def outbox(self) -> Outbox:
        return self.stores.outbox

    @property
    def guild(self) -> simcord.GuildHandle:
        return self.places.guild

    @property
    def channel(self) -> simcord.ChannelHandle:
        return self.places.channel

    @property
    def alerts(self) -> simcord.ChannelHandle:
        return self.places.alerts

    async def rest(self) -> None:
        """Let the bot do all that it can do before time passes, but for drawing."""
        await self.clock.rest()

    async def slash(
        self, who: simcord.MemberActor, name: str, /, *, locale: str = "en-US", **options: Any
    ) -> simcord.InteractionResult:
        """Type a command, as Discord's own client allows it."""
        with self.carrying(locale=locale):
            return await who.slash(self.channel, name, **options)

    async def forge(
        self,
        who: Person,
        channel: simcord.ChannelHandle,
        name: str,
        options: Mapping[str, Any],
        *,
        focused: str | None = None,
        **changes: Any,
    ) -> simcord.InteractionResult:
        """Send a command that Discord's client would not have offered, or, with `focused`, ask for its completion.

        For an option that takes a person or a channel, give which of `People` or `Places` it is, by name; for one
        that takes a file, what is in it.
        """
        find, (root_name, *below) = self.env.backend.find_command, name.split()
        root = find(root_name, GUILD_ID, type=1) or find(root_name, OTHER_GUILD_ID, type=1)
        assert root is not None
        leaf, nesting = walk_to_subcommand(root, below)
        kinds = {option["name"]: option["type"] for option in leaf.get("options") or ()}
        resolved: dict[str, dict[str, Any]] = {}
        given = []
        for key, value in options.items():
            option = {"name": key, "type": kinds.get(key, 3), "value": value}
            if option["type"] == FILE:
                option["value"] = store_interaction_attachment(
                    self.env.backend, channel.id, f"{key}.toml", str(value).encode(), resolved
                )
            elif option["type"] in WHO:
                meant = getattr(self.places if option["type"] == CHANNEL else self.people, value)
                resolve_handle(self.people.owner, meant, resolved, channel_id=self.channel.id)
                option["value"] = str(meant.id)
            given.append(option | {"focused": True} if key == focused else option)
        data = {"id": root["id"], "name": root_name, "type": 1, "options": nest_options(root, nesting, given)}
        kind = InteractionType.APPLICATION_COMMAND_AUTOCOMPLETE if focused else InteractionType.APPLICATION_COMMAND
        with self.carrying(**changes):
            return await _dispatch_actor_interaction(who, kind, channel, data | {"resolved": resolved})

    async def complete(
        self, who: simcord.MemberActor, name: str, typed: str, option: str = "server", *, locale: str = "en-US"
    ) -> list[str]:
        """Give the values that are offered for what was typed."""
        with self.carrying(locale=locale):
            return [choice["value"] for choice in await who.autocomplete(self.channel, name, option, typed)]

    @contextmanager
    def carrying(self, **changes: Any) -> Iterator[None]:
        """Have each interaction arrive with other fields than simcord's own."""
        self._changes = changes
        try:
            yield
        finally:
            self._changes = {}

    def rewrite(self) -> None:
        """Put `carrying` between simcord and the client."""
        emit = self.env.backend.emit

        def emit_changed(event: str, payload: Any) -> None:
            if event == "INTERACTION_CREATE":
                # Discord always says by whom the app was put there; simcord leaves that out.
                owners = {"0": payload.get("guild_id", "0")}
                payload = payload | {"authorizing_integration_owners": owners} | self._changes
            emit(event, payload)

        setattr(self.env.backend, "emit", emit_changed)  # noqa: B010 - a method, to mypy

    async def grant(self, action: Action, server_id: str | None = None, *, user_id: int | None = None) -> None:
        """Grant it to the role that only the admin has, or to somebody by themselves."""
        kind = PrincipalKind.ROLE if user_id is None else PrincipalKind.USER
        await self.access.grant(Grant(self.guild.id, kind, user_id or self.places.role.id, action, server_id))

    def sent(self, method: str, path: str) -> list[dict[str, Any]]:
        """Give the bodies of what the bot sent to paths that contain `path`, in order."""
        return [r.json or {} for r in self.env.http_requests if r.method == method and path in r.path]

    def edits(self) -> list[str]:
        """Give what the reply to a deferred command said, one after the other."""
        return [body["content"] or "" for body in self.sent("PATCH", "/messages/@original")]


@asynccontextmanager
async def world(
    folder: Path,
    specs: Sequence[ServerSpec] = (ALPHA, BETA),
    *,
    guild_ids: Sequence[int] = (),
    painter: RecordingPainter | None = None,
    to_alerts: bool = True,
    granted: bool = True,
    outbox: Callable[[Database], Outbox] = Outbox,
    roots: Sequence[Path] = (),
) -> AsyncIterator[World]:
    """Let everything run, with two servers that are down.

    Args:
        folder: where the database goes.
        specs: the servers.
        guild_ids: as in `DISCORD_GUILD_IDS`.
        painter: one that draws; a sketch if left out.
        to_alerts: whether a channel is set for alerts.
        granted: whether the role and the viewer hold what `People` says.
        outbox: makes the one that alerts wait in.
        roots: as in `GAMEKEEPER_ALLOWED_ROOTS`.
    """
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(await Database.open(folder / "gamekeeper.db"))
        await Servers(db).save(specs)
        client = GamekeeperClient(guild_ids)
        env = BriskEnv(client, settle_timeout=PATIENCE_S)
        places, people = _populated(env)
        house, journal, painter = House(), Journal(db), painter or SketchPainter()
        house.clock.rest = rest = Rest()
        rest.with_database(db)
        stack.enter_context(rest.with_threads())
        fleet, samples, stores = _fleet(specs, house, journal), SampleBuffer(db, house.clock), AlertStores.over(db)
        stores = replace(stores, outbox=outbox(db))
        access = Access(Grants(db), owner_ids=[people.owner.id], guild_ids=guild_ids)
        audit, redaction = Audit(db), Redaction(secret for spec in specs for secret in secrets_in(spec))
        gate = Gate(access, audit, house.clock, redaction, Limits(house.clock))
        confirmations, pages = Confirmations(gate, house.clock), Pages(gate)
        pictures = Pictures(samples, journal, painter, "UTC", 5.0, redaction)
        channel_id = places.alerts.id if to_alerts else None
        deliver = delivery(
            stores,
            client,
            fleet,
            pictures,
            channel_id=channel_id,
            owner_ids=[people.owner.id],
            bus=house.bus,
            clock=house.clock,
            redaction=redaction,
            words=catalogue("en"),
        )
        deliver.chance = lambda: 0.0
        limiting = Limiting.over(
            db, samples, journal, house.bus, house.clock, zone="Asia/Seoul", sample_interval_s=5.0
        )
        side = roster_side(
            RosterStores(Servers(db), StoredSettings(db)),
            fleet,
            gate,
            access,
            deliver,
            confirmations=confirmations,
            pages=pages,
            clock=house.clock,
            redaction=redaction,
            adapters={"generic"},
            roots=roots,
            channel_fixed=to_alerts,
        )
        shown = surface(
            Panels(db),
            stores,
            client,
            fleet,
            gate,
            deliver=deliver,
            confirmations=confirmations,
            pictures=pictures,
            clock=house.clock,
            redaction=redaction,
            words=catalogue("en"),
        )
        client.will_have(
            [
                *side.cogs,
                shown.cog,
                StatusCog(fleet, gate, db),
                ControlCog(fleet, gate, house.clock),
                ConsoleCog(fleet, gate),
                ChartCog(fleet, gate, pictures, house.clock),
                ExportCog(fleet, gate, Exports(db, samples, folder / "exports"), house.clock),
                AccessCog(fleet, gate, confirmations, pages),
                AuditCog(fleet, gate, audit, pages, house.clock),
                limiting.cog(fleet, gate, pages),
                alerts_cog(stores, fleet, gate, deliver, clock=house.clock, redaction=redaction),
            ],
            gate,
            [confirmations, pages, *shown.verbs, *side.verbs],
        )
        home = World(
            env,
            client,
            house,
            fleet,
            db,
            journal,
            stores,
            samples,
            access,
            gate,
            audit,
            deliver,
            painter,
            places,
            people,
            limiting.watch,
            shown,
        )
        if granted:
            await home.grant(Action.ADMIN)
            for spec in specs[:1]:
                await home.grant(Action.VIEW, spec.id, user_id=people.viewer.id)
        runs = (painter.run(), deliver.run(), limiting.watch.run(), shown.board.run())
        stack.push_async_callback(_end, [asyncio.create_task(run) for run in runs])
        stack.push_async_callback(fleet.close)
        await fleet.open()
        home.rewrite()
        stack.push_async_callback(env.shutdown)
        await env.start()
        yield home
        env.raise_errors()


def _fleet(specs: Iterable[ServerSpec], house: House, journal: Journal) -> Fleet:
    return Fleet(
        specs,
        make_game=lambda spec: house.game(spec.id),
        make_log=lambda spec: house.log(spec.id),
        around=Surroundings(house.launcher, journal, house.bus, house.clock, chance=lambda: 0.5),
    )


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
