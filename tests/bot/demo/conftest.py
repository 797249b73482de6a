from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo.adapter import DemoGame
from tests.bot.demo.demo_process import DemoProcess, demo_process


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[DemoProcess]:
    """The game server with a fresh world, its players in a hurry."""
    async with demo_process(tmp_path / "world", "--speed", "20") as running:
        yield running


@pytest.fixture
async def game(demo: DemoProcess) -> AsyncIterator[DemoGame]:
    """Our adapter, speaking to it."""
    adapter = DemoGame(await demo.spec())
    try:
        yield adapter
    finally:
        await adapter.close()
