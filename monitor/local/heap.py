"""This process's own memory, and giving the unused part of it back to the system."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys


async def give_back() -> None:
    """Free what nobody refers to any more, and have the C library return what is free.

    The collection takes some tens of milliseconds on the event loop: it may end objects that belong to it.
    """
    gc.collect()
    await asyncio.to_thread(_trim)


def _trim() -> None:
    """Call glibc's `malloc_trim`; other libraries have no such thing, or need none."""
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
