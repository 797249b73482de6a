"""`gamekeeper` on the command line: what it prints where, and the exit code that scripts go by."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from bot.__main__ import FAILED, INTERRUPTED, USAGE, _parser, main
from bot.app import DATABASE
from bot.lock import only_one
from bot.settings import EX_CONFIG
from storage.database import Database
from storage.servers import Servers
from tests.bot.bot_process import Ended, command

CANARY = "canary.SECRET-0f3a.value"

ONE = """\
[[servers]]
id = "meadow"
name = "Meadow"
argv = ["./start.sh", "--world", "초원"]
cwd = "meadow"
admin = { host = "127.0.0.1", port = 25575, password = "canary.SECRET-0f3a.value" }
"""
WRONG = """\
[[servers]]
id = "meadow"
name = "Meadow"
argv = ["./start.sh"]
cwd = "meadow"

[[servers]]
id = "Desert!"
nmae = "Desert"
argv = []
cwd = "desert"
admin = { host = "127.0.0.1", port = 99999, password = "canary.SECRET-0f3a.value" }
"""


@pytest.fixture(autouse=True)
def data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder and an environment with nothing in them but where the data goes."""
    for name in list(os.environ):
        if name.upper().startswith(("DISCORD_", "GAMEKEEPER_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAMEKEEPER_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def taken(data_dir: Path) -> list[str]:
    async def ids() -> list[str]:
        async with await Database.open(data_dir / DATABASE) as db:
            return [spec.id for spec in await Servers(db).all()]

    return asyncio.run(ids())


def parsers(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path to every command and subcommand."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield (*path, name)
                yield from parsers(inner, (*path, name))


COMMANDS = list(parsers(_parser()))


async def test_it_runs_as_a_module_and_tells_its_version(tmp_path: Path) -> None:
    told = await command(tmp_path, {}, "--version")
    assert told == Ended(0, f"gamekeeper {version('gamekeeper')}\n", "")


def test_the_commands_are_those_that_are_documented() -> None:
    assert {path[0] for path in COMMANDS} == {"run", "demo", "backup-db", "server", "export"}
    assert {path[1] for path in COMMANDS if path[0] == "server" and path[1:]} == {"add", "import", "list"}


@pytest.mark.parametrize("path", [(), *COMMANDS], ids=lambda path: " ".join(path) or "gamekeeper")
def test_every_command_has_help(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*path, "--help"])
    assert ended.value.code == 0
    usage, _, rest = capsys.readouterr().out.partition("\n\n")
    assert usage.startswith(" ".join(["usage: gamekeeper", *path]))
    description = rest.partition("\n\n")[0]
    assert len(description) > 20
    assert description.endswith(".")


@pytest.mark.parametrize("path", sorted({path[:-1] for path in COMMANDS}), ids=" ".join)
def test_every_command_stands_in_the_help_above_it_with_what_it_does(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([*path, "--help"])
    text = capsys.readouterr().out
    for below in (other[-1] for other in COMMANDS if other[:-1] == path):
        assert re.search(rf"^ +{below}\s+\w.{{5,}}", text, re.MULTILINE), below


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["fly"], "invalid choice: 'fly'", id="unknown-command"),
        pytest.param(["run", "--fast"], "unrecognized arguments: --fast", id="unknown-option"),
        pytest.param(["server"], "required: COMMAND", id="half-a-command"),
        pytest.param(["server", "import"], "required: file", id="no-file"),
        pytest.param(["export"], "required: server", id="no-server"),
        pytest.param(["export", "a", "--range", "8d"], "8d is too long: measurements are kept for 168h", id="8d"),
        pytest.param(["export", "a", "--range", "1w"], "write one such as 90m, 24h or 7d", id="no-time"),
        pytest.param(
            ["export", "a", "--fields", "x"], "there is no field 'x': the fields are cpu,memory", id="field"
        ),
        pytest.param(["export", "a", "--format", "xml"], "invalid choice: 'xml'", id="no-format"),
        pytest.param(["demo", "--port", "70000"], "'70000' is not a port: use 0 to 65535", id="port-too-high"),
        pytest.param(["demo", "--port", "-1"], "'-1' is not a port", id="negative-port"),
        pytest.param(["demo", "--port", "http"], "'http' is not a port: use 0 to 65535", id="no-port"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (USAGE, "")
    assert says in told.err


def test_without_a_command_it_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == USAGE
    assert "demo" in capsys.readouterr().out


def test_ctrl_c_before_the_bot_listens_for_it_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("bot.servers.list_servers", interrupted)
    assert main(["server", "list"]) == INTERRUPTED
    assert capsys.readouterr().err == ""


# Settings


@pytest.mark.parametrize(
    "arguments", [["run"], ["server", "list"], ["server", "import", "servers.toml"], ["export", "ark"]]
)
def test_fault_64_wrong_settings_are_one_message_and_78(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data_dir: Path
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", f"Bot {CANARY}")
    monkeypatch.setenv("DISCORD_OWNER_IDS", CANARY)
    assert main(arguments) == EX_CONFIG
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("The settings are not right:\n  DISCORD_TOKEN: ")
    assert told.err.count("The settings are not right") == 1
    assert "\n  DISCORD_OWNER_IDS: " in told.err
    assert CANARY not in told.err
    assert not data_dir.exists()


async def test_without_a_token_it_does_not_run_and_says_where_to_put_it(tmp_path: Path) -> None:
    told = await command(tmp_path, {"GAMEKEEPER_DATA_DIR": str(tmp_path / "data")}, "run")
    assert (told.code, told.out) == (EX_CONFIG, "")
    assert told.err.splitlines()[1].startswith("  DISCORD_TOKEN: it is missing")
    assert told.err.splitlines()[2].endswith(
        ".env is not there: copy .env.example to it, or change to the folder that has yours."
    )
    assert not (tmp_path / "data").exists()


async def test_wrong_settings_name_the_file_that_they_stand_in(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DISCORD_TOKEN=\n")
    told = await command(tmp_path, {"GAMEKEEPER_DATA_DIR": str(tmp_path / "data")}, "run")
    assert told.err.splitlines()[-1] == f"They are read from {tmp_path / '.env'}; .env.example explains each."


# Servers


def test_a_file_is_taken_and_listed(tmp_path: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "servers.toml").write_text(ONE, "utf-8")
    assert main(["server", "import", "servers.toml"]) == 0
    told = capsys.readouterr().out
    assert "Took 1 from servers.toml: meadow" in told
    assert f"meadow: its folder {tmp_path / 'meadow'} is not there" in told
    (tmp_path / "meadow").mkdir()
    assert main(["server", "import", "servers.toml"]) == 0
    assert "is not there" not in capsys.readouterr().out
    assert taken(data_dir) == ["meadow"]
    assert main(["server", "list"]) == 0
    listed = capsys.readouterr()
    assert listed.out == f"meadow  generic  {tmp_path / 'meadow'}  ./start.sh --world 초원\n"
    assert CANARY not in listed.out


def test_a_file_taken_again_replaces_its_own_and_leaves_the_others(tmp_path: Path, data_dir: Path) -> None:
    for server_id in ("meadow", "desert", "meadow"):
        (tmp_path / "servers.toml").write_text(ONE.replace('"meadow"', f'"{server_id}"', 1), "utf-8")
        assert main(["server", "import", "servers.toml"]) == 0
    assert taken(data_dir) == ["desert", "meadow"]


@pytest.mark.skipif(os.name != "posix", reason="only a POSIX mode says who may read a file")
@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o640, False), (0o600, False)], ids=oct)
def test_fault_51_a_servers_file_for_all_to_read_is_warned_of_and_not_quoted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: int, *, warned: bool
) -> None:
    file = tmp_path / "servers.toml"
    (tmp_path / "meadow").mkdir()
    file.write_text(ONE, encoding="utf-8")
    file.chmod(mode)
    assert main(["server", "import", str(file)]) == 0
    printed = capsys.readouterr().out
    assert (f"chmod 600 {file}" in printed) is warned
    assert CANARY not in printed


def test_fault_64_the_list_of_an_old_monitor_is_taken_and_what_is_left_out_is_told_without_showing_it(
    tmp_path: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    webhook = f"https://discord.com/api/webhooks/1/{CANARY}"
    program = {"name": "초원", "path": "/srv/meadow/start.sh", "args": "--world 초원", "webhook_urls": [webhook]}
    (tmp_path / "programs.json").write_text(json.dumps([program], indent=1), "utf-8")
    assert main(["server", "import", "programs.json"]) == 0
    told = capsys.readouterr()
    assert "Took 1 from programs.json: start" in told.out
    assert "\n  line 6: [0].webhook_urls: not taken" in told.out
    assert "/alerts add" in told.out
    assert CANARY not in told.out + told.err
    assert taken(data_dir) == ["start"]
    assert main(["server", "list"]) == 0
    assert capsys.readouterr().out == "start  generic  /srv/meadow  /srv/meadow/start.sh --world 초원\n"


def test_a_list_of_nothing_says_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server", "list"]) == 0
    assert "gamekeeper server import servers.toml" in capsys.readouterr().out


async def test_a_name_that_the_terminal_has_no_letters_for_is_listed_all_the_same(
    tmp_path: Path, data_dir: Path
) -> None:
    (tmp_path / "servers.toml").write_text(ONE, "utf-8")
    ascii_only = {"GAMEKEEPER_DATA_DIR": str(data_dir), "PYTHONIOENCODING": "ascii"}
    assert (await command(tmp_path, ascii_only, "server", "import", "servers.toml")).code == 0
    listed = await command(tmp_path, ascii_only, "server", "list")
    assert (listed.code, listed.err) == (0, "")
    assert r"--world \ucd08\uc6d0" in listed.out


def test_fault_50_a_wrong_file_is_told_line_by_line_and_nothing_of_it_is_taken(
    tmp_path: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "servers.toml").write_text(WRONG, "utf-8")
    assert main(["server", "import", "servers.toml"]) == FAILED
    told = capsys.readouterr()
    assert told.out == ""
    heading, *problems = told.err.splitlines()
    assert heading == "gamekeeper: servers.toml was not taken:"
    found = [re.match(r"  line (\d+): (servers\[1\][\w.]*): ", line) for line in problems]
    assert {match[2]: int(match[1]) for match in found if match} == {
        "servers[1].id": 8,
        "servers[1].name": 7,
        "servers[1].nmae": 9,
        "servers[1].argv": 10,
        "servers[1].admin.port": 12,
    }
    assert CANARY not in told.err
    assert taken(data_dir) == []


def _missing(_path: Path) -> None:
    pass


def _binary(path: Path) -> None:
    path.write_bytes(b'[[servers]]\nid = "\xff"\n')


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**33)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(_missing, "it cannot be read: No such file or directory", id="missing"),
        pytest.param(Path.mkdir, "it cannot be read: ", id="folder"),
        pytest.param(_binary, "line 2: this is not UTF-8 text", id="binary"),
        pytest.param(_huge, "the file is larger than 1024 KiB", id="huge"),
        pytest.param(Path.touch, "there are no servers", id="empty"),
    ],
)
def test_what_is_no_servers_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: object, says: str
) -> None:
    assert callable(make)
    make(tmp_path / "servers.toml")
    assert main(["server", "import", "servers.toml"]) == FAILED
    told = capsys.readouterr().err
    assert told.startswith("gamekeeper: servers.toml was not taken:\n  ")
    assert says in told


def test_a_folder_that_cannot_be_made_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GAMEKEEPER_DATA_DIR", str(tmp_path / "file" / "data"))
    assert main(["server", "list"]) == FAILED
    told = capsys.readouterr().err
    assert str(tmp_path / "file" / "data") in told
    assert "set GAMEKEEPER_DATA_DIR" in told


def test_a_database_that_is_none_is_named_and_left_as_it_is(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_dir.mkdir()
    (data_dir / DATABASE).write_bytes(b"not a database " * 100)
    assert main(["server", "list"]) == FAILED
    assert f"the database {data_dir / DATABASE} cannot be used: it is damaged" in capsys.readouterr().err
    assert (data_dir / DATABASE).read_bytes() == b"not a database " * 100


def test_while_a_bot_runs_nothing_is_taken(
    tmp_path: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "servers.toml").write_text(ONE, "utf-8")
    with only_one(data_dir):
        assert main(["server", "import", "servers.toml"]) == FAILED
    assert f"another gamekeeper is running on {data_dir}" in capsys.readouterr().err
    assert taken(data_dir) == []
    assert main(["server", "import", "servers.toml"]) == 0
