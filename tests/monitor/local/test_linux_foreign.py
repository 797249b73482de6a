"""Servers that others wrote, each with a habit of its own.

Debian has them: `armagetronad-dedicated`, `bzflag-server`, `minetest-server`, `wesnoth-1.16-server`. What is missing
is installed, and these tests run, by `tests/foreign/run.sh`.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from monitor.errors import LaunchFault, LaunchRefused
from monitor.local import procfs
from monitor.local.log import CapturedLog
from monitor.model import ExitStatus
from monitor.ports import ServerProcess
from tests.monitor.local.stage import LIMIT_S, Stage

pytestmark = pytest.mark.foreign


def program(name: str) -> str:
    path = shutil.which(name, path="/usr/lib/minetest:/usr/games:/usr/bin")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


async def until(so: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not so():  # noqa: ASYNC110 - nobody tells us of what a foreign program does
            await asyncio.sleep(0.01)


async def start(stage: Stage, *argv: str, **changes: Any) -> ServerProcess:
    request = stage.request(argv=argv, env={"HOME": str(stage.folder)}, marker="foreign", **changes)
    return stage.keep(await stage.launcher.spawn(request))


def name_of(process: ServerProcess) -> str:
    return psutil.Process(process.identity.pid).name()


async def test_fault_11_armagetron_is_the_child_that_its_launcher_leaves_behind(stage: Stage) -> None:
    launcher = await start(stage, program("armagetronad-dedicated"))
    await until(lambda: psutil.Process(launcher.identity.pid).children())
    await launcher.interrupt("SIGTERM")
    assert (await launcher.wait()).signal == 15
    found = await stage.launcher.find("foreign")
    assert found is not None, "SIGTERM to the launcher leaves the game running"
    assert name_of(stage.keep(found)).startswith("armagetronad-de")
    await found.terminate_tree()
    await asyncio.wait_for(found.wait(), LIMIT_S)
    assert await stage.launcher.find("foreign") is None


async def test_fault_11_wesnothd_daemonizes_and_is_followed(stage: Stage) -> None:
    root = await start(stage, program("wesnothd-1.16"), "-d", "-p", str(free_port()))
    assert await asyncio.wait_for(root.wait(), LIMIT_S) == ExitStatus(code=0)
    found = await stage.launcher.find("foreign")
    assert found is not None
    assert name_of(stage.keep(found)).startswith("wesnothd")
    assert await stage.launcher.ended("foreign") == ExitStatus(code=0), "of the one that was started"
    await found.terminate_tree()
    await asyncio.wait_for(found.wait(), LIMIT_S)


async def test_bzfs_rewrites_its_arguments_and_is_found_all_the_same(stage: Stage) -> None:
    port = free_port()
    argv = (program("bzfs"), "-i", "127.0.0.1", "-p", str(port), "-j", "-passwd", "swordfish")
    process = await start(stage, *argv)
    await until(lambda: b"swordfish" not in (procfs.PROC / str(process.identity.pid) / "cmdline").read_bytes())
    found = await stage.launcher.find("foreign")
    assert found is not None
    assert stage.keep(found).identity == process.identity
    await process.interrupt("SIGTERM")
    assert await asyncio.wait_for(process.wait(), LIMIT_S) == ExitStatus(code=0)


async def test_fault_14_a_second_bzfs_on_the_same_port_is_refused_and_the_first_named(stage: Stage) -> None:
    port = free_port()
    argv = (program("bzfs"), "-i", "127.0.0.1", "-p", str(port), "-j")
    process = await start(stage, *argv)
    await until(lambda: psutil.Process(process.identity.pid).net_connections("tcp"))
    with pytest.raises(LaunchRefused) as refusal:
        await start(stage, *argv, "-q", server_id="second", ports=(port,))
    assert (refusal.value.fault, refusal.value.subject) == (LaunchFault.PORT_HELD, str(port))
    assert refusal.value.holder == f"bzfs, pid {process.identity.pid}"


async def test_minetest_says_when_it_is_up_and_ends_cleanly_when_asked(stage: Stage) -> None:
    port, world, config = str(free_port()), stage.folder / "world", stage.folder / "minetest.conf"
    config.write_text("bind_address = 127.0.0.1\nserver_announce = false\n")
    minetest = program("minetestserver")
    process = await start(
        stage, minetest, "--config", str(config), "--world", str(world), "--gameid", "devtest", "--port", port
    )
    log = CapturedLog(stage.request().log)
    await until(lambda: any(f"listening on 127.0.0.1:{port}" in line for line in log.tail(20)))
    memory = await process.memory_bytes()
    assert memory is not None
    assert memory > 1 << 24
    assert not (world / "env_meta.txt").exists()
    await process.interrupt("SIGTERM")
    # As if it had ended for no reason: that somebody asked is not in the code.
    assert await asyncio.wait_for(process.wait(), LIMIT_S) == ExitStatus(code=0)
    assert "Shutting down" in log.tail(1)[0]
    assert (world / "env_meta.txt").exists(), "the world is saved"
