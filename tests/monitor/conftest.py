from __future__ import annotations

import asyncio

import pytest

from tests.fakes.clock import FakeClock, inline
from tests.fakes.house import House


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do at once what is otherwise done in a thread: then all there is to wait for is the fake clock."""
    monkeypatch.setattr(asyncio, "to_thread", inline)
