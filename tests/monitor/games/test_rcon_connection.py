from __future__ import annotations

import asyncio
import signal
import socket
import traceback
from collections.abc import Callable

import pytest

from monitor.errors import AccessRefused, GameFault, GameUnavailable
from monitor.games.rcon import RconClient
from monitor.games.rcon_connection import RconConnection
from monitor.spec import AdminEndpoint, Secret
from tests.fakes.waiting import PATIENCE_S
from tests.monitor.games.rcon_server import PASSWORD, Request, Script, Session, echo, mute
from tests.monitor.games.rcon_threads import all_end, rcon_threads

Connect = Callable[..., RconConnection]


async def test_one_connection_serves_many_commands(game: Script, connect: Connect) -> None:
    connection = connect(game.endpoint)
    assert [await connection.command(text) for text in ("a", "b", "c")] == ["a", "b", "c"]
    assert len(game.sessions) == 1


async def test_commands_given_at_once_are_sent_one_at_a_time(game: Script, connect: Connect) -> None:
    open_now = 0
    most = 0

    async def slow(session: Session, request: Request) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.01)
        open_now -= 1
        await echo(session, request)

    game.on_command = slow
    connection = connect(game.endpoint)
    texts = [f"say {n}" for n in range(8)]
    assert await asyncio.gather(*(connection.command(text) for text in texts)) == texts
    assert most == 1
    assert len(game.sessions) == 1


async def test_a_connection_closed_while_idle_is_made_anew_and_the_command_runs_once(
    game: Script, connect: Connect
) -> None:
    connection = connect(game.endpoint)
    await connection.command("before")
    game.sessions[0].hang_up()
    await asyncio.wait_for(game.sessions[0].closed.wait(), PATIENCE_S)
    assert await connection.command("after") == "after"
    assert game.commands == ["before", "after"]
    assert len(game.sessions) == 2


async def test_a_reset_while_idle_is_no_different(game: Script, connect: Connect) -> None:
    connection = connect(game.endpoint)
    await connection.command("before")
    game.sessions[0].reset()
    await asyncio.wait_for(game.sessions[0].closed.wait(), PATIENCE_S)
    assert await connection.command("after") == "after"
    assert game.commands == ["before", "after"]


async def test_a_command_that_was_sent_is_never_sent_again(game: Script, connect: Connect) -> None:
    async def die(session: Session, request: Request) -> None:
        session.hang_up()

    connection = connect(game.endpoint)
    await connection.command("before")
    game.on_command = die
    with pytest.raises(GameUnavailable) as caught:
        await connection.command("give diamonds")
    assert caught.value.fault is GameFault.CLOSED
    assert game.commands == ["before", "give diamonds"]
    assert len(game.sessions) == 1


async def test_a_send_that_fails_has_run_nothing_and_is_tried_once_more(game: Script) -> None:
    client = RconClient(game.endpoint)

    def on_a_line_that_takes_nothing() -> str:
        client.connect()
        assert client.socket is not None
        # As when the peer's reset arrives between the look and the send: it seems alive, and takes nothing.
        client.socket.shutdown(socket.SHUT_WR)
        return str(client.command("list"))

    assert await asyncio.to_thread(on_a_line_that_takes_nothing) == "list"
    client.disconnect()
    assert game.commands == ["list"]
    assert len(game.sessions) == 2


async def test_a_client_given_up_opens_nothing_any_more(game: Script) -> None:
    client = RconClient(game.endpoint)
    await asyncio.to_thread(client.connect)
    client.abort()
    with pytest.raises(GameUnavailable) as caught:
        await asyncio.to_thread(client.command, "list")
    assert caught.value.fault is GameFault.CLOSED
    assert game.commands == []
    assert len(game.sessions) == 1


async def test_an_answer_stands_although_the_game_hangs_up_after_it(game: Script, connect: Connect) -> None:
    async def farewell(session: Session, request: Request) -> None:
        await session.send(request.id, b"bye")
        session.hang_up()

    game.on_command = farewell
    assert await connect(game.endpoint).command("stop") == "bye"


async def test_a_cancelled_command_drops_the_socket_and_its_thread(game: Script, connect: Connect) -> None:
    game.on_command = mute
    connection = connect(game.endpoint, timeout_s=60.0)
    command = asyncio.create_task(connection.command("slow"))
    await asyncio.wait_for(game.arrived.wait(), PATIENCE_S)
    threads = rcon_threads(game.endpoint)
    command.cancel()
    with pytest.raises(asyncio.CancelledError):
        await command
    await asyncio.wait_for(game.sessions[0].closed.wait(), PATIENCE_S)
    assert await all_end(threads)
    game.on_command = echo
    assert await connection.command("next") == "next"


async def test_a_command_cancelled_before_its_turn_is_never_sent(game: Script, connect: Connect) -> None:
    release = asyncio.Event()

    async def hold(session: Session, request: Request) -> None:
        await release.wait()
        await echo(session, request)

    game.on_command = hold
    connection = connect(game.endpoint)
    first = asyncio.create_task(connection.command("first"))
    await asyncio.wait_for(game.arrived.wait(), PATIENCE_S)
    second = asyncio.create_task(connection.command("second"))
    await asyncio.sleep(0)
    second.cancel()
    release.set()
    assert await first == "first"
    assert await connection.command("third") == "third"
    assert game.commands == ["first", "third"]


async def test_waiting_for_a_turn_ends_at_the_timeout_too(game: Script, connect: Connect) -> None:
    game.on_command = mute
    connection = connect(game.endpoint, timeout_s=30.0)
    first = asyncio.create_task(connection.command("first"))
    await asyncio.wait_for(game.arrived.wait(), PATIENCE_S)
    with pytest.raises(GameUnavailable) as caught:
        await connection.command("second", timeout_s=0.1)
    assert caught.value.fault is GameFault.TIMEOUT
    first.cancel()
    await asyncio.wait([first])
    assert game.commands == ["first"]


async def test_close_gives_up_the_command_under_way(game: Script, connect: Connect) -> None:
    game.on_command = mute
    connection = connect(game.endpoint, timeout_s=60.0)
    command = asyncio.create_task(connection.command("slow"))
    await asyncio.wait_for(game.arrived.wait(), PATIENCE_S)
    threads = rcon_threads(game.endpoint)
    await connection.close()
    with pytest.raises(GameUnavailable) as caught:
        await asyncio.wait_for(command, PATIENCE_S)
    assert caught.value.fault is GameFault.CLOSED
    assert await all_end(threads)


async def test_close_twice_and_before_the_first_command(game: Script, connect: Connect) -> None:
    connection = connect(game.endpoint)
    await connection.close()
    assert await connection.command("list") == "list"
    await connection.close()
    await connection.close()
    assert await connection.command("list") == "list"


async def test_it_hangs_up_when_idle_and_comes_back(game: Script, connect: Connect) -> None:
    connection = connect(game.endpoint, idle_s=0.05)
    await connection.command("list")
    threads = rcon_threads(game.endpoint)
    await asyncio.wait_for(game.sessions[0].closed.wait(), PATIENCE_S)
    assert await all_end(threads)
    assert await connection.command("list") == "list"
    assert len(game.sessions) == 2


async def test_connect_authenticates_and_sends_no_command(game: Script, connect: Connect) -> None:
    connection = connect(game.endpoint)
    await connection.connect()
    await connection.connect()
    assert game.commands == []
    assert len(game.sessions) == 1


async def test_the_password_is_in_no_error_and_no_repr(game: Script, connect: Connect) -> None:
    secret = "s3cr3t-canary"
    endpoint = AdminEndpoint(game.endpoint.host, game.endpoint.port, Secret(secret))
    connection = connect(endpoint)
    with pytest.raises(AccessRefused) as refused:
        await connection.command("list")
    game.on_auth = mute
    with pytest.raises(GameUnavailable) as silent:
        await connection.command("list", timeout_s=0.1)
    shown = [
        *traceback.format_exception(refused.value),
        *traceback.format_exception(silent.value),
        repr(connection),
        repr(vars(RconClient(endpoint))),
    ]
    assert secret not in "\n".join(shown)


async def test_an_error_of_the_operating_system_is_the_cause_of_ours(connect: Connect) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = AdminEndpoint("127.0.0.1", free.getsockname()[1], Secret(PASSWORD))
        with pytest.raises(GameUnavailable) as caught:
            await connect(endpoint).command("list")
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="no SIGALRM on Windows")
async def test_no_signal_handler_is_installed(game: Script, connect: Connect) -> None:
    before = signal.getsignal(signal.SIGALRM)
    await connect(game.endpoint).command("list")
    assert signal.getsignal(signal.SIGALRM) is before


async def test_the_client_is_a_context_manager_as_its_parent_is(game: Script) -> None:
    def session() -> str:
        with RconClient(game.endpoint) as client:
            return str(client.command("list"))

    assert await asyncio.to_thread(session) == "list"
    await asyncio.wait_for(game.sessions[0].closed.wait(), PATIENCE_S)
