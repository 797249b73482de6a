"""Which game a folder holds, and what its own files put into a description that says nothing of it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.errors import GameFileError
from monitor.games.guess import guess
from monitor.games.own_files import Caveat, OwnSettings, filled, find_own, outfitted
from monitor.games.palworld_ini import FILES
from monitor.spec import AdminEndpoint, Endpoint, ReadyPolicy, Secret, ServerSpec, StopPolicy
from tests.fakes.house import spec_of

FOLDERS = {
    "palworld_windows": (["PalServer.exe", "Engine", "Pal"], "palworld"),
    "palworld_linux": (["PalServer.sh", "steamapps"], "palworld"),
    "palworld_inner": (["Pal", "Engine"], "palworld"),
    "minecraft_run_before": (["server.properties", "paper-1.21.jar"], "minecraft"),
    "minecraft_eula": (["eula.txt", "fabric-server-launch.JAR"], "minecraft"),
    "minecraft_new": (["server.jar"], "minecraft"),
    "a_jar_alone": (["tool.jar"], None),
    "eula_alone": (["EULA.txt", "setup.exe"], None),
    "two_games": (["server.properties", "PalServer.sh"], None),
    "nothing": ([], None),
    "something_else": (["start.sh", "readme.txt"], None),
}


@pytest.mark.parametrize(("names", "game"), FOLDERS.values(), ids=FOLDERS.keys())
def test_the_game_is_guessed_from_the_names_in_its_folder(names: list[str], game: str | None) -> None:
    assert guess(names) == game


def minecraft(folder: Path, properties: str = "enable-rcon=true\nrcon.password=hunter2\n") -> ServerSpec:
    folder.mkdir(exist_ok=True)
    (folder / "server.jar").touch()
    (folder / "server.properties").write_text(properties)
    return spec_of(cwd=folder)


def palworld(folder: Path, options: str = 'AdminPassword="hunter2",RCONEnabled=True') -> ServerSpec:
    (folder / "PalServer.sh").touch()
    file = folder / FILES[sys.platform == "win32"]
    file.parent.mkdir(parents=True)
    file.write_text(f"OptionSettings=({options})")
    return spec_of(cwd=folder)


def found(spec: ServerSpec) -> OwnSettings:
    own = find_own(spec)
    assert own is not None
    return own


def test_minecraft_is_reached_as_its_own_file_says(tmp_path: Path) -> None:
    spec = minecraft(tmp_path)
    own = found(spec)
    assert (own.game, own.file, own.caveats) == ("minecraft", tmp_path / "server.properties", (Caveat.NO_ADAPTER,))
    assert filled(spec, own) == replace(
        spec,
        admin=AdminEndpoint("127.0.0.1", 25575, Secret("hunter2")),
        query=Endpoint("127.0.0.1", 25565),
        ready=ReadyPolicy(log=r"Done \("),
        stop=StopPolicy(command="stop", save="save-all flush", saved_log="Saved the game"),
    )


def test_palworld_is_reached_by_rcon(tmp_path: Path) -> None:
    spec = palworld(tmp_path)
    own = found(spec)
    assert own.game == "palworld"
    after = filled(spec, own)
    assert after.admin == AdminEndpoint("127.0.0.1", 25575, Secret("hunter2"))
    assert after.stop == StopPolicy(command="Shutdown 1", save="Save")


CAVEATS = {
    "rcon_off": ("rcon.password=x\n", Caveat.RCON_OFF),
    "no_password": ("enable-rcon=true\n", Caveat.NO_PASSWORD),
}


@pytest.mark.parametrize(("properties", "caveat"), CAVEATS.values(), ids=CAVEATS.keys())
def test_without_rcon_there_is_no_admin_port_and_it_is_said_why(
    tmp_path: Path, properties: str, caveat: Caveat
) -> None:
    spec = minecraft(tmp_path, properties)
    own = found(spec)
    assert caveat in own.caveats
    assert filled(spec, own).admin is None
    assert filled(spec, own).stop.command == "stop"


@pytest.mark.parametrize(
    ("options", "caveat"),
    [("RCONEnabled=False", Caveat.RCON_OFF), ('RCONEnabled=True,AdminPassword=""', Caveat.NO_PASSWORD)],
    ids=["rcon_off", "no_password"],
)
def test_palworld_without_rcon_keeps_to_signals(tmp_path: Path, options: str, caveat: Caveat) -> None:
    spec = palworld(tmp_path, options)
    own = found(spec)
    assert caveat in own.caveats
    assert filled(spec, own) == spec


def test_what_the_description_says_wins(tmp_path: Path) -> None:
    told = replace(
        minecraft(tmp_path),
        admin=AdminEndpoint("127.0.0.1", 1, Secret("mine")),
        query=Endpoint("127.0.0.1", 2),
        ready=ReadyPolicy(log="Ready"),
        stop=StopPolicy(signal="SIGTERM", save="save-on"),
    )
    after = filled(told, found(told))
    assert after == told


def test_a_game_with_an_adapter_has_its_own_way_to_stop(tmp_path: Path) -> None:
    spec = replace(minecraft(tmp_path), game="minecraft")
    own = found(spec)
    assert own.caveats == ()
    after = filled(spec, own)
    assert after.admin is not None
    assert (after.stop, after.ready) == (StopPolicy(), ReadyPolicy())


def test_a_password_changed_in_the_file_counts_the_next_time(tmp_path: Path) -> None:
    spec = minecraft(tmp_path)
    assert find_own(spec)
    minecraft(tmp_path, "enable-rcon=true\nrcon.password=changed\n")
    admin = found(spec).admin
    assert admin is not None
    assert admin.password == Secret("changed")


def test_a_game_that_has_not_run_yet_has_no_file(tmp_path: Path) -> None:
    (tmp_path / "server.jar").touch()
    own = found(spec_of(cwd=tmp_path))
    assert own.caveats == (Caveat.NO_ADAPTER, Caveat.NO_FILE)
    assert filled(spec_of(cwd=tmp_path), own) == spec_of(cwd=tmp_path)


@pytest.mark.parametrize("game", ["generic", "rust"])
def test_of_a_folder_that_tells_nothing_nothing_is_known(tmp_path: Path, game: str) -> None:
    assert find_own(spec_of(cwd=tmp_path, game=game)) is None
    assert find_own(spec_of(cwd=tmp_path / "no", game=game)) is None


def test_fault_50_a_wrong_file_is_named(tmp_path: Path) -> None:
    spec = minecraft(tmp_path, "rcon.port=x\n")
    with pytest.raises(GameFileError) as caught:
        find_own(spec)
    assert caught.value.source == str(tmp_path / "server.properties")
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [(1, "rcon.port")]


def test_fault_64_the_password_found_is_told_to_whoever_hides_it(tmp_path: Path) -> None:
    hidden: list[str] = []
    assert outfitted(minecraft(tmp_path), hidden.extend).admin is not None
    assert hidden == ["hunter2"]
    assert outfitted(spec_of(cwd=tmp_path / "no"), hidden.extend) == spec_of(cwd=tmp_path / "no")


def test_fault_50_a_start_goes_on_without_a_file_that_is_wrong(tmp_path: Path) -> None:
    spec = minecraft(tmp_path, "rcon.port=x\nrcon.password=hunter2\n")
    with capture_logs() as logs:
        assert outfitted(spec) == spec
    assert [(entry["event"], entry["server"]) for entry in logs] == [("game_file_not_read", "ark")]
    assert "hunter2" not in repr(logs)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="takes a user who may not read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    spec = minecraft(tmp_path)
    (tmp_path / "server.properties").chmod(0)
    with pytest.raises(GameFileError) as caught:
        find_own(spec)
    assert "cannot be read" in caught.value.problems[0].message


def test_fault_58_a_folder_that_cannot_even_be_looked_into_has_no_file(tmp_path: Path) -> None:
    spec = spec_of(game="palworld", cwd=tmp_path / ("x" * 300))
    assert found(spec).caveats == (Caveat.NO_FILE,)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_fault_60_a_pipe_in_the_place_of_the_file_is_no_file(tmp_path: Path) -> None:
    spec = minecraft(tmp_path)
    (tmp_path / "server.properties").unlink()
    os.mkfifo(tmp_path / "server.properties")
    assert Caveat.NO_FILE in found(spec).caveats
