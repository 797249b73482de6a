"""Backups: whole, while everybody works on, kept by number."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from monitor.errors import StorageError, StorageFault
from storage.backup import EVERY_MS, Backup, Backups, copy_beside, problem_of
from storage.database import Database
from storage.migrations import load
from storage.opening import open_database, open_for_command
from storage.reserve import RESERVE_BYTES
from tests.fakes.clock import EPOCH_MS, FakeClock
from tests.fakes.waiting import PATIENCE_S
from tests.storage.notes import beside, texts, write_ten

PAGE = 4096


@pytest.fixture
def backups(path: Path) -> Backups:
    return Backups(path.parent / "backups", kept=3)


def notes_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY rowid")]


@pytest.fixture
async def large(notes: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """So large, and copied in such small slices, that much else is done meanwhile."""
    monkeypatch.setattr("storage.connection.SLICE_PAGES", 1)
    async with notes.transaction() as tx:
        await tx.execute("CREATE TABLE ballast (bytes BLOB)")
        await tx.execute("INSERT INTO ballast VALUES (zeroblob(?))", (1000 * PAGE,))
    return notes


async def begin(backups: Backups, db: Database) -> asyncio.Task[Backup]:
    """Begin to make one."""
    making = asyncio.create_task(backups.make(db.copy_to, EPOCH_MS))
    async with asyncio.timeout(PATIENCE_S):
        while not db._held._copying.locked():  # noqa: ASYNC110  # there is no event of it
            await asyncio.sleep(0)
    return making


async def test_a_backup_is_the_database_as_it_stands(notes: Database, backups: Backups) -> None:
    await write_ten(notes, "note")
    made = await backups.make(notes.copy_to, EPOCH_MS)
    assert backups.all() == [made]
    assert made.path.name == "gamekeeper-20260101T000000.000Z.db"
    assert notes_in(made.path) == await texts(notes)
    assert problem_of(made.path) is None
    assert [file.name for file in made.path.parent.iterdir()] == [made.path.name]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
async def test_backups_are_their_owner_s_alone(notes: Database, backups: Backups) -> None:
    made = await backups.make(notes.copy_to, EPOCH_MS)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700


async def test_everybody_works_on_while_a_backup_is_made_and_it_holds_what_they_write(
    large: Database, backups: Backups
) -> None:
    making = await begin(backups, large)
    for round_ in range(5):
        await write_ten(large, f"round {round_}")
        assert len(await texts(large)) == 10 * (round_ + 1)
        assert not making.done()
    made = await making
    assert notes_in(made.path) == await texts(large)
    assert problem_of(made.path) is None


async def test_an_error_meanwhile_is_its_caller_s(large: Database, backups: Backups) -> None:
    making = await begin(backups, large)
    with pytest.raises(StorageError) as caught:
        await large.fetch_all("SELECT * FROM nowhere")
    assert "nowhere" in caught.value.detail
    assert problem_of((await making).path) is None


async def test_a_cancelled_backup_leaves_nothing_and_the_database_works(large: Database, backups: Backups) -> None:
    making = await begin(backups, large)
    await write_ten(large, "meanwhile")
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert backups.all() == []
    await write_ten(large, "after")
    assert len(await texts(large)) == 20


async def test_closing_waits_for_the_backup(large: Database, backups: Backups) -> None:
    making = await begin(backups, large)
    await large.close()
    assert problem_of((await making).path) is None
    with pytest.raises(StorageError) as caught:
        await backups.make(large.copy_to, EPOCH_MS)
    assert caught.value.fault is StorageFault.CLOSED


async def test_the_newest_are_kept_and_nothing_else_is_touched(notes: Database, backups: Backups) -> None:
    made = [await backups.make(notes.copy_to, EPOCH_MS + number) for number in range(5)]
    note = made[0].path.with_name("gamekeeper-notes.db")
    note.touch()
    made.append(await backups.make(notes.copy_to, EPOCH_MS + 5))
    assert backups.all() == made[:-4:-1]
    assert note.exists()


async def test_the_copy_of_a_damaged_database_is_no_backup(notes: Database, backups: Backups, path: Path) -> None:
    await write_ten(notes, "note")
    good = await backups.make(notes.copy_to, EPOCH_MS)

    async def damaged(target: Path) -> None:
        await notes.copy_to(target)
        with target.open("r+b") as file:
            file.seek(2 * PAGE)
            file.write(bytes(PAGE))

    with pytest.raises(StorageError) as caught:
        await backups.make(damaged, EPOCH_MS + 1)
    assert caught.value.fault is StorageFault.UNREADABLE
    assert backups.all() == [good]


@pytest.mark.parametrize(
    ("passed_ms", "due"),
    [(0, False), (EVERY_MS - 1, False), (EVERY_MS, True), (-1, True)],
    ids=["just now", "almost a day", "a day", "the clock was set back"],
)
async def test_when_the_next_one_is_due(notes: Database, backups: Backups, passed_ms: int, due: bool) -> None:  # noqa: FBT001
    assert backups.due(EPOCH_MS)
    await backups.make(notes.copy_to, EPOCH_MS)
    assert backups.due(EPOCH_MS + passed_ms) is due


Open = Callable[[Path, Backups, int], Awaitable[Database]]

OPENED: dict[str, Open] = {
    "by the bot": lambda path, backups, now_ms: open_database(path, backups, FakeClock(now_ms)),
    "by a command": open_for_command,
}


@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
async def test_a_migration_is_preceded_by_a_backup(path: Path, backups: Backups, opened: Open) -> None:
    newest = len(load())
    async with await Database.open(path, load()[: newest - 1]):
        pass
    async with await opened(path, backups, EPOCH_MS) as db:
        assert db.version == newest
    [before] = backups.all()
    with closing(sqlite3.connect(before.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (newest - 1,)
    async with await opened(path, backups, EPOCH_MS + 1):
        pass
    assert backups.all() == [before]


@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
async def test_a_new_database_is_not_backed_up_before_it_is_made(path: Path, backups: Backups, opened: Open) -> None:
    async with await opened(path, backups, EPOCH_MS):
        assert backups.all() == []


async def test_a_copy_beside_a_running_bot(notes: Database, path: Path) -> None:
    await write_ten(notes, "note")
    copy_beside(path, copied := path.with_name("copied.db"))
    assert notes_in(copied) == await texts(notes)
    await notes.close()
    copy_beside(path, again := path.with_name("again.db"))
    assert len(notes_in(again)) == 10
    assert list(path.parent.glob("*-wal")) == []


async def test_what_another_program_writes_meanwhile_is_in_the_backup_or_not_but_it_is_whole(
    large: Database, backups: Backups, path: Path
) -> None:
    making = await begin(backups, large)
    with beside(path) as other:
        other.execute("INSERT INTO notes VALUES ('theirs')")
    other.close()
    assert problem_of((await making).path) is None


async def test_backups_that_a_clock_ahead_has_named_neither_call_for_others_nor_outlive_them(
    notes: Database, backups: Backups
) -> None:
    ahead = [await backups.make(notes.copy_to, EPOCH_MS + (30 + day) * EVERY_MS) for day in range(3)]
    assert backups.due(EPOCH_MS)
    made = await backups.make(notes.copy_to, EPOCH_MS)
    assert not backups.due(EPOCH_MS + 60_000)
    assert backups.all() == [*ahead[:0:-1], made]
    assert backups.newest_good(EPOCH_MS) == made


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: run(path, f"PRAGMA user_version = {len(load()) + 1}"),
        lambda path: run(path, "PRAGMA application_id = 1"),
    ],
    ids=["empty", "of a newer gamekeeper", "of another program"],
)
async def test_what_cannot_take_the_place_of_the_database_is_passed_over(
    notes: Database, backups: Backups, spoil: Callable[[Path], object]
) -> None:
    good = await backups.make(notes.copy_to, EPOCH_MS)
    spoil((await backups.make(notes.copy_to, EPOCH_MS + 1)).path)
    assert backups.newest_good(EPOCH_MS + 2) == good


def run(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)


async def test_the_copy_of_an_empty_file_is_no_backup(backups: Backups) -> None:
    async def nothing(target: Path) -> None:
        await asyncio.to_thread(target.touch)

    with pytest.raises(StorageError) as caught:
        await backups.make(nothing, EPOCH_MS)
    assert caught.value.fault is StorageFault.UNREADABLE
    assert backups.all() == []


async def test_a_backup_is_not_what_fills_the_disk(
    notes: Database, backups: Backups, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def beside_a_bot(target: Path) -> None:
        copy_beside(path, target)

    [pages] = await notes.fetch_one("PRAGMA page_count") or (0,)
    needed_bytes = pages * PAGE + 2 * RESERVE_BYTES
    for copy_to in (notes.copy_to, beside_a_bot):
        monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=needed_bytes - 1))
        with pytest.raises(StorageError) as caught:
            await backups.make(copy_to, EPOCH_MS)
        assert caught.value.fault is StorageFault.FULL
        monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=needed_bytes))
        made = await backups.make(copy_to, EPOCH_MS)
        assert backups.all() == [made]
        made.path.unlink()


async def test_two_that_are_made_at_once_are_both_whole(large: Database, backups: Backups) -> None:
    making = await begin(backups, large)

    async def nearly_empty(target: Path) -> None:
        async with await Database.open(target):
            pass

    made = [await backups.make(nearly_empty, EPOCH_MS + 1), await making]
    assert [problem_of(backup.path) for backup in made] == [None, None]
    assert backups.all() == made


async def test_called_off_while_it_is_read_it_is_read_to_its_end_first(
    notes: Database, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows what is being read cannot be removed; that error took the place of the cancellation."""
    reading, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def read(path: Path) -> str | None:
        loop.call_soon_threadsafe(reading.set)
        go_on.wait(5)
        assert path.exists()
        return problem_of(path)

    monkeypatch.setattr("storage.backup.problem_of", read)
    making = asyncio.create_task(backups.make(notes.copy_to, EPOCH_MS))
    await reading.wait()
    making.cancel()
    loop.call_soon(go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await making
    [made] = backups.all()
    assert [file.name for file in made.path.parent.iterdir()] == [made.path.name]


async def test_what_a_kill_left_half_made_goes_and_what_is_being_made_stays(
    notes: Database, backups: Backups, path: Path
) -> None:
    left, being_made = (path.parent / "backups" / name for name in ("under-way-left.db", "under-way-now.db"))
    made = await backups.make(notes.copy_to, EPOCH_MS)
    for file in (left, being_made):
        file.write_bytes(b"half")
    os.utime(left, (0, 0))
    await backups.make(notes.copy_to, EPOCH_MS + 1)
    assert [file.exists() for file in (made.path, left, being_made)] == [True, False, True]


def test_what_cannot_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        problem_of(tmp_path / "gone.db")
    assert caught.value.fault is StorageFault.NO_FOLDER
