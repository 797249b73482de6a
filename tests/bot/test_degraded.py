"""The whole bot where its data folder takes nothing; with a mount of its own, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("mounts of one's own are Linux's", allow_module_level=True)

from bot.workplace import RUNS, workplace
from tests.storage.scarce import play, possible


@pytest.mark.skipif(not possible(), reason="it needs a mount of its own (unshare)")
def test_fault_32_in_a_read_only_folder_games_are_adopted_started_and_stopped_and_nothing_is_forgotten(
    tmp_path: Path,
) -> None:
    answer = play("read_only", tmp_path, "tests.bot.degraded_bot")
    assert answer == {
        "servers": [["desert", "stopped"], ["meadow", "running"]],
        "adopted": True,
        "started": "running",
        "log": False,
        "meadow": ["stopped", "stopped"],
        "desert": ["stopped", "stopped"],
        # The folder took writes again before the end.
        "afterwards": ["stopped", "stopped"],
        "told": ["storage_degraded"],
    }


def test_what_belongs_to_servers_is_written_in_the_data_folder(tmp_path: Path) -> None:
    assert workplace(tmp_path / "data") == tmp_path / "data"
    assert list((tmp_path / "data").iterdir()) == []


def test_where_that_takes_nothing_it_is_written_elsewhere_and_what_is_known_of_runs_goes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / RUNS).mkdir()
    (tmp_path / RUNS / "meadow.run").write_text("marker m\n")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    elsewhere = workplace(tmp_path)
    assert elsewhere.parent == tmp_path
    assert (elsewhere / RUNS / "meadow.run").read_text() == "marker m\n"
