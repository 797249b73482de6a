"""Rest: whatever could be done was done, and what is left waits for time to pass or for the test.

`tests.fakes.clock.settle` knows the event loop alone; here what goes on in threads, as a database does, counts too.
Give one to `FakeClock.rest`, and virtual time stands still while anybody works.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from storage.database import Database
from tests.fakes.clock import settle
from tests.fakes.waiting import PATIENCE_S, in_vain

T = TypeVar("T")
LOOK_EVERY_S = 0.0005


@dataclass(slots=True)
class Rest:
    """Waits until the loop has nothing to do and nothing of these is under way."""

    busy: list[Callable[[], bool]] = field(default_factory=list)

    def with_database(self, db: Database) -> None:
        """Count whoever has it or waits for it."""
        self.busy.append(db._held._lock.locked)

    @contextmanager
    def with_threads(self) -> Iterator[None]:
        """Count what is in a thread by `asyncio.to_thread`."""
        under_way, begin = 0, asyncio.to_thread

        async def counted(work: Callable[..., T], /, *args: Any, **more: Any) -> T:
            nonlocal under_way
            under_way += 1
            try:
                return await begin(work, *args, **more)
            finally:
                under_way -= 1

        self.busy.append(lambda: under_way > 0)
        asyncio.to_thread = counted
        try:
            yield
        finally:
            asyncio.to_thread = begin

    async def __call__(self) -> None:
        """Wait for it.

        Raises:
            TimeoutError: somebody never comes to rest; names what is still so.
        """
        loop = asyncio.get_running_loop()
        end_s = loop.time() + PATIENCE_S
        await settle()
        while restless := next((busy for busy in self.busy if busy()), None):
            if loop.time() > end_s:
                raise in_vain(restless, PATIENCE_S)
            # The loop has nothing to do. A timer of the bot's own tasks would be simcord's, which may forget it.
            time.sleep(LOOK_EVERY_S)  # noqa: ASYNC251
            await settle()
