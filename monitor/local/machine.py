"""This machine, put together for the operating system it runs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from monitor.local.clock import SystemClock
from monitor.local.launcher import LocalLauncher
from monitor.local.priority import lower_own_priority
from monitor.local.probe import TreeProbe
from monitor.local.records import Records
from monitor.local.signals import heed_ignored_signals
from monitor.local.system import System


@dataclass(frozen=True, slots=True)
class Machine:
    """What the monitor needs of the machine it runs on."""

    clock: SystemClock
    launcher: LocalLauncher
    probe: TreeProbe


def local_machine(runs: Path | None = None) -> Machine:
    """Take hold of this machine, and put the calling thread below the priority of the servers it will start.

    Call it from the main thread, the event loop's. How servers ended while the bot was away is kept in the folder
    `runs`, where the system needs that; without a folder it is not kept.
    """
    heed_ignored_signals()
    machine = Machine(SystemClock(), LocalLauncher(local_system(runs), os.environ), local_probe())
    lower_own_priority()
    return machine


def local_system(runs: Path | None = None) -> System:
    """Give what this operating system can do."""
    if sys.platform == "win32":
        from monitor.local.windows import WindowsSystem  # noqa: PLC0415 - exists on Windows alone

        return WindowsSystem()
    records = None if runs is None else Records(runs)
    if sys.platform == "linux":
        from monitor.local.linux import linux_system  # noqa: PLC0415 - exists on Linux alone

        return linux_system(records)
    from monitor.local.posix import PosixSystem  # noqa: PLC0415 - exists on POSIX alone
    from monitor.local.psutil_table import PsutilTable  # noqa: PLC0415

    return PosixSystem(PsutilTable(), records)


def local_probe() -> TreeProbe:
    """Give the cheapest way this operating system has of reading process trees."""
    if sys.platform == "linux":
        from monitor.local.proc_reader import ProcReader  # noqa: PLC0415 - exists on Linux alone

        return TreeProbe(ProcReader())
    from monitor.local.psutil_reader import PsutilReader  # noqa: PLC0415 - not needed on Linux

    if sys.platform == "win32":
        from monitor.local.windows_handles import WindowsTable  # noqa: PLC0415 - exists on Windows alone

        return TreeProbe(PsutilReader(WindowsTable()))
    from monitor.local.psutil_table import PsutilTable  # noqa: PLC0415

    return TreeProbe(PsutilReader(PsutilTable()))
