"""Waiting for what tells nobody that it is so."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

PATIENCE_S = 30.0
"""How long real work may take on a machine that has much else to do."""


def source(condition: Callable[..., object]) -> str:
    """What a condition asks, for the message of a wait that was in vain."""
    try:
        return " ".join(inspect.getsource(condition).split())
    except (OSError, TypeError):
        return repr(condition)


def in_vain(condition: Callable[..., object], timeout_s: float) -> TimeoutError:
    """The end of a wait, with what was waited for."""
    return TimeoutError(f"in {timeout_s:g} s it has not become so: {source(condition)}")


async def until(condition: Callable[[], object], timeout_s: float = PATIENCE_S, every_s: float = 0.001) -> None:
    """Look again and again. Let it be something that stays so: what passes by can be missed.

    Raises:
        TimeoutError: it did not become so; names what was waited for.
    """
    loop = asyncio.get_running_loop()
    end_s = loop.time() + timeout_s
    while not condition():
        if loop.time() > end_s:
            raise in_vain(condition, timeout_s)
        await asyncio.sleep(every_s)
