from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from monitor.games.rcon_connection import RconConnection
from monitor.spec import AdminEndpoint
from tests.monitor.games.rcon_server import Script

Connect = Callable[..., RconConnection]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Make connections to an endpoint that are closed when the test ends."""
    async with AsyncExitStack() as stack:

        def make(endpoint: AdminEndpoint, *, timeout_s: float = 5.0, idle_s: float = 60.0) -> RconConnection:
            connection = RconConnection(endpoint, timeout_s=timeout_s, idle_s=idle_s)
            stack.push_async_callback(connection.close)
            return connection

        yield make


@pytest.fixture
async def game() -> AsyncIterator[Script]:
    """A game that takes the password and echoes commands, unless the test scripts it otherwise."""
    async with Script().listening() as script:
        yield script
