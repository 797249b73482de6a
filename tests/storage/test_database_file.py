"""An answer for whatever is wrong with the file, its folder or the disk; and nobody else may read it."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from monitor.errors import StorageError, StorageFault
from storage.database import Database
from storage.faults import fault_of, file_errors_translated
from storage.folder import prepare
from tests.storage.notes import beside, texts, write_ten


async def refused(path: Path) -> StorageError:
    with pytest.raises(StorageError) as caught:
        await Database.open(path)
    assert caught.value.path == str(path)
    return caught.value


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def content(path: Path) -> bytes:
    return path.read_bytes()


def has_log(path: Path) -> bool:
    return Path(f"{path}-wal").exists()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.usefixtures("notes")
async def test_folder_and_files_are_their_owner_s_alone(path: Path) -> None:
    assert mode(path.parent) == 0o700
    assert [mode(file) for file in path.parent.iterdir()] == [0o600] * 3


@pytest.fixture
def diary(path: Path) -> bytes:
    """What stands in the place of the database, and others may read it."""
    path.parent.mkdir()
    path.write_text("dear diary, " * 500)
    path.chmod(0o644)
    return path.read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_file_that_others_could_read_is_closed_to_them(path: Path, diary: bytes) -> None:
    prepare(path)
    assert mode(path) == 0o600
    assert content(path) == diary


async def test_fault_33_a_newer_database_is_refused_and_left_alone(path: Path) -> None:
    async with await Database.open(path) as ours:
        newest = ours.version
    with beside(path) as other:
        other.execute(f"PRAGMA user_version = {newest + 1}")
    other.close()
    before = content(path)
    error = await refused(path)
    assert error.fault is StorageFault.NEWER
    assert error.detail == f"version {newest + 1}, known up to {newest}"
    assert content(path) == before


async def test_what_is_no_database_is_unreadable_and_left_alone(path: Path, diary: bytes) -> None:
    assert (await refused(path)).fault is StorageFault.UNREADABLE
    assert content(path) == diary


async def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with beside(path) as other:
        other.execute("CREATE TABLE recipes (text)")
    other.close()
    error = await refused(path)
    assert (error.fault, error.detail) == (StorageFault.FOREIGN, "the database of another program")
    assert not has_log(path)


async def test_fault_31_a_damaged_page_is_unreadable(notes: Database, path: Path) -> None:
    await write_ten(notes, "note")
    page = await notes.fetch_one("SELECT rootpage FROM sqlite_master WHERE name = 'notes'")
    await notes.close()
    assert page is not None
    with path.open("r+b") as file:
        file.seek((page[0] - 1) * 4096)
        file.write(bytes(4096))
    async with await Database.open(path) as again:
        with pytest.raises(StorageError) as caught:
            await texts(again)
    assert caught.value.fault is StorageFault.UNREADABLE


async def test_a_folder_in_the_place_of_the_file_is_not_ours(path: Path) -> None:
    (path / "inside").parent.mkdir(parents=True)
    assert (await refused(path)).fault is StorageFault.FOREIGN


async def test_a_file_in_the_place_of_the_folder_is_no_folder(path: Path) -> None:
    path.parent.touch()
    assert (await refused(path)).fault is StorageFault.NO_FOLDER


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="nothing is closed to root, and modes are POSIX's"
)
async def test_a_folder_that_cannot_be_written_is_no_folder(path: Path) -> None:
    path.parent.mkdir(0o500)
    assert (await refused(path)).fault is StorageFault.NO_FOLDER


def test_an_error_without_a_code_of_sqlite_s_is_a_failure() -> None:
    assert fault_of(sqlite3.ProgrammingError("closed")) is StorageFault.FAILED


@pytest.mark.parametrize(
    ("name", "fault"),
    [("ENOSPC", StorageFault.FULL), ("EACCES", StorageFault.NO_FOLDER), ("EMFILE", StorageFault.FAILED)],
)
def test_an_error_of_the_file_system_is_ours(name: str, fault: StorageFault) -> None:
    with pytest.raises(StorageError) as caught, file_errors_translated(Path("x")):
        raise OSError(getattr(errno, name), "why")
    assert (caught.value.fault, caught.value.detail) == (fault, "why")


async def test_fault_29_a_full_disk_is_told_and_what_was_written_stays(notes: Database) -> None:
    await write_ten(notes, "first")
    pages = await notes.fetch_one("PRAGMA page_count")
    assert pages is not None
    await notes._held.connection.execute_fetchall(f"PRAGMA max_page_count = {pages[0]}")
    with pytest.raises(StorageError) as caught:
        async with notes.transaction() as tx:
            await tx.execute("INSERT INTO notes VALUES (hex(zeroblob(100000)))")
    assert caught.value.fault is StorageFault.FULL
    assert len(await texts(notes)) == 10
