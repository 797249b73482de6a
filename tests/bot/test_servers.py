"""`gamekeeper server` on the command line: what it takes, refuses, finds out, and writes to the audit."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bot.__main__ import FAILED, main
from bot.app import DATABASE
from monitor.model import ActorKind
from monitor.spec import ServerSpec
from storage.audit import Audit, AuditRecord
from storage.database import Database
from storage.servers import Servers

CANARY = "canary-6f6f-password"
PROGRAM = "start.bat" if sys.platform == "win32" else "start.sh"


@pytest.fixture
def ark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program in it, and an environment with nothing but where the data goes."""
    for name in list(os.environ):
        if name.upper().startswith(("DISCORD_", "GAMEKEEPER_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAMEKEEPER_DATA_DIR", str(tmp_path / "data"))
    folder = tmp_path / "games" / "ark"
    folder.mkdir(parents=True)
    (folder / PROGRAM).write_text("#!/bin/sh\n")
    (folder / PROGRAM).chmod(0o755)
    return folder


def kept(tmp_path: Path) -> tuple[list[ServerSpec], list[AuditRecord]]:
    async def read() -> tuple[list[ServerSpec], list[AuditRecord]]:
        async with await Database.open(tmp_path / "data" / DATABASE) as db:
            return list(await Servers(db).all()), list(await Audit(db).page())

    return asyncio.run(read())


def test_a_server_is_taken_and_audited(ark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--autostart", "--folder", str(ark), "My Ark", PROGRAM, "-log", "--autostart"]
    assert main(["server", "add", *given]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"Took my-ark: My Ark, generic, {ark}, ")
    assert told.splitlines()[-1] == "They are looked after from the next `gamekeeper run` on."
    [spec], [record] = kept(tmp_path)
    assert (spec.id, spec.cwd, spec.argv[1:], spec.autostart) == ("my-ark", ark, ("-log", "--autostart"), True)
    assert (record.entry.by.kind, record.entry.entry) == (ActorKind.COMMAND_LINE, "gamekeeper server add")
    assert record.outcome is not None
    assert f"my-ark: cwd: – → {ark}" in record.outcome.detail


def test_where_nothing_is_said_it_runs_where_the_program_is(ark: Path, tmp_path: Path) -> None:
    assert main(["server", "add", "One", str(ark / PROGRAM)]) == 0
    os.chdir(ark)
    assert main(["server", "add", "One", f"./{PROGRAM}"]) == 0
    specs, _ = kept(tmp_path)
    assert [(spec.id, spec.cwd) for spec in specs] == [("one", ark), ("one-2", ark)]


def test_what_the_games_own_files_say_is_told_without_the_password(
    ark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (ark / "server.properties").write_text(f"enable-rcon=true\nrcon.password={CANARY}\n")
    assert main(["server", "add", "--folder", str(ark), "Mine", PROGRAM, "-password", CANARY]) == 0
    told = capsys.readouterr().out
    assert "It looks like minecraft." in told
    assert "admin port 25575, with its password, port for players 25565" in told
    assert main(["server", "list"]) == 0
    told += capsys.readouterr().out
    assert "-password ***" in told
    _, records = kept(tmp_path)
    assert CANARY not in told + repr(records)


def test_a_games_own_file_that_is_wrong_is_told_and_stops_nothing(
    ark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (ark / "server.properties").write_text("\nrcon.port=x\n")
    assert main(["server", "add", "--folder", str(ark), "Mine", PROGRAM]) == 0
    assert "  line 2: rcon.port: it should be a port" in capsys.readouterr().out
    assert len(kept(tmp_path)[0]) == 1


WRONG = {
    "fault-15-program": (
        ["--folder", "games/ark", "A", "./none"],
        "the program './none' is not taken: it does not exist",
    ),
    "fault-15-folder": (["--folder", "games/none", "A", PROGRAM], "is not taken: it does not exist"),
    "fault-58-parent": (["--folder", "games/../games", "A", PROGRAM], "it has .. in it"),
    "game": (
        ["--folder", "games/ark", "--game", "tetris", "A", PROGRAM],
        "no adapter is called tetris. Known: generic",
    ),
}


@pytest.mark.parametrize(("given", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_is_refused_and_nothing_is_taken(
    ark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str], told: str
) -> None:
    assert main(["server", "add", *given]) == FAILED
    assert told in capsys.readouterr().err
    assert kept(tmp_path) == ([], [])


def test_fault_58_outside_the_allowed_folders_nothing_is_taken(
    ark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = tmp_path / "allowed"
    monkeypatch.setenv("GAMEKEEPER_ALLOWED_ROOTS", str(allowed))
    assert main(["server", "add", "--folder", str(ark), "A", PROGRAM]) == FAILED
    assert f"GAMEKEEPER_ALLOWED_ROOTS ({allowed})" in capsys.readouterr().err
    (tmp_path / "servers.toml").write_text('[[servers]]\nid = "a"\nname = "A"\nargv = ["x"]\ncwd = "games/ark"\n')
    assert main(["server", "import", "servers.toml"]) == FAILED
    assert "servers[0].cwd" in capsys.readouterr().err
    assert kept(tmp_path) == ([], [])


def test_a_file_is_audited_with_before_and_after(ark: Path, tmp_path: Path) -> None:
    text = '[[servers]]\nid = "a"\nname = "A"\nargv = ["x"]\ncwd = "games/ark"\n'
    for name in ("A", "B"):
        (tmp_path / "servers.toml").write_text(text.replace('"A"', f'"{name}"'))
        assert main(["server", "import", "servers.toml"]) == 0
    _, records = kept(tmp_path)
    assert [record.entry.entry for record in records] == ["gamekeeper server import"] * 2
    assert records[0].outcome is not None
    assert records[0].outcome.detail == "a: name: A → B"


def test_fault_31_where_the_database_is_gone_none_is_put_in_the_way_of_its_backup(
    ark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["server", "add", "--folder", str(ark), "My Ark", PROGRAM]) == 0
    assert main(["backup-db"]) == 0
    (tmp_path / "data" / DATABASE).unlink()
    assert main(["server", "list"]) == FAILED
    assert "`gamekeeper run`" in capsys.readouterr().err
    assert not (tmp_path / "data" / DATABASE).exists()
