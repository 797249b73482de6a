"""One trouble is one alert, and one more when it is over; a backup every day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.bus import Bus
from monitor.chronicle import Chronicle
from monitor.errors import StorageError, StorageFault
from monitor.events import Event, StorageDegraded, StorageRecovered
from storage.backup import EVERY_MS, Backups
from storage.caretaker import BACK_UP_AGAIN_S, LOOK_EVERY_S, Caretaker
from storage.database import Database, Options
from storage.journal import Journal
from storage.outbox import Outbox
from storage.reserve import Reserve
from tests.fakes.clock import FakeClock
from tests.fakes.waiting import PATIENCE_S

FULL = StorageError(StorageFault.FULL, "gamekeeper.db", "database or disk is full")


class Disk(Reserve):
    """Says that there is room, or that there is none."""

    room = True

    def fill(self) -> bool:
        return self.room


@pytest.fixture
def disk(path: Path) -> Disk:
    return Disk(path.with_name("reserve"))


@pytest.fixture
async def db(path: Path, disk: Disk) -> AsyncIterator[Database]:
    async with await Database.open(path, options=Options(reserve=disk)) as database:
        yield database


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def backups(path: Path) -> Backups:
    return Backups(path.parent / "backups", kept=3)


@pytest.fixture
def heard() -> list[Event]:
    return []


@pytest.fixture
def told() -> asyncio.Semaphore:
    """Released with each event."""
    return asyncio.Semaphore(0)


@pytest.fixture
def caretaker(
    db: Database,
    clock: FakeClock,
    backups: Backups,
    heard: list[Event],
    told: asyncio.Semaphore,
) -> Caretaker:
    bus = Bus()
    bus.listen(lambda _, event: heard.append(event))
    bus.listen(lambda *_: told.release())
    return Caretaker(db, backups, clock, Chronicle(Journal(db), bus), lambda: 5 + 20 * len(heard))


async def test_one_trouble_is_told_once_and_once_more_when_it_is_over(
    caretaker: Caretaker, db: Database, disk: Disk, clock: FakeClock, heard: list[Event]
) -> None:
    disk.room = False
    db.suspect(FULL)
    for _ in range(3):
        await caretaker.look()
        clock.shift_wall(60)
    [event] = heard
    assert event == StorageDegraded(at_ms=event.at_ms, fault="full", path=str(db.path), in_memory=False)
    assert await Outbox(db).backlog() == 1
    disk.room = True
    for _ in range(3):
        await caretaker.look()
    assert heard[1:] == [
        StorageRecovered(at_ms=clock.now_ms(), fault="full", after_s=180.0, samples_dropped=20),
    ]
    assert db.degraded is None


async def test_a_trouble_is_told_at_once_and_its_end_within_a_minute(
    caretaker: Caretaker, db: Database, disk: Disk, clock: FakeClock, told: asyncio.Semaphore
) -> None:
    running = asyncio.create_task(caretaker.run())
    await clock.until_sleeping()
    disk.room = False
    db.suspect(FULL)
    await asyncio.wait_for(told.acquire(), PATIENCE_S)
    await clock.until_sleeping()
    disk.room = True
    await clock.advance(LOOK_EVERY_S)
    await asyncio.wait_for(told.acquire(), PATIENCE_S)
    running.cancel()
    await asyncio.wait([running])


async def test_a_backup_is_made_every_day_and_none_while_there_is_trouble(
    caretaker: Caretaker, db: Database, disk: Disk, clock: FakeClock, backups: Backups
) -> None:
    for day in range(3):
        await caretaker.look()
        await caretaker.look()
        assert len(backups.all()) == day + 1
        clock.shift_wall(EVERY_MS / 1000)
    disk.room = False
    db.suspect(FULL)
    await caretaker.look()
    assert [backup.taken_ms for backup in backups.all()] == [clock.now_ms() - days * EVERY_MS for days in (1, 2, 3)]


async def test_fault_31_a_backup_that_finds_damage_is_told_and_no_old_one_goes(
    caretaker: Caretaker, db: Database, backups: Backups, heard: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.backup.problem_of", lambda _path: "row 7 missing from index")
    await caretaker.look()
    await caretaker.look()
    [told] = heard
    assert isinstance(told, StorageDegraded)
    assert told.fault == "unreadable"
    assert backups.all() == []


async def test_a_backup_that_cannot_be_made_costs_nothing_else(
    caretaker: Caretaker, backups: Backups, heard: list[Event], path: Path
) -> None:
    (path.parent / "backups").write_text("no folder")
    await caretaker.look()
    assert (heard, backups.all()) == ([], [])


async def test_a_backup_that_failed_is_tried_again_in_an_hour_and_not_each_minute(
    caretaker: Caretaker, clock: FakeClock, backups: Backups, path: Path
) -> None:
    (folder := path.parent / "backups").write_text("no folder")
    await caretaker.look()
    folder.unlink()
    await clock.advance(BACK_UP_AGAIN_S - 1)
    await caretaker.look()
    assert backups.all() == []
    await clock.advance(1)
    await caretaker.look()
    assert len(backups.all()) == 1
