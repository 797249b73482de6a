from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor.local.drives import drive_of, read_drives


def test_the_drive_of_a_folder_is_where_its_file_system_begins(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    drive = drive_of(folder)
    assert os.path.ismount(drive)
    assert os.path.realpath(folder).startswith(drive)
    assert Path(drive).stat().st_dev == folder.stat().st_dev


def test_a_folder_that_is_not_made_yet_is_on_the_drive_of_the_one_above(tmp_path: Path) -> None:
    assert drive_of(tmp_path / "not" / "yet") == drive_of(tmp_path)


def test_each_drive_is_as_full_as_the_system_says_and_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    drives = read_drives(folders)
    assert set(drives) == set(folders)
    drive = drives[folders[0]]
    assert drive is drives[folders[1]]
    assert 0 <= drive.free_bytes <= drive.total_bytes
    if hasattr(os, "statvfs"):
        assert drive.total_bytes == (told := os.statvfs(tmp_path)).f_blocks * told.f_frsize
    assert drive.measures["disk_free_pct"] == 100 * drive.free_bytes / drive.total_bytes

    def unreadable(_: str) -> None:
        raise PermissionError

    monkeypatch.setattr("shutil.disk_usage", unreadable)
    assert read_drives(folders) == {}
