"""A broken file is set aside whole, a backup takes its place, and it is told once what is missing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.errors import StorageError, StorageFault
from monitor.events import DatabaseRestored
from storage import repair
from storage.backup import Backups, problem_of
from storage.connection import APPLICATION_ID
from storage.database import Database
from storage.journal import Journal
from storage.migrations import load
from storage.opening import NUMBERS_LEFT_OUT, open_database, open_for_command
from storage.outbox import Outbox
from storage.servers import Servers
from tests.fakes.clock import FakeClock
from tests.storage.examples import CRASHED, PROCESS
from tests.storage.notes import beside
from tests.storage.test_durability import SPEC

CRASH = replace(CRASHED, server_id=SPEC.id)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def backups(path: Path) -> Backups:
    return Backups(path.parent / "backups", kept=3)


@asynccontextmanager
async def opened(path: Path, backups: Backups, clock: FakeClock) -> AsyncIterator[Database]:
    async with await open_database(path, backups, clock, busy_ms=1) as db:
        yield db


async def live(path: Path, backups: Backups, clock: FakeClock) -> tuple[int, int]:
    """A day of a database: one crash before its backup, one after; the number of the last, and when that was made."""
    async with opened(path, backups, clock) as db:
        await Servers(db).save([SPEC])
        await Journal(db).record(CRASH)
        made = await backups.make(db.copy_to, clock.now_ms())
        clock.shift_wall(60)
        return await Journal(db).record(CRASH), made.taken_ms


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def put(path: Path, content: bytes | None) -> None:
    path.write_bytes(content or b"")


def log_of(path: Path) -> Path:
    return Path(f"{path}-wal")


def overwrite(path: Path, start: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(content)


def root_page(path: Path, table: str) -> int:
    with beside(path) as other:
        [page] = other.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    other.close()
    return int(page)


def modes(*paths: Path) -> list[int]:
    return [path.stat().st_mode & 0o777 for path in paths]


BROKEN: dict[str, Callable[[Path], object]] = {
    "first page zeroed": lambda path: overwrite(path, 0, bytes(4096)),
    "a table's page zeroed": lambda path: overwrite(path, (root_page(path, "events") - 1) * 4096, bytes(4096)),
    "garbage in a page": lambda path: overwrite(path, (root_page(path, "runs") - 1) * 4096, b"\xa5" * 4096),
    "cut in half": lambda path: os.truncate(path, path.stat().st_size // 8192 * 4096),
    "cut within a page": lambda path: os.truncate(path, 5000),
    "cut to nothing": lambda path: os.truncate(path, 0),
    "another text altogether": lambda path: path.write_text("dear diary, " * 5000),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_fault_31_a_broken_file_is_set_aside_and_the_backup_restored_with_one_alert(
    path: Path, backups: Backups, clock: FakeClock, how: str
) -> None:
    last_id, backup_ms = await live(path, backups, clock)
    BROKEN[how](path)
    broken = content(path)
    async with opened(path, backups, clock):
        pass
    async with opened(path, backups, clock) as db:
        told, crash = await Journal(db).events()
        assert await db.fetch_one("PRAGMA integrity_check") == ("ok",)
        assert await Outbox(db).backlog() == 2
    assert crash.event == CRASH
    assert isinstance(told.event, DatabaseRestored)
    assert (told.event.backup_ms, told.event.found != "") == (backup_ms, True)
    # Its number was given to no event that is lost now: an alert with that number may be in Discord already.
    assert told.id > last_id + NUMBERS_LEFT_OUT / 2
    assert (told.event.set_aside == "") == (broken is None)
    if broken is not None:
        assert content(path.with_name(told.event.set_aside)) == broken
        assert told.event.until_ms is not None
    assert not repair.note_of(path).exists()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
async def test_what_is_restored_is_for_its_owner_alone_from_its_first_byte(
    path: Path, backups: Backups, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live(path, backups, clock)
    BROKEN["cut in half"](path)
    begun: list[int] = []
    copy = shutil.copyfile

    def watched(source: Path, target: Path) -> None:
        begun.extend(modes(target))
        copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", watched)
    repair.mend(path, backups, "broken", clock.now_ms())
    assert [*begun, *modes(path, repair.note_of(path))] == [0o600] * 3


async def test_fault_31_its_log_is_set_aside_with_it(path: Path, backups: Backups, clock: FakeClock) -> None:
    """What is left of a log would be taken for one of the backup's."""
    await live(path, backups, clock)
    other = beside(path)
    other.execute("PRAGMA wal_autocheckpoint = 0")
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("UPDATE settings SET value = 'from the log'")
    log = content(log_of(path))
    other.close()
    overwrite(path, 0, bytes(4096))
    put(log_of(path), log)
    async with opened(path, backups, clock) as db:
        assert await db.fetch_one("SELECT count(*) FROM settings WHERE value = 'from the log'") == (0,)
        told = (await Journal(db).events())[0].event
    assert isinstance(told, DatabaseRestored)
    assert content(log_of(path.with_name(told.set_aside))) == log


async def test_fault_31_a_backup_that_is_broken_too_is_passed_over(
    path: Path, backups: Backups, clock: FakeClock
) -> None:
    _, first_ms = await live(path, backups, clock)
    async with opened(path, backups, clock) as db:
        newer = await backups.make(db.copy_to, clock.now_ms())
    overwrite(newer.path, (root_page(path, "events") - 1) * 4096, bytes(4096))
    overwrite(path, 0, bytes(4096))
    async with opened(path, backups, clock) as db:
        told = (await Journal(db).events())[0].event
    assert isinstance(told, DatabaseRestored)
    assert told.backup_ms == first_ms


async def test_fault_31_without_a_backup_it_begins_anew_and_says_so(
    path: Path, backups: Backups, clock: FakeClock
) -> None:
    await live(path, Backups(path.parent / "elsewhere"), clock)
    overwrite(path, 0, bytes(4096))
    async with opened(path, backups, clock) as db:
        [told] = await Journal(db).events()
        assert await Servers(db).all() == ()
        assert await Outbox(db).backlog() == 1
    assert isinstance(told.event, DatabaseRestored)
    assert told.event.backup_ms is None


async def test_fault_31_the_backup_of_an_older_version_is_brought_up(
    path: Path, backups: Backups, clock: FakeClock
) -> None:
    async with await Database.open(path, load()[:1]) as old:
        await old.write(lambda tx: tx.execute("INSERT INTO servers (id, spec) VALUES ('ark', '{}')"))
        await backups.make(old.copy_to, clock.now_ms())
    overwrite(path, 0, bytes(4096))
    async with opened(path, backups, clock) as db:
        assert db.version == len(load())
        assert await db.fetch_all("SELECT id FROM servers") == [("ark",)]


async def test_fault_31_a_server_that_was_started_after_the_backup_is_found_again(
    path: Path, backups: Backups, clock: FakeClock
) -> None:
    async with opened(path, backups, clock) as db:
        await Servers(db).save([SPEC])
        journal = Journal(db)
        ended = await journal.begin_run(SPEC.id, 1, "ended since")
        await backups.make(db.copy_to, clock.now_ms())
        await journal.record(CRASH, replace(ended, ended_ms=2))
        running = replace(await journal.begin_run(SPEC.id, 3, "begun since"), process=PROCESS)
        await journal.record(CRASH, running)
    overwrite(path, (root_page(path, "events") - 1) * 4096, bytes(4096))
    async with opened(path, backups, clock) as db:
        assert (await Journal(db).past())[SPEC.id].run == running
        assert await db.fetch_all("SELECT id FROM runs WHERE ended_ms IS NULL") == [(running.id,)]


@pytest.mark.parametrize("damage", [bytes(4096), b"\x0d" + b"\xff" * 4095], ids=["zeroed", "garbage"])
async def test_fault_31_runs_that_cannot_be_read_are_done_without(
    path: Path, backups: Backups, clock: FakeClock, damage: bytes
) -> None:
    _, backup_ms = await live(path, backups, clock)
    overwrite(path, (root_page(path, "runs") - 1) * 4096, damage)
    async with opened(path, backups, clock) as db:
        assert await db.fetch_all("SELECT id FROM runs") == []
        told = (await Journal(db).events())[0].event
    assert isinstance(told, DatabaseRestored)
    assert told.backup_ms == backup_ms


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", range(1, 13))
async def test_fault_31_killed_anywhere_in_the_repair_the_next_start_goes_on_and_tells_once(
    path: Path, backups: Backups, clock: FakeClock, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each change to the folder that the repair makes, before what it tells, and after everything."""
    _, backup_ms = await live(path, backups, clock)
    overwrite(path, 0, bytes(4096))
    broken = content(path)
    left = [step]

    def deadly(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise Killed(name)
            return real(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        for name in ("rename", "replace", "write_bytes", "unlink"):
            patch.setattr(Path, name, deadly(name, getattr(Path, name)))
        patch.setattr("shutil.copyfile", deadly("copyfile", shutil.copyfile))
        patch.setattr(Journal, "record", deadly("record", Journal.record))
        with suppress(Killed):
            await (await open_database(path, backups, clock, busy_ms=1)).close()
    clock.shift_wall(60)
    async with opened(path, backups, clock):
        pass
    async with opened(path, backups, clock) as db:
        [event] = [stored.event for stored in await Journal(db).events(kind=DatabaseRestored.kind)]
    assert isinstance(event, DatabaseRestored)
    assert event.backup_ms == backup_ms
    assert content(path.with_name(event.set_aside)) == broken
    assert len(list(path.parent.glob("*.damaged-*"))) == 1


@pytest.mark.parametrize(
    ("fault", "make"),
    [
        (StorageFault.NEWER, "PRAGMA user_version = 9999"),
        (StorageFault.FOREIGN, "PRAGMA application_id = 1"),
    ],
)
async def test_fault_33_what_is_no_damage_is_refused_and_left_alone(
    path: Path, backups: Backups, clock: FakeClock, fault: StorageFault, make: str
) -> None:
    await live(path, backups, clock)
    with beside(path) as other:
        other.execute(make)
    other.close()
    before = content(path)
    with pytest.raises(StorageError) as caught:
        await open_database(path, backups, clock)
    assert caught.value.fault is fault
    assert content(path) == before
    assert list(path.parent.glob("*.damaged-*")) == []


async def test_a_first_start_is_no_damage(path: Path, backups: Backups, clock: FakeClock) -> None:
    async with opened(path, backups, clock) as db:
        assert await Journal(db).events() == ()
        assert db.trouble is None


async def test_a_note_that_cannot_be_read_is_none(path: Path) -> None:
    path.parent.mkdir()
    repair.note_of(path).write_text("half of a no")
    assert repair.unfinished(path) is None


def test_sqlite_is_the_one_that_names_the_damage(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"x" * 4096)
    assert problem_of(path) == "file is not a database"
    with sqlite3.connect(whole := path.with_name("whole.db")) as connection:
        connection.execute("CREATE TABLE a (x)")
        assert problem_of(whole) == "it is not gamekeeper's"
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.close()
    assert problem_of(whole) is None


@pytest.mark.parametrize("how", ["first page zeroed", "cut to nothing", "another text altogether", "gone"])
async def test_fault_31_a_command_puts_nothing_in_the_way_of_the_repair(
    path: Path, backups: Backups, clock: FakeClock, how: str
) -> None:
    await live(path, backups, clock)
    BROKEN[how](path)
    broken = content(path)
    with pytest.raises(StorageError) as caught:
        await open_for_command(path, backups, clock.now_ms())
    assert caught.value.fault is StorageFault.UNREADABLE
    assert content(path) == broken
    async with opened(path, backups, clock) as db:
        assert [spec.id for spec in await Servers(db).all()] == [SPEC.id]
