"""What stands under the bot's name, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import discord
import pytest

from cogs.locale.catalogue import catalogue
from cogs.presence import EVERY_S, Presence
from monitor.model import Players, Server, State
from tests.cogs.render.samples import server
from tests.fakes.clock import FakeClock, settle


@dataclass(eq=False)
class Stage:
    """A client and a fleet of which only this much is there."""

    clock: FakeClock = field(default_factory=FakeClock)
    fleet: list[Server] = field(default_factory=list)
    sent: list[tuple[float, str | None]] = field(default_factory=list)
    fails: bool = False
    online: asyncio.Event = field(default_factory=asyncio.Event)

    def servers(self) -> Sequence[Server]:
        return self.fleet

    async def change_presence(self, *, activity: discord.CustomActivity | None) -> None:
        if self.fails:
            raise ConnectionResetError
        self.sent.append((self.clock.monotonic(), activity.name if activity is not None else None))

    @asynccontextmanager
    async def showing(self, locale: str = "en") -> AsyncIterator[Presence]:
        stage: Any = self
        presence = Presence(
            client=stage, control=stage, words=catalogue(locale), clock=self.clock, online=self.online
        )
        task = asyncio.create_task(presence.run())
        await settle()
        try:
            yield presence
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def texts(self) -> list[str | None]:
        return [text for _, text in self.sent]


@pytest.fixture
def stage() -> Stage:
    made = Stage(fleet=[replace(server(), players=Players(12)), server(State.STOPPED)])
    made.online.set()
    return made


async def test_it_waits_until_there_is_somebody_to_tell(stage: Stage) -> None:
    stage.online.clear()
    async with stage.showing():
        await stage.clock.advance(60)
        assert stage.sent == []
        stage.online.set()
        await settle()
        assert stage.texts == ["12 players · 1 of 2 servers up"]


async def test_in_the_language_of_the_installation(stage: Stage) -> None:
    async with stage.showing("ko"):
        assert stage.texts == ["플레이어 12명 · 서버 2개 중 1개 실행 중"]


async def test_it_is_changed_only_when_it_has_changed(stage: Stage) -> None:
    async with stage.showing():
        await stage.clock.advance(3600)
        assert len(stage.sent) == 1
        stage.fleet[0] = replace(stage.fleet[0], players=Players(13))
        await stage.clock.advance(EVERY_S)
    assert stage.texts[1:] == ["13 players · 1 of 2 servers up"]


async def test_it_is_changed_once_in_twenty_seconds_at_most(stage: Stage) -> None:
    async with stage.showing():
        for number in range(200):
            stage.fleet[0] = replace(stage.fleet[0], players=Players(number))
            await stage.clock.advance(1)
    at_s = [when for when, _ in stage.sent]
    assert len(at_s) == 11
    assert all(later - sooner >= EVERY_S for sooner, later in pairwise(at_s))


async def test_fault_42_after_a_reconnect_it_is_told_again_at_once(stage: Stage) -> None:
    async with stage.showing() as presence:
        await stage.clock.advance(3)
        await presence.on_login()
        await settle()
    assert stage.sent == [(0.0, "12 players · 1 of 2 servers up"), (3.0, "12 players · 1 of 2 servers up")]


async def test_fault_42_a_connection_that_breaks_costs_a_pause(stage: Stage) -> None:
    stage.fails = True
    async with stage.showing():
        await stage.clock.advance(EVERY_S)
        stage.fails = False
        await stage.clock.advance(EVERY_S)
    assert stage.texts == ["12 players · 1 of 2 servers up"]


async def test_without_servers_there_is_nothing_to_tell(stage: Stage) -> None:
    stage.fleet.clear()
    async with stage.showing():
        await stage.clock.advance(60)
        stage.fleet.append(server(State.STOPPED))
        await stage.clock.advance(EVERY_S)
    assert stage.texts == [None, "0 of 1 server up"]
