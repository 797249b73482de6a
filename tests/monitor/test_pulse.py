"""One outage of a game is one log line, and its answers are never made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from monitor.errors import AccessRefused, GameFault, GameUnavailable, NotSupported
from monitor.model import Players
from monitor.pulse import Pulse, Vitals
from tests.fakes.clock import FakeClock
from tests.fakes.game import FakeGame
from tests.fakes.waiting import PATIENCE_S

KNOWN = Vitals(Players(2, 20), 19.9)
UNKNOWN = Vitals()


@pytest.fixture
def game() -> FakeGame:
    return FakeGame(online=Players(2, 20), rate=19.9)


@pytest.fixture
async def noted(game: FakeGame, clock: FakeClock) -> AsyncIterator[list[Vitals]]:
    notes: list[Vitals] = []
    task = asyncio.create_task(Pulse("ark", game, clock, 15.0, notes.append).run())
    await clock.until_sleeping()
    yield notes
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_asks_at_once_and_then_at_its_interval(noted: list[Vitals], clock: FakeClock) -> None:
    assert noted == [KNOWN]
    await clock.advance(14.9)
    assert noted == [KNOWN]
    await clock.advance(0.1)
    assert noted == [KNOWN] * 2


@pytest.mark.parametrize(
    "failure",
    [GameUnavailable(GameFault.TIMEOUT), AccessRefused(), LookupError("a bug in an adapter")],
    ids=["unavailable", "access", "fault_63_bug"],
)
async def test_an_outage_is_one_log_line_and_one_more_when_it_ends(
    noted: list[Vitals], game: FakeGame, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    async def fail() -> Players:
        raise failure

    with capture_logs() as logs:
        with monkeypatch.context() as patch:
            patch.setattr(game, "players", fail)
            await clock.advance(45)
        await clock.advance(30)
    assert noted == [KNOWN, UNKNOWN, UNKNOWN, UNKNOWN, KNOWN, KNOWN]
    assert [entry["event"] for entry in logs] == ["game_silent", "game_answers_again"]


async def test_fault_63_a_game_that_never_answers_is_unknown(
    noted: list[Vitals], game: FakeGame, clock: FakeClock
) -> None:
    game.hang.add("players")
    await clock.advance(30)
    assert noted == [KNOWN, UNKNOWN]
    game.hang.clear()
    await clock.advance(15)
    assert noted[-1] == KNOWN


async def test_a_game_that_cannot_count_is_not_silent(noted: list[Vitals], game: FakeGame, clock: FakeClock) -> None:
    game.online = None
    with capture_logs() as logs:
        await clock.advance(15)
    assert noted[-1] == Vitals(None, 19.9)
    assert logs == []


async def test_a_game_without_a_tick_rate_still_counts(
    noted: list[Vitals], game: FakeGame, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cannot() -> float:
        raise NotSupported("tick rate")

    monkeypatch.setattr(game, "tick_rate", cannot)
    await clock.advance(15)
    assert noted[-1] == Vitals(Players(2, 20), None)


async def test_a_game_that_tells_nothing_of_itself_is_not_asked_again() -> None:
    game, noted = FakeGame(online=None, rate=None), list[Vitals]()
    pulse = Pulse("ark", game, FakeClock(), 15.0, noted.append)
    await asyncio.wait_for(pulse.run(), PATIENCE_S)
    assert noted == [Vitals()]
    assert game.asked == ["players"]
