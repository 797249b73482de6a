from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.errors import AccessRefused, GameFault, GameUnavailable, NotSupported, UnknownGame
from monitor.game import Game
from monitor.games.generic import GenericGame
from monitor.games.registry import ADAPTERS, make_game
from monitor.spec import AdminEndpoint, Endpoint, Secret, ServerSpec, StopPolicy
from tests.monitor.games.rcon_server import Request, Script, Session, echo, mute

BARE = ServerSpec(id="s", name="S", game="generic", argv=("true",), cwd=Path())

Make = Callable[[ServerSpec], GenericGame]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        def make(spec: ServerSpec) -> GenericGame:
            adapter = GenericGame(spec)
            stack.push_async_callback(adapter.close)
            return adapter

        yield make


def with_admin(script: Script) -> ServerSpec:
    return replace(BARE, admin=script.endpoint, stop=StopPolicy(command="quit"))


ASKS: dict[str, Callable[[Game], Awaitable[object]]] = {
    "players": lambda game: game.players(),
    "save": lambda game: game.save(),
    "warn": lambda game: game.warn("hi"),
    "stop": lambda game: game.ask_to_stop(),
    "command": lambda game: game.command("list"),
}


@pytest.mark.parametrize("action", ASKS)
async def test_without_an_admin_port_nothing_can_be_asked(make: Make, action: str) -> None:
    with pytest.raises(NotSupported) as caught:
        await ASKS[action](make(replace(BARE, stop=StopPolicy(command="quit"))))
    assert caught.value.action == action


@pytest.mark.parametrize("action", ["players", "save", "warn"])
async def test_with_one_the_rest_is_still_unknown(game: Script, make: Make, action: str) -> None:
    with pytest.raises(NotSupported):
        await ASKS[action](make(with_admin(game)))
    assert game.sessions == []


async def test_a_command_is_answered(game: Script, make: Make) -> None:
    assert await make(with_admin(game)).command("status all") == "status all"


async def test_no_tick_rate_is_known(make: Make) -> None:
    assert await make(BARE).tick_rate() is None


async def test_without_an_admin_port_it_is_ready_at_once(make: Make) -> None:
    assert await make(BARE).is_ready()


async def test_it_is_ready_when_it_takes_the_password(game: Script, make: Make) -> None:
    assert await make(with_admin(game)).is_ready()
    assert game.commands == []


async def test_a_wrong_password_is_not_ready_and_says_so(game: Script, make: Make) -> None:
    endpoint = AdminEndpoint(game.endpoint.host, game.endpoint.port, Secret("wrong"))
    with pytest.raises(AccessRefused):
        await make(replace(BARE, admin=endpoint)).is_ready()


async def test_it_stops_by_its_spec_s_command(game: Script, make: Make) -> None:
    await make(with_admin(game)).ask_to_stop()
    assert game.commands == ["quit"]


async def test_a_game_that_hangs_up_on_the_stop_command_was_asked(game: Script, make: Make) -> None:
    async def die(session: Session, request: Request) -> None:
        session.hang_up()

    game.on_command = die
    await make(with_admin(game)).ask_to_stop()
    assert game.commands == ["quit"]


async def test_a_game_that_hangs_up_on_the_password_was_not(game: Script, make: Make) -> None:
    async def die(session: Session, request: Request) -> None:
        session.hang_up()

    game.on_auth = die
    with pytest.raises(GameUnavailable) as caught:
        await make(with_admin(game)).ask_to_stop()
    assert caught.value.fault is GameFault.CLOSED


async def test_a_game_that_does_not_answer_the_stop_command_is_unavailable(game: Script, make: Make) -> None:
    game.on_command = mute
    adapter = make(with_admin(game))
    adapter._rcon._timeout_s = 0.1  # type: ignore[union-attr]  # not worth a parameter
    with pytest.raises(GameUnavailable) as caught:
        await adapter.ask_to_stop()
    assert caught.value.fault is GameFault.TIMEOUT


async def test_without_a_stop_command_the_signal_is_left(game: Script, make: Make) -> None:
    with pytest.raises(NotSupported):
        await make(replace(BARE, admin=game.endpoint)).ask_to_stop()
    assert game.sessions == []


def test_the_traits_fill_what_a_spec_leaves_out(make: Make) -> None:
    traits = make(BARE).traits
    assert (traits.ready.log, traits.ready.timeout_s) == (None, 120.0)
    assert (traits.stop.save_s, traits.stop.polite_s, traits.stop.terminate_s) == (30.0, 30.0, 10.0)
    assert traits.stop.signal == ("SIGINT" if sys.platform == "win32" else "SIGTERM")
    assert traits.clean_exit_codes == (0,)


def test_the_adapter_is_found_by_the_spec_s_game() -> None:
    assert isinstance(make_game(BARE), GenericGame)


def test_an_unknown_game_names_itself_and_the_known_ones() -> None:
    with pytest.raises(UnknownGame) as caught:
        make_game(replace(BARE, game="pong"), {**ADAPTERS, "arkanoid": GenericGame})
    assert caught.value.game == "pong"
    assert caught.value.known == ("arkanoid", "generic")


async def test_without_an_admin_port_there_is_no_way_to_ask_for_a_sign_of_life(make: Make) -> None:
    assert await make(BARE).signs_of_life() == {}


async def test_fault_20_a_query_port_that_only_takes_connections_is_no_sign_of_life(make: Make) -> None:
    # The system takes them for a program that is frozen.
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        query = Endpoint("127.0.0.1", frozen.getsockname()[1])
        admin = AdminEndpoint("127.0.0.1", query.port, Secret("x"))
        adapter = make(replace(BARE, admin=admin, query=query))
        adapter._rcon._timeout_s = 0.1  # type: ignore[union-attr]  # not worth a parameter
        assert await adapter.signs_of_life() == {"admin": False}


async def test_a_sign_of_life_is_a_new_login_each_time(game: Script, make: Make) -> None:
    adapter = make(with_admin(game))
    await adapter.command("list")
    assert [await adapter.signs_of_life() for _ in range(2)] == [{"admin": True}] * 2
    assert len(game.sessions) == 3
    assert game.commands == ["list"]


async def test_a_sign_of_life_waits_for_the_command_under_way(game: Script, make: Make) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(session: Session, request: Request) -> None:
        begun.set()
        await go_on.wait()
        await echo(session, request)

    game.on_command = slowly
    adapter = make(with_admin(game))
    command = asyncio.create_task(adapter.command("save-all"))
    await begun.wait()
    signs = asyncio.create_task(adapter.signs_of_life())
    await asyncio.sleep(0)
    go_on.set()
    assert (await command, await signs) == ("save-all", {"admin": True})


async def test_fault_20_a_mute_admin_port_is_no_sign_of_life(game: Script, make: Make) -> None:
    game.on_auth = mute
    adapter = make(with_admin(game))
    adapter._rcon._timeout_s = 0.1  # type: ignore[union-attr]  # not worth a parameter
    assert await adapter.signs_of_life() == {"admin": False}


async def test_a_port_where_nobody_listens_is_no_sign_of_life(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert await make(replace(BARE, admin=AdminEndpoint("127.0.0.1", port, Secret("x")))).signs_of_life() == {
        "admin": False
    }


async def test_one_that_refuses_the_password_lives(game: Script, make: Make) -> None:
    endpoint = AdminEndpoint(game.endpoint.host, game.endpoint.port, Secret("wrong"))
    assert await make(replace(BARE, admin=endpoint)).signs_of_life() == {"admin": True}


async def test_one_that_speaks_another_protocol_lives(make: Make) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        admin = AdminEndpoint("127.0.0.1", server.sockets[0].getsockname()[1], Secret("x"))
        assert await make(replace(BARE, admin=admin)).signs_of_life() == {"admin": True}


async def test_it_saves_by_its_spec_s_command_and_the_answer_is_the_proof(game: Script, make: Make) -> None:
    await make(replace(with_admin(game), stop=StopPolicy(save="save-all flush"))).save()
    assert game.commands == ["save-all flush"]


async def test_a_save_has_the_time_of_its_policy_to_be_answered(game: Script, make: Make) -> None:
    game.on_command = mute
    adapter = make(replace(with_admin(game), stop=StopPolicy(save="save-all", save_s=0.2)))
    with pytest.raises(GameUnavailable) as caught:
        await adapter.save()
    assert caught.value.fault is GameFault.TIMEOUT


async def test_without_an_admin_port_it_cannot_save_over_it(make: Make) -> None:
    with pytest.raises(NotSupported):
        await make(replace(BARE, stop=StopPolicy(save="save-all"))).save()
