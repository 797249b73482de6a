from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.local.launcher import LocalLauncher
from monitor.local.machine import local_system
from monitor.local.system import System
from tests.monitor.local.machines import REAL, Machine, PretendMachine, RealMachine
from tests.monitor.local.stage import Stage

if sys.platform == "win32":
    collect_ignore_glob = ["test_linux_*.py", "test_posix_*.py", "test_records.py"]
elif sys.platform == "linux":
    collect_ignore_glob = ["test_win32_*.py"]
else:
    collect_ignore_glob = ["test_linux_*.py", "test_win32_*.py"]


@pytest.fixture
def system(tmp_path: Path) -> System:
    return local_system(tmp_path / "runs")


@pytest.fixture
async def stage(tmp_path: Path, system: System) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path, LocalLauncher(system, os.environ))
    server = await asyncio.start_server(stage.welcome, "127.0.0.1", 0)
    stage.port = server.sockets[0].getsockname()[1]
    async with server:
        yield stage
        await stage.clear()


@pytest.fixture(params=["fake", *REAL])
async def machine(request: pytest.FixtureRequest, stage: Stage) -> AsyncIterator[Machine]:
    if request.param == "fake":
        yield PretendMachine()
        return
    system, probe, can = REAL[request.param](stage.folder / "runs")
    stage.launcher = LocalLauncher(system, os.environ)
    yield RealMachine(stage, probe, can=can)
