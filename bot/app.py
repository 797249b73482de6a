"""The composition root: builds storage, fleet and cogs from the settings, and starts and stops them in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog
from discord.ext import commands

from bot.alerting import alerts_cog, delivery, webhook_secrets
from bot.background import Background
from bot.client import GamekeeperClient
from bot.fleet import fleet_of, playable
from bot.limiting import Limiting
from bot.relief import relievers
from bot.roster import RosterStores, roster_side
from bot.settings import Settings
from bot.stores import Stores, keep
from bot.surface import Surface, surface
from bot.watchdog import Watchdog
from bot.workplace import RUNS, workplace
from cogs.access import Access
from cogs.access_cog import AccessCog
from cogs.audit import AuditCog
from cogs.audit_mirror import AuditMirror
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
from cogs.render.painter import Painter
from cogs.status import StatusCog
from monitor.attendance import Attendance
from monitor.bus import Bus
from monitor.changes import secrets_in
from monitor.chronicle import Chronicle
from monitor.errors import StorageError
from monitor.fleet import Fleet
from monitor.game import GameFactory
from monitor.games.own_files import outfitted
from monitor.games.registry import ADAPTERS
from monitor.local.machine import Machine, local_machine
from monitor.ports import Clock
from monitor.pressure import Pressure
from monitor.redaction import Redaction
from monitor.sampler import Sampler
from monitor.sinks import Sinks
from monitor.surroundings import Surroundings
from storage.audit import Audit
from storage.backup import Backups
from storage.caretaker import Caretaker
from storage.database import Database
from storage.journal import Journal
from storage.opening import open_database
from storage.retention import Retention
from storage.samples import SampleBuffer

DATABASE = "gamekeeper.db"
BACKUPS = "database-backups"
EXPORTS = "exports"
"""Where an export is while it is being made and sent."""

PULSE_EVERY_SAMPLES = 3
"""A game is asked who is on this much more rarely than its process is measured."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gamekeeper:
    """The bot, running; what is left to do is to connect its client."""

    client: GamekeeperClient
    fleet: Fleet
    access: Access
    delivery: Delivery
    bus: Bus
    clock: Clock
    audit_mirror: AuditMirror | None
    surface: Surface


@asynccontextmanager
async def gamekeeper(
    settings: Settings, adapters: Mapping[str, GameFactory] = ADAPTERS, *, redaction: Redaction | None = None
) -> AsyncIterator[Gamekeeper]:
    """Run everything but the connection to Discord; at the end, flush and close, and leave the games running.

    Args:
        settings: whose.
        adapters: the games it knows.
        redaction: told the secrets that the database holds, to keep them out of the log and of Discord.

    Raises:
        StorageError: the database cannot be opened.
    """
    place = await asyncio.to_thread(workplace, settings.data_dir)
    machine = local_machine(place / RUNS)
    redaction = redaction or Redaction(settings.secrets())
    async with AsyncExitStack() as stack:
        watchdog = Watchdog(machine.clock)
        stack.enter_context(watchdog.looking())
        beating = await stack.enter_async_context(Background())
        beating.start("watchdog", watchdog.run())
        backups = Backups(settings.data_dir / BACKUPS, settings.backups_kept)
        db = await open_database(settings.data_dir / DATABASE, backups, machine.clock)
        await stack.enter_async_context(db)
        stores = Stores.over(db, settings, machine.clock, place / EXPORTS)
        specs = playable(await stores.servers.all(), adapters)
        redaction.hide(secret for spec in specs for secret in secrets_in(spec))
        redaction.hide(await webhook_secrets(stores.alerts))
        bus = Bus()
        fleet = fleet_of(place, specs, adapters, _surroundings(settings, machine, stores.journal, bus, redaction))
        painter = Painter()
        limiting = _limiting(db, settings, stores, bus, machine.clock)
        bot = _discord_side(
            settings,
            stores,
            fleet,
            painter,
            limiting,
            bus=bus,
            clock=machine.clock,
            redaction=redaction,
            adapters=adapters,
        )
        stack.push_async_callback(bot.client.close)
        stack.push_async_callback(bot.surface.board.farewell)
        stack.push_async_callback(_last_flush, stores.samples)
        if settings.alert_channel_id is None and (chosen := await stores.settings.alert_channel()) is not None:
            bot.delivery.post_to(chosen)
        stack.callback(machine.probe.close)
        stack.callback(machine.launcher.close)
        background = await stack.enter_async_context(Background())
        background.start("samples", stores.samples.run())
        background.start("retention", Retention(db, machine.clock, keep(settings)).run())
        background.start("painter", painter.run())
        background.start("delivery", bot.delivery.run())
        bot.surface.start(background)
        if bot.audit_mirror is not None:
            background.start("audit mirror", bot.audit_mirror.run())
        stack.push_async_callback(fleet.close)
        await fleet.open()
        pressure = Pressure(relievers(db, stores.samples, painter))
        background.start("pressure", pressure.run())
        sampler = Sampler(
            fleet,
            machine.probe,
            Sinks((stores.samples, limiting.watch)),
            machine.clock,
            settings.sample_interval_s,
            on_host=pressure.reading,
        )
        background.start("sampler", sampler.run())
        background.start("limits", limiting.watch.run())
        background.start("limit rounds", limiting.rounds(fleet, sampler).run())
        attendance = Attendance(fleet, stores.players, machine.clock, _pulse_s(settings))
        background.start("attendance", attendance.run())
        chronicle = Chronicle(stores.journal, bus)
        caretaker = Caretaker(db, backups, machine.clock, chronicle, lambda: stores.samples.dropped)
        background.start("caretaker", caretaker.run())
        yield bot


def _surroundings(
    settings: Settings, machine: Machine, journal: Journal, bus: Bus, redaction: Redaction
) -> Surroundings:
    outfit, pulse_s = partial(outfitted, hide=redaction.hide), _pulse_s(settings)
    return Surroundings(machine.launcher, journal, bus, machine.clock, random.random, pulse_s, outfit)


def _pulse_s(settings: Settings) -> float:
    return PULSE_EVERY_SAMPLES * settings.sample_interval_s


def _discord_side(
    settings: Settings,
    stores: Stores,
    fleet: Fleet,
    painter: Painter,
    limiting: Limiting,
    *,
    bus: Bus,
    clock: Clock,
    redaction: Redaction,
    adapters: Mapping[str, GameFactory],
) -> Gamekeeper:
    pictures = Pictures(
        stores.samples, stores.journal, painter, settings.timezone.key, settings.sample_interval_s, redaction
    )
    access = Access(stores.grants, owner_ids=settings.owner_ids, guild_ids=settings.guild_ids)
    client = GamekeeperClient(settings.guild_ids)
    mirror = _audit_mirror(settings, stores.audit, client, clock, redaction)
    gate = Gate(access, mirror or stores.audit, clock, redaction, Limits(clock))
    confirmations, pages = Confirmations(gate, clock), Pages(gate)
    cogs = [
        *_cogs(fleet, gate, pictures, stores, clock),
        AccessCog(fleet, gate, confirmations, pages),
        AuditCog(fleet, gate, stores.audit, pages, clock),
        limiting.cog(fleet, gate, pages),
    ]
    deliver = delivery(
        stores.alerts,
        client,
        fleet,
        pictures,
        channel_id=settings.alert_channel_id,
        owner_ids=settings.owner_ids,
        bus=bus,
        clock=clock,
        redaction=redaction,
        words=catalogue(settings.locale),
    )
    side = roster_side(
        RosterStores(stores.servers, stores.settings),
        fleet,
        gate,
        access,
        deliver,
        confirmations=confirmations,
        pages=pages,
        clock=clock,
        redaction=redaction,
        adapters=adapters.keys(),
        roots=settings.allowed_roots,
        channel_fixed=settings.alert_channel_id is not None,
    )
    cogs.append(alerts_cog(stores.alerts, fleet, gate, deliver, clock=clock, redaction=redaction))
    shown = surface(
        stores.panels,
        stores.alerts,
        client,
        fleet,
        gate,
        deliver=deliver,
        confirmations=confirmations,
        pictures=pictures,
        clock=clock,
        redaction=redaction,
        words=catalogue(settings.locale),
    )
    client.will_have([*cogs, shown.cog, *side.cogs], gate, [confirmations, pages, *shown.verbs, *side.verbs])
    return Gamekeeper(client, fleet, access, deliver, bus, clock, mirror, shown)


def _limiting(db: Database, settings: Settings, stores: Stores, bus: Bus, clock: Clock) -> Limiting:
    zone, interval_s = settings.timezone.key, settings.sample_interval_s
    return Limiting.over(db, stores.samples, stores.journal, bus, clock, zone=zone, sample_interval_s=interval_s)


def _audit_mirror(
    settings: Settings, audit: Audit, client: GamekeeperClient, clock: Clock, redaction: Redaction
) -> AuditMirror | None:
    if settings.audit_channel_id is None:
        return None
    words = catalogue(settings.locale)
    return AuditMirror(audit, client, client.online, settings.audit_channel_id, clock, redaction, words)


def _cogs(fleet: Fleet, gate: Gate, pictures: Pictures, stores: Stores, clock: Clock) -> list[commands.Cog]:
    return [
        StatusCog(fleet, gate, stores.db),
        ControlCog(fleet, gate, clock),
        ConsoleCog(fleet, gate),
        ChartCog(fleet, gate, pictures, clock),
        ExportCog(fleet, gate, stores.exports, clock),
    ]


async def _last_flush(samples: SampleBuffer) -> None:
    try:
        await samples.flush()
    except StorageError:
        log.exception("last_flush_failed", waiting=samples.waiting)
