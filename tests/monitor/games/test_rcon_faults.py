"""Rows 21 to 26 of the fault table, against a real socket."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
import tracemalloc
from collections.abc import Callable

import pytest

from monitor.errors import AccessRefused, CommandRejected, GameError, GameFault, GameUnavailable, RejectedBecause
from monitor.games.rcon_connection import RconConnection
from monitor.model import AdminEndpoint, Secret
from tests.monitor.games.rcon_server import PASSWORD, Act, Request, Script, Session, echo, mute, packet, take_password

Connect = Callable[..., RconConnection]


def raw(*chunks: bytes, hang_up: bool = False) -> Act:
    """Answer with these bytes, whatever was asked."""

    async def act(session: Session, request: Request) -> None:
        for chunk in chunks:
            await session.raw(chunk)
        if hang_up:
            session.hang_up()

    return act


def body(*bodies: bytes) -> Act:
    """Answer with one packet for each body, all sent in one go."""

    async def act(session: Session, request: Request) -> None:
        await session.raw(b"".join(packet(request.id, 0, part) for part in bodies))

    return act


async def fault_of(connection: RconConnection, command: str = "list") -> GameFault:
    with pytest.raises(GameUnavailable) as caught:
        await connection.command(command)
    return caught.value.fault


@pytest.mark.parametrize("cut", [1, 4, 5, 12, 15], ids=lambda cut: f"after {cut} bytes")
async def test_fault_21_closed_mid_packet(game: Script, connect: Connect, cut: int) -> None:
    game.on_command = raw(packet(2, 0, b"hello")[:cut], hang_up=True)
    assert await fault_of(connect(game.endpoint)) is GameFault.CLOSED


async def test_fault_21_closed_before_the_auth_answer(game: Script, connect: Connect) -> None:
    game.on_auth = raw(hang_up=True)
    assert await fault_of(connect(game.endpoint)) is GameFault.CLOSED


async def test_fault_21_reset_instead_of_an_answer(game: Script, connect: Connect) -> None:
    async def reset(session: Session, request: Request) -> None:
        session.reset()

    game.on_command = reset
    assert await fault_of(connect(game.endpoint)) is GameFault.CLOSED


async def test_fault_21_connect_refused(connect: Connect) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = AdminEndpoint("127.0.0.1", free.getsockname()[1], Secret(PASSWORD))
        assert await fault_of(connect(endpoint)) is GameFault.REFUSED


async def test_fault_21_connect_times_out_on_a_full_backlog(connect: Connect) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        endpoint = AdminEndpoint("127.0.0.1", full.getsockname()[1], Secret(PASSWORD))
        with socket.create_connection(full.getsockname()):
            # Whether the kernel drops the second connection or lets it wait for a greeting, nobody answers.
            assert await fault_of(connect(endpoint, timeout_s=0.3)) is GameFault.TIMEOUT


@pytest.mark.parametrize("name", ["no such host.invalid", "x" * 70 + ".invalid"])
async def test_fault_21_a_host_that_is_none(connect: Connect, name: str) -> None:
    assert await fault_of(connect(AdminEndpoint(name, 1, Secret(PASSWORD)))) is GameFault.UNREACHABLE


@pytest.mark.parametrize("where", ["on_auth", "on_command"])
async def test_fault_21_a_mute_peer_costs_the_timeout_no_cpu_and_no_loop_time(
    game: Script, connect: Connect, where: str
) -> None:
    setattr(game, where, mute)
    connection = connect(game.endpoint, timeout_s=0.5)
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    began_s, cpu_began_s = time.monotonic(), time.process_time()
    beating = asyncio.create_task(beat())
    fault = await fault_of(connection)
    beating.cancel()
    assert fault is GameFault.TIMEOUT
    assert 0.4 < time.monotonic() - began_s < 1.5
    assert time.process_time() - cpu_began_s < 0.2
    assert beats > 20


async def test_fault_21_a_drip_does_not_stretch_the_deadline(game: Script, connect: Connect) -> None:
    async def drip(session: Session, request: Request) -> None:
        while not session.closed.is_set():
            await session.send(0, b"chat")
            await asyncio.sleep(0.02)

    game.on_command = drip
    began_s = time.monotonic()
    assert await fault_of(connect(game.endpoint, timeout_s=0.4)) is GameFault.TIMEOUT
    assert time.monotonic() - began_s < 1.4


@pytest.mark.parametrize("length", [-5, 9, 2**31 - 1], ids=str)
@pytest.mark.parametrize("where", ["on_auth", "on_command"])
async def test_fault_22_an_impossible_length(game: Script, connect: Connect, length: int, where: str) -> None:
    setattr(game, where, raw(struct.pack("<i", length) + b"x" * 64))
    connection = connect(game.endpoint)
    assert await fault_of(connection) is GameFault.PROTOCOL
    setattr(game, where, take_password if where == "on_auth" else echo)
    assert await connection.command("again") == "again"


async def test_fault_22_an_endless_reply_ends_at_the_limit(game: Script, connect: Connect) -> None:
    async def flood(session: Session, request: Request) -> None:
        while not session.closed.is_set():
            await session.send(request.id, b"x" * 60_000)

    game.on_command = flood
    connection = connect(game.endpoint, timeout_s=30.0)
    tracemalloc.start()
    try:
        assert await fault_of(connection) is GameFault.PROTOCOL
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 24 * 2**20


async def test_fault_22_padding_that_is_none(game: Script, connect: Connect) -> None:
    game.on_command = raw(struct.pack("<iii", 10, 2, 0) + b"ab")
    assert await fault_of(connect(game.endpoint)) is GameFault.PROTOCOL


@pytest.mark.parametrize("where", ["on_auth", "on_command"])
async def test_fault_22_random_bytes_are_a_clean_error(game: Script, connect: Connect, where: str) -> None:
    noise = random.Random(f"rcon {where}")
    tracemalloc.start()
    try:
        for size in [*range(1, 440), 4000]:
            setattr(game, where, raw(noise.randbytes(size), hang_up=True))
            with pytest.raises(GameError):
                await connect(game.endpoint).command("list")
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 16 * 2**20


async def test_fault_22_random_packets_never_answer_a_command(game: Script, connect: Connect) -> None:
    """Well-framed nonsense: only a packet of the command's own id may become its answer."""
    noise = random.Random("rcon packets")
    for _ in range(200):
        ids = [noise.choice((0, 1, 3, 77, -7)) for _ in range(5)]
        game.on_command = raw(
            b"".join(packet(one, noise.randrange(-3, 4), noise.randbytes(20)) for one in ids), hang_up=True
        )
        with pytest.raises(GameUnavailable):
            await connect(game.endpoint).command("list")


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
    await asyncio.wait_for(game.sessions[0].closed.wait(), 5)


async def test_fault_25_a_wrong_id_to_the_password(game: Script, connect: Connect) -> None:
    game.on_auth = raw(packet(0, 2, b""))
    assert await fault_of(connect(game.endpoint)) is GameFault.PROTOCOL


async def test_fault_25_a_wrong_password(game: Script, connect: Connect) -> None:
    endpoint = AdminEndpoint(game.endpoint.host, game.endpoint.port, Secret("hunter2"))
    with pytest.raises(AccessRefused):
        await connect(endpoint).command("list")
    assert game.commands == []
    await asyncio.wait_for(game.sessions[0].closed.wait(), 5)


async def test_fault_25_id_minus_1_later(game: Script, connect: Connect) -> None:
    connection = connect(game.endpoint)
    assert await connection.command("list") == "list"
    game.on_command = raw(packet(-1, 2, b""))
    with pytest.raises(AccessRefused):
        await connection.command("list")
    await asyncio.wait_for(game.sessions[0].closed.wait(), 5)


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
