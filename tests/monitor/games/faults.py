"""How a command failed."""

from __future__ import annotations

import pytest

from monitor.errors import GameFault, GameUnavailable
from monitor.games.rcon_connection import RconConnection


async def fault_of(connection: RconConnection, command: str = "list") -> GameFault:
    with pytest.raises(GameUnavailable) as caught:
        await connection.command(command)
    return caught.value.fault
