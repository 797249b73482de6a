"""`gamekeeper backup-db`, beside a running bot and without one."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from bot.__main__ import FAILED, main
from bot.app import BACKUPS, DATABASE
from bot.lock import only_one
from storage.backup import problem_of
from storage.database import Database
from tests.bot.in_process import save, sleeper
from tests.storage.test_repair import overwrite


@pytest.fixture(autouse=True)
def data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list(os.environ):
        if name.upper().startswith(("DISCORD_", "GAMEKEEPER_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAMEKEEPER_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def main_in_thread(*arguments: str) -> int:
    """Run it where no event loop runs."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(main, arguments).result()


def backups(data_dir: Path) -> list[Path]:
    return sorted((data_dir / BACKUPS).iterdir())


def servers(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM servers")]


async def test_it_copies_what_is_there_and_says_where_and_how_to_go_back(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await save(data_dir, sleeper(data_dir))
    capsys.readouterr()
    assert main_in_thread("backup-db") == 0
    [made] = backups(data_dir)
    told = capsys.readouterr().out
    assert str(made) in told
    assert "end the bot" in told
    assert servers(made) == ["meadow"]
    assert problem_of(made) is None


async def test_a_running_bot_is_no_obstacle_and_what_it_has_just_written_is_in_the_copy(data_dir: Path) -> None:
    with only_one(data_dir):
        async with await Database.open(data_dir / DATABASE) as running:
            await running.write(lambda tx: tx.execute("INSERT INTO servers (id, spec) VALUES ('new', '{}')"))
            assert main_in_thread("backup-db") == 0
            [made] = backups(data_dir)
            assert servers(made) == ["new"]
            await running.write(lambda tx: tx.execute("INSERT INTO servers (id, spec) VALUES ('newer', '{}')"))


async def test_only_so_many_are_kept(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEKEEPER_BACKUPS_KEPT", "2")
    await save(data_dir)
    for _ in range(4):
        assert main_in_thread("backup-db") == 0
    assert len(backups(data_dir)) == 2


def test_without_a_database_it_makes_none(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup-db"]) == FAILED
    told = capsys.readouterr().err
    assert "it is not there" in told
    assert "GAMEKEEPER_DATA_DIR" in told
    assert not data_dir.exists()


async def test_a_damaged_database_is_no_backup(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await save(data_dir)
    overwrite(data_dir / DATABASE, 2 * 4096, bytes(4096))
    assert main_in_thread("backup-db") == FAILED
    assert "damaged" in capsys.readouterr().err
    assert backups(data_dir) == []
