"""Which parts this machine is put together from."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from monitor.local.machine import local_probe, local_system
from monitor.model import ExitStatus
from tests.monitor.local.stage import Stage

if sys.platform == "linux":
    from monitor.local import pidfd
    from monitor.local.linux import LinuxSystem, linux_system
    from monitor.local.posix import PosixSystem

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="puts Linux machines together")


def refuse(number: int) -> Any:
    def call(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


@pytest.fixture
def ask_again() -> Iterator[None]:
    pidfd.available.cache_clear()
    yield
    pidfd.available.cache_clear()


def test_linux_uses_process_descriptors() -> None:
    assert type(local_system()) is LinuxSystem


@pytest.mark.usefixtures("ask_again")
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM], ids=["old kernel", "strict container"])
def test_linux_without_process_descriptors_does_without(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(os, "pidfd_open", refuse(number))
    assert type(linux_system()) is PosixSystem


def test_another_posix_goes_by_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert type(local_system()) is PosixSystem
    assert local_system().boot_id() == ""
    us = os.getpid()
    system = local_system()
    assert isinstance(system, PosixSystem)
    identity = system._table.identify(us)
    assert identity is not None
    assert local_probe().read({"us": identity})["us"].threads >= 1


async def test_fault_55_a_process_is_watched_even_when_no_descriptor_is_left_for_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pidfd, "open_identity", refuse(errno.EMFILE))
    process, puppet = await stage.play()
    monkeypatch.undo()
    puppet.send("exit 3")
    assert await process.wait() == ExitStatus(code=3)
