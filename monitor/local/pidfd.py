"""Linux process descriptors: signals that cannot reach a stranger, exits told at once, even of others' children.

Sources: pidfd_open(2), pidfd_send_signal(2), and `include/uapi/linux/pidfd.h` of the kernel for `PIDFD_GET_INFO`.
"""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import contextlib
import fcntl
import os
import signal
import struct
from functools import cache

from monitor.local import procfs
from monitor.local.exits import UNKNOWN, from_wait_status, from_waitid
from monitor.model import ExitStatus, ProcessId

_INFO_SIZE = 64
"""The first published `struct pidfd_info`; later kernels only append to it."""
_MASK_OFFSET = 0
_EXIT_CODE_OFFSET = 60
_INFO_EXIT = 1 << 3
_GET_INFO = (3 << 30) | (_INFO_SIZE << 16) | (0xFF << 8) | 11
"""`_IOWR(0xFF, 11, struct pidfd_info)`."""


@cache
def available() -> bool:
    """Whether the kernel has process descriptors and lets us use them (5.3; some containers forbid them)."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def open_identity(identity: ProcessId) -> int | None:
    """Open a descriptor of that very process; `None` when it is gone.

    The descriptor comes first and the check second: it goes on meaning the process that was checked.

    Raises:
        OSError: no descriptors left.
    """
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return None
    if procfs.identify(identity.pid) == identity:
        return descriptor
    os.close(descriptor)
    return None


def send(identity: ProcessId, number: int) -> None:
    """Signal that very process, or nobody."""
    descriptor = open_identity(identity)
    if descriptor is None:
        return
    try:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)
    finally:
        os.close(descriptor)


def collect(descriptor: int, identity: ProcessId) -> ExitStatus:
    """Say how a process ended whose descriptor has become readable. A child of ours is collected by it.

    For somebody else's child the kernel tells after it was collected (6.15 and later), and `/proc` until then.
    """
    try:
        result = os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOHANG)
    except OSError:
        result = None
    if result is not None:
        return from_waitid(result.si_code, result.si_status)
    return _from_kernel(descriptor) or _from_zombie(identity) or _from_kernel(descriptor) or UNKNOWN


def _from_kernel(descriptor: int) -> ExitStatus | None:
    info = bytearray(_INFO_SIZE)
    struct.pack_into("=Q", info, _MASK_OFFSET, _INFO_EXIT)
    try:
        fcntl.ioctl(descriptor, _GET_INFO, info)
    except OSError:
        return None
    (mask,) = struct.unpack_from("=Q", info, _MASK_OFFSET)
    (status,) = struct.unpack_from("=i", info, _EXIT_CODE_OFFSET)
    return from_wait_status(status) if mask & _INFO_EXIT else None


def _from_zombie(identity: ProcessId) -> ExitStatus | None:
    stat = procfs.read_stat(identity.pid)
    if stat is None or stat.started != identity.started or stat.alive or not _may_know(identity.pid):
        return None
    return from_wait_status(stat.exit_code)


def _may_know(pid: int) -> bool:
    """Whether `/proc` shows us the process's exit code: it shows 0 to those who may not trace it."""
    try:
        os.listdir(procfs.PROC / str(pid) / "ns")  # noqa: PTH208 - tried for its refusal alone
    except OSError:
        return False
    return True
