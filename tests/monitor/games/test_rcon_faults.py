"""Rows 21 and 22 of the fault table, against a real socket: the peer that is not there, or is no game."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
import tracemalloc
from collections.abc import Callable

import pytest

from monitor.errors import GameError, GameFault, GameUnavailable
from monitor.games.rcon_connection import RconConnection
from monitor.spec import AdminEndpoint, Secret
from tests.fakes.waiting import PATIENCE_S
from tests.monitor.games.faults import fault_of
from tests.monitor.games.rcon_server import (
    PASSWORD,
    Request,
    Script,
    Session,
    echo,
    mute,
    packet,
    raw,
    take_password,
)

Connect = Callable[..., RconConnection]


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
    assert time.monotonic() - began_s > 0.4
    assert time.process_time() - cpu_began_s < 0.2
    # 50 on a quiet machine. Were the loop held up, there would be none.
    assert beats > 5


async def test_fault_21_a_drip_does_not_stretch_the_deadline(game: Script, connect: Connect) -> None:
    async def drip(session: Session, request: Request) -> None:
        while not session.closed.is_set():
            await session.send(0, b"chat")
            await asyncio.sleep(0.02)

    game.on_command = drip  # it goes on for ever, so that a deadline that is stretched never comes
    async with asyncio.timeout(PATIENCE_S):
        assert await fault_of(connect(game.endpoint, timeout_s=0.4)) is GameFault.TIMEOUT


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
