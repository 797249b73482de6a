"""Rows 23 to 26 of the fault table, against a real socket: whose answer it is, whether it is whole, what is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from monitor.errors import AccessRefused, CommandRejected, GameFault, RejectedBecause
from monitor.games.rcon_connection import RconConnection
from monitor.spec import AdminEndpoint, Secret
from tests.fakes.waiting import PATIENCE_S
from tests.monitor.games.faults import fault_of
from tests.monitor.games.rcon_server import (
    Request,
    Script,
    Session,
    body,
    echo,
    mute,
    packet,
    raw,
    take_password,
)

Connect = Callable[..., RconConnection]


async def test_fault_23_a_reply_in_pieces_of_one_byte(game: Script, connect: Connect) -> None:
    answer = packet(2, 0, "There are 2 players: 지훈, Mina".encode())
    game.on_command = raw(*(answer[i : i + 1] for i in range(len(answer))))
    assert await connect(game.endpoint).command("list") == "There are 2 players: 지훈, Mina"


async def test_fault_23_a_reply_of_many_packets_is_whole(game: Script, connect: Connect) -> None:
    long = bytes(97 + i % 26 for i in range(50_000))
    game.on_command = body(*(long[i : i + 4096] for i in range(0, len(long), 4096)))
    connection = connect(game.endpoint)
    assert await connection.command("list") == long.decode()
    assert await connection.command("list") == long.decode()
    assert len(game.markers) == 2


async def test_fault_23_a_reply_that_pauses_between_packets_is_whole(game: Script, connect: Connect) -> None:
    async def pausing(session: Session, request: Request) -> None:
        for part in (b"a" * 4096, b"b" * 4096, b"c"):
            await session.send(request.id, part)
            await asyncio.sleep(0.1)

    game.on_command = pausing
    assert await connect(game.endpoint).command("list") == "a" * 4096 + "b" * 4096 + "c"


async def test_fault_23_a_split_reply_that_never_ends_is_an_error_not_half_an_answer(
    game: Script, connect: Connect
) -> None:
    game.on_command = body(b"a" * 4096)
    game.on_marker = mute
    assert await fault_of(connect(game.endpoint, timeout_s=0.3)) is GameFault.TIMEOUT


async def test_fault_23_small_packets_sent_together_are_one_reply(game: Script, connect: Connect) -> None:
    game.on_command = body(b"one ", b"two ", b"three")
    assert await connect(game.endpoint).command("list") == "one two three"
    assert game.markers == []


async def test_fault_23_a_late_tail_is_not_the_next_answer(game: Script, connect: Connect) -> None:
    connection = connect(game.endpoint)
    assert await connection.command("first") == "first"
    first_id = 2
    await game.sessions[0].send(first_id, b"tail of the first")
    assert await connection.command("second") == "second"
    game.on_command = raw(packet(first_id, 0, b"more tail"), packet(4, 0, b"third"))
    assert await connection.command("third") == "third"
    assert len(game.sessions) == 1


async def test_fault_23_an_answer_after_its_timeout_is_nobodys(game: Script, connect: Connect) -> None:
    game.on_command = mute
    connection = connect(game.endpoint, timeout_s=0.2)
    assert await fault_of(connection, "slow") is GameFault.TIMEOUT
    game.on_command = echo
    assert await connection.command("next") == "next"
    assert len(game.sessions) == 2


async def test_fault_23_chat_under_id_0_is_not_an_answer(game: Script, connect: Connect) -> None:
    async def chatty(session: Session, request: Request) -> None:
        await session.send(0, b"<Mina> hello")
        await session.send(request.id, b"answer")

    game.on_command = chatty
    assert await connect(game.endpoint).command("list") == "answer"


async def test_fault_23_the_second_echo_of_a_source_server_is_skipped(game: Script, connect: Connect) -> None:
    async def twice(session: Session, request: Request) -> None:
        await session.send(request.id)
        await session.send(request.id, b"\x00\x01\x00\x00")

    game.on_command = body(b"a" * 4000)
    game.on_marker = twice
    connection = connect(game.endpoint)
    assert await connection.command("cvarlist") == "a" * 4000
    game.on_command = echo
    assert await connection.command("next") == "next"


async def test_fault_24_utf8_cut_between_packets(game: Script, connect: Connect) -> None:
    text = "접속자 목록: 地図 ユーザー " * 300
    data = text.encode()
    game.on_command = body(*(data[i : i + 4000] for i in range(0, len(data), 4000)))
    assert await connect(game.endpoint).command("list") == text


async def test_fault_24_cjk_both_ways(game: Script, connect: Connect) -> None:
    assert await connect(game.endpoint).command("say 안녕하세요 世界 🎮") == "say 안녕하세요 世界 🎮"
    assert game.commands == ["say 안녕하세요 世界 🎮"]


async def test_fault_24_invalid_bytes_become_replacement_characters(game: Script, connect: Connect) -> None:
    game.on_command = body(b"caf\xe9 \xed\x95 ok")
    assert await connect(game.endpoint).command("list") == "caf� � ok"


@pytest.mark.parametrize("wrong", [3, 999, -2, 2**31 - 1])
async def test_fault_25_a_wrong_id_closes_the_socket(game: Script, connect: Connect, wrong: int) -> None:
    game.on_command = raw(packet(wrong, 0, b"someone else's"))
    connection = connect(game.endpoint)
    assert await fault_of(connection) is GameFault.PROTOCOL
    await asyncio.wait_for(game.sessions[0].closed.wait(), PATIENCE_S)


async def test_fault_25_a_wrong_id_to_the_password(game: Script, connect: Connect) -> None:
    game.on_auth = raw(packet(0, 2, b""))
    assert await fault_of(connect(game.endpoint)) is GameFault.PROTOCOL


async def test_fault_25_a_wrong_password(game: Script, connect: Connect) -> None:
    endpoint = AdminEndpoint(game.endpoint.host, game.endpoint.port, Secret("hunter2"))
    with pytest.raises(AccessRefused):
        await connect(endpoint).command("list")
    assert game.commands == []
    await asyncio.wait_for(game.sessions[0].closed.wait(), PATIENCE_S)


async def test_fault_25_id_minus_1_later(game: Script, connect: Connect) -> None:
    connection = connect(game.endpoint)
    assert await connection.command("list") == "list"
    game.on_command = raw(packet(-1, 2, b""))
    with pytest.raises(AccessRefused):
        await connection.command("list")
    await asyncio.wait_for(game.sessions[0].closed.wait(), PATIENCE_S)


async def test_fault_25_an_empty_packet_ahead_of_the_auth_answer(game: Script, connect: Connect) -> None:
    async def as_source_does(session: Session, request: Request) -> None:
        await session.send(request.id)
        await take_password(session, request)

    game.on_auth = as_source_does
    assert await connect(game.endpoint).command("status") == "status"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("x" * 1447, RejectedBecause.TOO_LONG),
        ("say hi\nstop", RejectedBecause.CONTROL_CHARACTER),
        ("say hi\0", RejectedBecause.CONTROL_CHARACTER),
        (" ", RejectedBecause.EMPTY),
    ],
    ids=["1447 bytes", "newline", "NUL", "blank"],
)
async def test_fault_26_nothing_is_sent(
    game: Script, connect: Connect, command: str, reason: RejectedBecause
) -> None:
    connection = connect(game.endpoint)
    with pytest.raises(CommandRejected) as caught:
        await connection.command(command)
    assert caught.value.reason is reason
    assert game.sessions == []


async def test_fault_26_a_refused_command_leaves_the_connection_as_it_was(game: Script, connect: Connect) -> None:
    connection = connect(game.endpoint)
    await connection.command("list")
    with pytest.raises(CommandRejected):
        await connection.command("a\nb")
    assert await connection.command("x" * 1446) == "x" * 1446
    assert len(game.sessions) == 1
