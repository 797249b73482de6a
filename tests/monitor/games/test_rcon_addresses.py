"""Where a game listens: names, IPv6, and TLS in front of it."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import GameFault, GameUnavailable
from monitor.games.rcon import RconClient
from monitor.games.rcon_connection import RconConnection
from monitor.spec import AdminEndpoint
from tests.fakes.waiting import PATIENCE_S
from tests.monitor.games.rcon_server import Request, Script, Session, packet
from tests.monitor.games.rcon_threads import all_end, rcon_threads

Connect = Callable[..., RconConnection]


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 on this machine")
async def test_an_ipv6_host(connect: Connect) -> None:
    async with Script().listening("::1") as script:
        assert await connect(script.endpoint).command("list") == "list"


async def test_a_name_is_tried_at_each_of_its_addresses(game: Script, connect: Connect) -> None:
    endpoint = AdminEndpoint("localhost", game.endpoint.port, game.endpoint.password)
    assert await connect(endpoint).command("list") == "list"


@pytest.fixture
def tls_server(tmp_path: Path) -> ssl.SSLContext:
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    ask = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*ask, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_tls_as_mcrcon_does_it(tls_server: ssl.SSLContext) -> None:
    async with Script().listening(tls=tls_server) as script:

        async def long(session: Session, request: Request) -> None:
            await session.raw(packet(request.id, 0, b"a" * 4096) + packet(request.id, 0, b"b"))

        script.on_command = long
        client = RconClient(script.endpoint, tlsmode=2)
        for _ in range(2):
            assert await asyncio.to_thread(client.command, "list") == "a" * 4096 + "b"
        client.disconnect()
        assert len(script.sessions) == 1
        strict = RconClient(script.endpoint, tlsmode=1)
        with pytest.raises(GameUnavailable) as caught:
            await asyncio.to_thread(strict.command, "list")
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


async def test_a_name_that_is_looked_up_for_ever_costs_the_timeout_and_a_second(
    game: Script, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()
    look_up = socket.getaddrinfo

    def stuck(*args: Any, **kwargs: Any) -> Any:
        answer.wait(2 * PATIENCE_S)
        return look_up(*args, **kwargs)

    connection = connect(game.endpoint, timeout_s=0.1)
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", stuck)
        command = asyncio.create_task(connection.command("list"))
        with pytest.raises(GameUnavailable) as caught:
            await asyncio.wait_for(command, PATIENCE_S)
        assert caught.value.fault is GameFault.TIMEOUT
    assert await connection.command("next") == "next"
    threads = rcon_threads(game.endpoint)
    answer.set()
    await connection.close()
    assert await all_end(threads)
    assert game.commands == ["next"]
