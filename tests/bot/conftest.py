"""The stand-in Discord, for a bot that finds it by `DISCORD_API_BASE` alone, and what such a bot logs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.bot.log_lines import LogLines, captured
from tests.bot.place import Place, settle_in
from tests.standin.fixture import standin
from tests.standin.server import StandIn

__all__ = ["standin"]


@pytest.fixture
def place(standin: StandIn) -> Place:
    return settle_in(standin)


@pytest.fixture
async def lines() -> AsyncIterator[LogLines]:
    with captured() as kept:
        yield kept


@pytest.fixture
def own_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the test run's own priority as it is: it could never be taken back."""
    monkeypatch.setattr("monitor.local.machine.lower_own_priority", lambda: None)
