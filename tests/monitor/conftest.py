from __future__ import annotations

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.house import House


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def house() -> House:
    return House()
