from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.demo.adapter import DemoGame, parse_list, parse_tick_rate
from monitor.errors import GameFault, GameUnavailable
from monitor.model import Players
from tests.bot.demo.demo_process import DemoProcess


@pytest.mark.parametrize(
    ("reply", "players"),
    [
        pytest.param("There are 0 of a max of 20 players online: ", Players(0, 20), id="nobody"),
        pytest.param("There are 1 of a max of 20 players online: 지훈", Players(1, 20, ("지훈",)), id="one"),
        pytest.param("There are 2 of a max of 8 players online: a, b", Players(2, 8, ("a", "b")), id="two"),
    ],
)
def test_a_list_is_read(reply: str, players: Players) -> None:
    assert parse_list(reply) == players


@pytest.mark.parametrize("reply", ["", "Unknown command", "There are many players"])
def test_what_is_no_list_is_an_error_and_not_nobody(reply: str) -> None:
    with pytest.raises(GameUnavailable) as caught:
        parse_list(reply)
    assert caught.value.fault is GameFault.PROTOCOL


def test_a_tick_rate_is_read() -> None:
    assert parse_tick_rate("TPS over the last 5 s: 19.87") == 19.87


def test_what_is_no_tick_rate_is_an_error() -> None:
    with pytest.raises(GameUnavailable):
        parse_tick_rate("TPS: fine")


async def test_it_is_ready_and_counts_its_players(demo: DemoProcess, game: DemoGame) -> None:
    assert await game.is_ready()
    name = (await demo.line(r"\] (\S+) joined the game", 20))[1]
    players = await game.players()
    assert players.maximum == 20
    assert players.online == len(players.names)
    assert name in players.names or any(f"{name} left" in line for line in demo.lines)


async def test_its_tick_rate_is_measured(game: DemoGame) -> None:
    rate = await game.tick_rate()
    assert rate is not None
    assert 5 < rate <= 20.5


async def test_a_warning_is_one_line_in_its_log(demo: DemoProcess, game: DemoGame) -> None:
    await game.warn("서버가 5분 뒤에\nrestarts")
    await demo.line(r"\[Server\] 서버가 5분 뒤에 restarts$")


async def test_a_save_is_on_disk_when_it_returns(demo: DemoProcess, game: DemoGame) -> None:
    await game.save()
    await demo.line("Saved the game")


async def test_a_save_that_fails_is_no_save(demo: DemoProcess, game: DemoGame, tmp_path: Path) -> None:
    (tmp_path / "world" / "world.json.new").mkdir()
    with pytest.raises(GameUnavailable):
        await game.save()


async def test_asked_to_stop_it_stops_and_its_log_tells_why(demo: DemoProcess, game: DemoGame) -> None:
    await game.ask_to_stop()
    assert await demo.exit_code() == 0
    (shutdown,) = game.traits.shutdown_log
    assert any(re.search(shutdown, line) for line in demo.lines)
    assert game.traits.ready.log is not None
    assert any(re.search(game.traits.ready.log, line) for line in demo.lines)


async def test_gone_it_is_unavailable_and_not_empty(demo: DemoProcess, game: DemoGame) -> None:
    await game.players()
    demo.process.kill()
    await demo.exit_code()
    with pytest.raises(GameUnavailable) as caught:
        await game.players()
    assert caught.value.fault in (GameFault.REFUSED, GameFault.CLOSED)
