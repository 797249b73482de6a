"""The stand-in as fixtures, for a conftest.py to import: `from tests.standin.fixture import redirected, standin`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.standin.client import keep_discord_as_it_was, redirect_discord
from tests.standin.server import StandIn


@pytest.fixture
async def standin(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    """A Discord of this test's own. Every request of the test must fit Discord's description where that is at hand.

    A test that breaks the description on purpose clears `standin.schema.violations`.
    """
    keep_discord_as_it_was(monkeypatch)
    async with StandIn() as server:
        yield server
    assert server.schema.violations == []


@pytest.fixture
def redirected(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The stand-in, with discord.py's globals already pointing at it."""
    redirect_discord(standin, monkeypatch)
    return standin
