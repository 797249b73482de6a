"""What is done about limits from time to time: drives are read, trends followed, servers restarted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from monitor.errors import GamekeeperError, UnknownServer
from monitor.limit_events import LimitRestart
from monitor.limit_watch import Held, LimitWatch
from monitor.limits import (
    DISK_FREE,
    DISK_FREE_PCT,
    HOST_CPU,
    HOST_MEMORY,
    LIMIT,
    Of,
    Outlook,
    RestartCause,
    Side,
    hours_left,
    outlook,
    restart_cause,
)
from monitor.metrics import BY_KEY
from monitor.model import Actor, ActorKind, HostReading, Server, State
from monitor.ports import Clock, Control
from monitor.pressure import used_share

LOOK_EVERY_S = 10.0
DRIVES_EVERY_S = 60.0
TRENDS_EVERY_S = 600.0
TREND_S = 6 * 3600
COOLDOWN_S = 1800.0
"""No server is restarted for a limit sooner after it was the last time; and once for each crossing."""
STALE_S = 60.0
"""After that, what was decided is not what would be decided."""
HOUR_S = 3600
HOUR_MIN = 60

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Drive:
    """How full a drive is."""

    name: str
    """Where it begins: "/", "D:\\"."""
    free_bytes: int
    """To be had by programs like ours."""
    total_bytes: int

    @property
    def measures(self) -> dict[str, float]:
        """By the keys of their measures."""
        share = {DISK_FREE_PCT.key: 100 * self.free_bytes / self.total_bytes} if self.total_bytes > 0 else {}
        return {DISK_FREE.key: float(self.free_bytes)} | share


ReadDrives = Callable[[Iterable[Path]], Mapping[Path, Drive]]
"""Blocking. A folder whose drive cannot be read is left out."""


class HostSource(Protocol):
    """What the machine was last like; the sampler reads it every few seconds."""

    @property
    def host(self) -> HostReading | None: ...


class Growth(Protocol):
    """What is known of trends. Each call may raise `StorageError`."""

    async def memory_growth(self, server_id: str, since_ms: int, until_ms: int) -> float | None:
        """How fast its memory grows while it runs, in bytes an hour; `None` where too little is known."""
        ...


@dataclass(slots=True, eq=False)
class LimitRounds:
    """The tasks beside a `LimitWatch`."""

    watch: LimitWatch
    control: Control
    machine: HostSource
    growth: Growth
    read_drives: ReadDrives
    own_folder: Path
    """The bot's own drive is watched as well."""
    clock: Clock
    _host: HostReading | None = None
    _broken: set[str] = field(default_factory=set)
    _restarts: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Go round until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._for_ever("limit restarts", self.look, LOOK_EVERY_S))
                tasks.create_task(self._for_ever("drives", self.look_at_drives, DRIVES_EVERY_S))
                tasks.create_task(self._for_ever("trends", self.look_ahead, TRENDS_EVERY_S))
        finally:
            for restart in self._restarts:
                restart.cancel()
            await asyncio.gather(*self._restarts, return_exceptions=True)

    async def look(self) -> None:
        """Judge the machine if it was read since, and restart what is to be restarted."""
        host = self.machine.host
        if host is not None and host is not self._host:
            self._host = host
            share = used_share(host)
            memory = {} if share is None else {HOST_MEMORY.key: 100 * share}
            self.watch.measured("", {HOST_CPU.key: host.cpu_pct} | memory)
        for held in self.watch.held():
            cause = self._cause(held)
            if cause is not None:
                self._restart(held, cause)

    async def look_at_drives(self) -> None:
        """Judge every drive that a server or the bot is on."""
        if not any(limit.measure.of is Of.DISK for limit in self.watch.limits):
            return
        folders = {server.id: server.spec.cwd for server in self.control.servers()}
        drives = await asyncio.to_thread(self.read_drives, {*folders.values(), self.own_folder})
        for drive in {drive.name: drive for drive in drives.values()}.values():
            self.watch.measured(drive.name, drive.measures)
        for server_id, folder in folders.items():
            if folder in drives:
                self.watch.measured(server_id, drives[folder].measures, server_id)

    async def look_ahead(self) -> None:
        """Foretell when a server's memory is going to cross a limit, or take that back."""
        limits = [limit for limit in self.watch.limits if limit.measure_key == "memory" and limit.side is Side.ABOVE]
        for server in self.control.servers():
            theirs = [limit for limit in limits if limit.server_id in (None, server.id)]
            if theirs and server.started_ms is not None and server.latest is not None:
                growth = await self._growth(server.id, server.started_ms)
                for limit in theirs:
                    self._foretell(self.watch.hold(limit, server.id), server, growth)

    async def _growth(self, server_id: str, started_ms: int) -> float | None:
        """Of this life of the server alone: the one before is no trend of it."""
        now_ms = self.clock.now_ms()
        since_ms = max(started_ms, now_ms - TREND_S * 1000)
        return await self.growth.memory_growth(server_id, since_ms, now_ms) if since_ms < now_ms else None

    def _foretell(self, held: Held, server: Server, growth_per_h: float | None) -> None:
        if held.position.crossed:
            return
        if held.foreseen_ms is not None and (server.started_ms or 0) > held.foreseen_ms:
            self.watch.lift(held, restarted=True)
            return
        value = server.latest.rss_bytes if server.latest is not None else None
        if value is None or growth_per_h is None or held.limit.crossed_by(value):
            return
        left_h = hours_left(held.limit, value, growth_per_h)
        change = outlook(left_h, foreseen=held.foreseen_ms is not None)
        if change is Outlook.FORESEEN:
            self.watch.foresee(held, value, growth_per_h, left_h * HOUR_S)
        elif change is Outlook.LIFTED:
            self.watch.lift(held, restarted=False)

    def _cause(self, held: Held) -> RestartCause | None:
        """Say why the server of a limit is to be restarted now."""
        rule = held.limit.restart
        if rule is None or not held.position.crossed or held.restarted or self._cooling_down(held.server_id):
            return None
        try:
            server = self.control.server(held.server_id)
        except UnknownServer:
            return None
        if server.state not in (State.RUNNING, State.UNRESPONSIVE) or server.planned is not None:
            return None
        return restart_cause(
            held.limit,
            value=BY_KEY[held.limit.measure_key].read(server.latest) if server.latest is not None else None,
            players=server.players.online if server.players is not None else None,
            waited_s=self.clock.monotonic() - held.crossed_s,
            minute=self._minute(rule.hours.zone) if rule.hours is not None else 0,
        )

    def _cooling_down(self, server_id: str) -> bool:
        now_s = self.clock.monotonic()
        return any(
            held.restarted_s is not None and now_s - held.restarted_s < COOLDOWN_S
            for held in self.watch.held()
            if held.server_id == server_id
        )

    def _minute(self, zone: str) -> int:
        now = datetime.fromtimestamp(self.clock.now_ms() / 1000, ZoneInfo(zone))
        return now.hour * HOUR_MIN + now.minute

    def _restart(self, held: Held, cause: RestartCause) -> None:
        """Begin a restart: it is written down first, so that no bot does it twice for one crossing."""
        held.restarted, held.restarted_s = True, self.clock.monotonic()
        task = asyncio.create_task(self._carry_out(held, cause), name=f"limit {held.limit.id}")
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _carry_out(self, held: Held, cause: RestartCause) -> None:
        limit = held.limit
        event = LimitRestart(
            server_id=held.server_id, at_ms=self.clock.now_ms(), limit=limit, target=held.target, cause=cause
        )
        decided_s = self.clock.monotonic()
        await self.watch.tell(event)
        if self.clock.monotonic() - decided_s > STALE_S:
            # It could not be written down for so long that somebody may be on by now: that is decided anew.
            held.restarted, held.restarted_s = False, None
            return
        by = Actor(ActorKind.POLICY, f"{LIMIT}:{limit.id}", f"limit {limit.id}")
        try:
            await self.control.restart(held.server_id, by, reason=f"{limit.measure.label} limit")
        except GamekeeperError as refusal:
            log.warning("limit_restart_refused", server=held.server_id, limit=limit.id, refusal=repr(refusal))
            # It goes on as before; after the pause it is tried again.
            held.restarted = False

    async def _for_ever(self, name: str, step: Callable[[], Awaitable[None]], every_s: float) -> None:
        """Take a step again and again. One that fails is logged once, and once more when it is well again."""
        while True:
            try:
                await step()
            except Exception:
                if name not in self._broken:
                    log.exception("limits_not_looked_after", of=name)
                self._broken.add(name)
            else:
                if name in self._broken:
                    log.info("limits_looked_after_again", of=name)
                self._broken.discard(name)
            await self.clock.sleep(every_s)
