"""The delivery alone, over real HTTP to a stand-in Discord, in virtual time: events are written down by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bot.alerting import AlertStores, delivery
from bot.client import GamekeeperClient
from cogs.delivery import Delivery
from cogs.locale.catalogue import catalogue
from cogs.pictures import Pictures
from monitor.bus import Bus
from monitor.events import Event, ServerCrashed
from monitor.redaction import Redaction
from storage.database import Database
from storage.journal import Journal
from storage.samples import SampleBuffer
from storage.servers import Servers
from tests.cogs.painters import SketchPainter
from tests.fakes.clock import FakeClock
from tests.fakes.house import House, spec_of
from tests.fakes.rest import Rest
from tests.fakes.waiting import PATIENCE_S
from tests.standin.client import keep_discord_as_it_was, redirect_discord, running
from tests.standin.message import Message
from tests.standin.places import Channel, Guild, Member
from tests.standin.record import Request
from tests.standin.server import StandIn
from tests.storage.examples import CRASHED

NAMES = ("ark", "rust", "zomboid")


@dataclass(eq=False)
class Wired:
    standin: StandIn
    guild: Guild
    alerts: Channel
    owner: Member
    clock: FakeClock
    db: Database
    journal: Journal
    stores: AlertStores
    client: GamekeeperClient
    bus: Bus
    delivery: Delivery
    make: Callable[[], Delivery]
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def tell(self, event: Event) -> int:
        """Write an event down and tell the bus, as a supervisor does, and give its id."""
        event_id = await self.journal.record(event)
        self.bus.publish(event_id, event)
        return event_id

    async def crash(self, server_id: str = "ark", **changes: Any) -> int:
        return await self.tell(self.crash_event(server_id, **changes))

    def crash_event(self, server_id: str = "ark", **changes: Any) -> ServerCrashed:
        plain: dict[str, Any] = {"server_id": server_id, "at_ms": self.clock.now_ms(), "last": None}
        return replace(CRASHED, **(plain | changes))

    def posts(self, channel: Channel | None = None) -> list[Request]:
        return self.standin.calls("POST", f"/channels/{(channel or self.alerts).id}/messages")

    def edits(self, channel: Channel | None = None) -> list[Request]:
        return self.standin.calls("PATCH", f"/channels/{(channel or self.alerts).id}/messages/*")

    def posted(self, channel: Channel | None = None) -> list[Message]:
        return self.standin.messages(channel or self.alerts)

    def texts(self, channel: Channel | None = None) -> list[str]:
        """Title, description and footer of each message, without escapes."""
        return [_text(message) for message in self.posted(channel)]

    async def until(self, condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        await self.standin.wait_for(condition, timeout_s)

    async def outbox_says(self, sql: str, *values: object) -> None:
        """Wait until a row of the outbox is so, and the delivery has done what follows."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.db.fetch_one(f"SELECT 1 FROM outbox WHERE {sql}", values) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        await self.clock.rest()

    async def all_delivered(self) -> None:
        """Wait until nothing waits any more, and charts are in their messages."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.stores.outbox.backlog():  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        await self.clock.rest()

    async def drained(self, step_s: float = 20.0, timeout_s: float = PATIENCE_S) -> None:
        """Let virtual time pass until nothing waits any more."""
        async with asyncio.timeout(timeout_s):
            while await self.stores.outbox.backlog():
                await self.passes(step_s, step_s)
        await self.clock.rest()

    async def passes(self, seconds: float, step_s: float = 1.0) -> None:
        """Let virtual time pass in steps, with real time in between for what is on the wire."""
        end_s = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end_s:
            await self.clock.advance(min(step_s, end_s - self.clock.monotonic()))
            for _ in range(5):
                await asyncio.sleep(0.001)
                await self.clock.rest()

    async def live_again(self) -> None:
        """End the delivery as a kill does, and begin another one on the same database."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()
        self.start()

    def sending(self) -> bool:
        """Whether a message is being sent or changed."""
        return any(lane._poster.lock.locked() for lane in self.delivery._lanes.values())

    def start(self) -> None:
        self.delivery = self.make()
        self.tasks.append(asyncio.create_task(self.delivery.run()))


def _text(message: Message) -> str:
    parts = [message.content]
    for embed in message.embeds:
        parts += [embed.get("title", ""), embed.get("description", ""), embed.get("footer", {}).get("text", "")]
    return "\n".join(part for part in parts if part)


@asynccontextmanager
async def wired(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    to_alerts: bool = True,
    to_owner: bool = True,
    secrets: Iterable[str] = (),
) -> AsyncIterator[Wired]:
    clock = FakeClock()
    keep_discord_as_it_was(monkeypatch)
    async with (
        StandIn(clock=clock.monotonic) as standin,
        await Database.open(folder / "gamekeeper.db") as db,
    ):
        redirect_discord(standin, monkeypatch)
        clock.rest = rest = Rest()
        rest.with_database(db)
        guild = standin.guild()
        alerts, owner = guild.channel("alerts"), guild.member("owner")
        await Servers(db).save([spec_of(name) for name in NAMES])
        client = GamekeeperClient([guild.id])
        client._connection.guild_ready_timeout = 0.01
        journal, stores, house, bus = Journal(db), AlertStores.over(db), House(), Bus()
        redaction = Redaction(secrets)
        async with house.fleet(*(spec_of(name) for name in NAMES)) as fleet:
            pictures = Pictures(SampleBuffer(db, clock), journal, SketchPainter(), "UTC", 5.0, redaction)

            def make() -> Delivery:
                made = delivery(
                    stores,
                    client,
                    fleet,
                    pictures,
                    channel_id=alerts.id if to_alerts else None,
                    owner_ids=[owner.id] if to_owner else [],
                    bus=bus,
                    clock=clock,
                    redaction=redaction,
                    words=catalogue("en"),
                )
                made.chance = lambda: 0.0
                return made

            async with running(client, standin.token):
                await asyncio.wait_for(client.online.wait(), PATIENCE_S)
                home = Wired(standin, guild, alerts, owner, clock, db, journal, stores, client, bus, make(), make)
                rest.busy.append(home.sending)
                home.start()
                try:
                    yield home
                finally:
                    for task in home.tasks:
                        task.cancel()
                    await asyncio.gather(*home.tasks, return_exceptions=True)
    assert standin.schema.violations == []
