"""Who is on which server, and since when: what one look at the fleet after another adds up to.

Somebody joining or leaving is no event. A stay is the record of both, so an event would say the same again, and a
busy server has one every few seconds: each would be a write that waits for the disk, and together they would bury the
few events that matter.

A look knows who is on only as far as the game tells. A game that gives no answer says nothing of anybody; a list that
is shorter than the count, as Minecraft's status gives it, says nothing of those who are not on it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol

import structlog

from monitor.model import Players, Server, State
from monitor.ports import Clock

LONGEST_NAME = 64
MOST_NAMES = 1_000
"""What a game tells beyond these is not to be believed, nor to be kept."""

_SEEN_WRITTEN_EVERY_S = 60.0
_MOST_UNWRITTEN = 10_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stay:
    """One player's time on a server, without a break."""

    server_id: str
    run_id: int
    """The life of the server in which it was: a stay never outlasts that."""
    name: str
    """As the game tells it; made by the player."""
    since_ms: int
    """When they were first seen, UTC epoch milliseconds."""
    seen_ms: int
    """When they were last seen; once the stay is over, its end."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What a look found of the stays on one server."""

    still: tuple[Stay, ...] = ()
    over: tuple[Stay, ...] = ()


def look(before: Iterable[Stay], server: Server, at_ms: int) -> Presence:
    """Say who is on now, those who came included, and whose stay is over, by who was on at the look before."""
    stays = tuple(before)
    still = tuple(stay for stay in stays if stay.run_id == server.run_id)
    over = tuple(stay for stay in stays if stay.run_id != server.run_id)
    if server.run_id is None or server.players is None or server.state is not State.RUNNING:
        return Presence(still, over)
    names = _names(server.players)
    known = {stay.name: stay for stay in still}
    listed = tuple(
        _seen(known.get(name) or Stay(server.id, server.run_id, name, at_ms, at_ms), at_ms) for name in names
    )
    unlisted = sorted((stay for stay in still if stay.name not in names), key=lambda stay: -stay.seen_ms)
    # Those on the list are on; of the rest, as many as the count has room for, the last seen first.
    room = max(0, server.players.online - len(listed))
    return Presence(listed + tuple(unlisted[:room]), over + tuple(unlisted[room:]))


def _names(players: Players) -> dict[str, None]:
    clipped = (name.strip()[:LONGEST_NAME] for name in islice(players.names, MOST_NAMES))
    return dict.fromkeys(name for name in clipped if name)


def _seen(stay: Stay, at_ms: int) -> Stay:
    """The clock may have been set back: a stay never ends before it began."""
    return replace(stay, seen_ms=max(at_ms, stay.since_ms))


class Looked(Protocol):
    """What attendance needs of a fleet."""

    def servers(self) -> Sequence[Server]: ...


class StayLog(Protocol):
    """Where stays are kept. Each call may raise `StorageError`."""

    async def on(self) -> Sequence[Stay]:
        """The stays that go on, as they were last written."""
        ...

    async def write(self, still: Sequence[Stay], over: Sequence[Stay]) -> None:
        """Write all that go on and some that are over; to write one again does no harm."""
        ...


@dataclass(slots=True)
class Attendance:
    """The task that looks. Stays go on over a restart of the bot; whoever left meanwhile was last seen before it."""

    fleet: Looked
    stays: StayLog
    clock: Clock
    interval_s: float
    _still: tuple[Stay, ...] | None = None
    _over: list[Stay] = field(default_factory=list)
    _write_at_s: float = 0.0
    _broken: bool = False

    async def run(self) -> None:
        """Look until cancelled, and then write down when everybody was last seen.

        While the disk refuses it is logged once, and once more when that is over.
        """
        try:
            while True:
                await self._guarded(self.tick)
                await self.clock.sleep(self.interval_s)
        finally:
            if self._still is not None:
                await self._guarded(self._write)

    async def tick(self) -> None:
        """Look once. Who came or went is written at once, when the others were last seen once a minute.

        Raises:
            StorageError: nothing is lost by it; the next tick tries again.
        """
        if self._still is None:
            self._still = tuple(await self.stays.on())
        if self._look(self._still) or self._over or self.clock.monotonic() >= self._write_at_s:
            await self._write()

    def _look(self, before: tuple[Stay, ...]) -> bool:
        """Whether anybody came or went."""
        at_ms = self.clock.now_ms()
        servers = {server.id: server for server in self.fleet.servers()}
        found = [
            look((stay for stay in before if stay.server_id == server.id), server, at_ms)
            for server in servers.values()
        ]
        removed = [stay for stay in before if stay.server_id not in servers]
        self._still = tuple(stay for presence in found for stay in presence.still)
        self._over += [*removed, *(stay for presence in found for stay in presence.over)]
        del self._over[:-_MOST_UNWRITTEN]
        return {_key(stay) for stay in self._still} != {_key(stay) for stay in before}

    async def _write(self) -> None:
        # At once again, should this fail.
        self._write_at_s = self.clock.monotonic()
        over = tuple(self._over)
        await self.stays.write(self._still or (), over)
        del self._over[: len(over)]
        self._write_at_s = self.clock.monotonic() + _SEEN_WRITTEN_EVERY_S

    async def _guarded(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except Exception:
            if not self._broken:
                log.exception("attendance_not_written")
            self._broken = True
        else:
            if self._broken:
                log.info("attendance_written_again")
            self._broken = False


def _key(stay: Stay) -> tuple[int, str, int]:
    return stay.run_id, stay.name, stay.since_ms
