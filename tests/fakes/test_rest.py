from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from storage.database import Database
from tests.fakes import rest as module
from tests.fakes.clock import FakeClock
from tests.fakes.rest import Rest
from tests.fakes.waiting import until


async def test_virtual_time_stands_still_while_somebody_works(tmp_path: Path) -> None:
    clock, done_at = FakeClock(), list[float]()
    clock.rest = rest = Rest()

    async def work(db: Database) -> None:
        await clock.sleep(1)
        await asyncio.to_thread(threading.Event().wait, 0.02)
        for _ in range(3):
            await db.fetch_all("SELECT 1")
        done_at.append(clock.monotonic())

    async with await Database.open(tmp_path / "gamekeeper.db") as db:
        rest.with_database(db)
        before = asyncio.to_thread
        with rest.with_threads():
            task = asyncio.create_task(work(db))
            await clock.advance(60)
            assert task.done()
        assert asyncio.to_thread is before
    assert done_at == [1.0]


async def test_who_never_rests_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    restless = True
    with pytest.raises(TimeoutError, match="lambda: restless"):
        await Rest([lambda: restless])()


async def test_what_was_waited_for_in_vain_is_named() -> None:
    home = "found"
    with pytest.raises(TimeoutError, match=r"in 0 s .* home == .lost"):
        await until(lambda: home == "lost", timeout_s=0)
    await until(lambda: home == "found", timeout_s=0)
