"""A server is ready when its log or its game says so, and not before."""

from __future__ import annotations

import asyncio
import errno

import pytest
from structlog.testing import capture_logs

from monitor.errors import AccessRefused, GameFault, GameUnavailable
from monitor.readiness import LOOK_EVERY_S, Readiness
from monitor.spec import ReadyPolicy
from tests.fakes.clock import FakeClock
from tests.fakes.game import FakeGame
from tests.fakes.machine import FakeLog
from tests.fakes.waiting import PATIENCE_S

BY_LOG = ReadyPolicy(log=r"Done \(", timeout_s=120.0)
BY_GAME = ReadyPolicy(log=None, timeout_s=120.0)


@pytest.fixture
def game() -> FakeGame:
    return FakeGame(ready=False)


@pytest.fixture
def output() -> FakeLog:
    return FakeLog()


def readiness(policy: ReadyPolicy, game: FakeGame, output: FakeLog, clock: FakeClock) -> Readiness:
    return Readiness(policy, game, output, clock, output.mark())


async def test_the_line_is_seen_soon_after_it_is_written(game: FakeGame, output: FakeLog, clock: FakeClock) -> None:
    task = asyncio.create_task(readiness(BY_LOG, game, output, clock).within_limit())
    await clock.until_sleeping(2)
    output.write("Loading")
    output.write("[Server] Done (12.3s)!")
    await clock.advance(LOOK_EVERY_S)
    async with asyncio.timeout(PATIENCE_S):
        assert await task is True
    assert game.asked == []


async def test_what_an_earlier_start_wrote_does_not_count(game: FakeGame, output: FakeLog, clock: FakeClock) -> None:
    output.write("Done (1s)")
    task = asyncio.create_task(readiness(BY_LOG, game, output, clock).within_limit())
    await clock.until_sleeping(2)
    await clock.advance(119)
    await clock.until_sleeping(2)
    assert not task.done()
    await clock.advance(1)
    async with asyncio.timeout(PATIENCE_S):
        assert await task is False


async def test_a_line_written_before_the_first_look_counts(game: FakeGame, output: FakeLog, clock: FakeClock) -> None:
    waiting = readiness(BY_LOG, game, output, clock)
    output.write("Done (1s)")
    async with asyncio.timeout(PATIENCE_S):
        assert await waiting.within_limit() is True


@pytest.mark.parametrize(
    "failure", [None, GameUnavailable(GameFault.REFUSED), AccessRefused()], ids=["no", "refused", "password"]
)
async def test_the_game_is_asked_until_it_says_yes(
    game: FakeGame, output: FakeLog, clock: FakeClock, failure: Exception | None
) -> None:
    if isinstance(failure, GameUnavailable | AccessRefused):
        game.fail_with["ready"] = failure
    task = asyncio.create_task(readiness(BY_GAME, game, output, clock).within_limit())
    await clock.until_sleeping(2)
    await clock.advance(LOOK_EVERY_S * 3)
    assert game.asked == ["ready"] * 4
    game.fail_with.clear()
    game.ready = True
    await clock.advance(LOOK_EVERY_S)
    assert await task is True


async def test_fault_63_an_adapter_that_breaks_is_asked_again_and_logged_once(
    game: FakeGame, output: FakeLog, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> bool:
        raise TimeoutError("of a socket of its own")

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(game, "is_ready", broken)
        task = asyncio.create_task(readiness(BY_GAME, game, output, clock).within_limit())
        await clock.until_sleeping(2)
        await clock.advance(LOOK_EVERY_S * 3)
        assert not task.done()
    assert [line["event"] for line in logs] == ["readiness_unknown"]
    game.ready = True
    await clock.advance(LOOK_EVERY_S)
    assert await task is True


@pytest.mark.usefixtures("no_threads")
async def test_fault_55_a_log_that_cannot_be_read_for_a_moment_is_read_again(
    game: FakeGame, output: FakeLog, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(mark: int) -> tuple[str, int]:
        raise OSError(errno.EMFILE, "no descriptors left")

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(output, "read_since", refused)
        task = asyncio.create_task(readiness(BY_LOG, game, output, clock).within_limit())
        await clock.until_sleeping(2)
        await clock.advance(LOOK_EVERY_S * 3)
        assert not task.done()
    assert [line["event"] for line in logs] == ["log_unreadable"]
    output.write("Done (1s)")
    await clock.advance(LOOK_EVERY_S)
    assert await task is True


async def test_a_game_that_never_answers_passes_the_limit(game: FakeGame, output: FakeLog, clock: FakeClock) -> None:
    game.hang.add("ready")
    task = asyncio.create_task(readiness(BY_GAME, game, output, clock).within_limit())
    await clock.until_sleeping(1)
    await clock.advance(120)
    assert await task is False


async def test_without_a_limit_it_waits_for_ever(game: FakeGame, output: FakeLog, clock: FakeClock) -> None:
    task = asyncio.create_task(readiness(ReadyPolicy(), game, output, clock).within_limit())
    await clock.advance(3_600)
    assert not task.done()
    game.ready = True
    await clock.advance(LOOK_EVERY_S)
    assert await task is True
