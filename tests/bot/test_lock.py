from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.lock import LOCK, AlreadyRunning, only_one
from monitor.errors import StorageError, StorageFault

HOLDER = """\
import sys
from pathlib import Path
from bot.lock import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_there_is_one_at_a_time_and_another_after_it(tmp_path: Path) -> None:
    with only_one(tmp_path):
        with pytest.raises(AlreadyRunning) as caught, only_one(tmp_path):
            raise AssertionError
        assert caught.value.data_dir == tmp_path
    with only_one(tmp_path):
        pass


def test_a_failure_inside_lets_the_next_one_in(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), only_one(tmp_path):
        _ = 1 / 0
    with only_one(tmp_path):
        pass


def test_two_folders_are_two_bots(tmp_path: Path) -> None:
    with only_one(tmp_path / "a"), only_one(tmp_path / "b"):
        pass


def test_a_process_that_is_killed_leaves_no_lock_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        with pytest.raises(AlreadyRunning), only_one(tmp_path):
            raise AssertionError
        holder.kill()
        holder.wait(10)
    with only_one(tmp_path):
        pass


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such folder modes")
def test_the_folder_it_makes_is_its_owners_alone(tmp_path: Path) -> None:
    with only_one(tmp_path / "deep" / "data"):
        assert stat.S_IMODE((tmp_path / "deep" / "data").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_a_fault_of_the_storage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError) as caught, only_one(tmp_path / "file"):
        raise AssertionError
    assert caught.value.fault is StorageFault.NO_FOLDER
    assert caught.value.path == str(tmp_path / "file")


def test_fault_32_a_folder_that_takes_nothing_is_locked_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (data := tmp_path / "data").mkdir()
    # No file can be made in its place, whoever asks.
    (data / LOCK).mkdir()
    with only_one(data), pytest.raises(AlreadyRunning), only_one(data):
        raise AssertionError
    with only_one(data):
        pass
