"""From what somebody typed to a description."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drafting import Draft, new_id, spec_of_draft
from monitor.errors import PathFault, PathRefused, PathRole
from monitor.spec import ServerSpec

PROGRAM = "start.bat" if sys.platform == "win32" else "start.sh"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ark = tmp_path / "games" / "Ark Survival"
    ark.mkdir(parents=True)
    (ark / PROGRAM).write_text("#!/bin/sh\n")
    (ark / PROGRAM).chmod(0o755)
    return ark


def made(draft: Draft, *, taken: tuple[str, ...] = (), roots: tuple[Path, ...] = ()) -> ServerSpec:
    return spec_of_draft(draft, taken=taken, adapters={"generic", "minecraft"}, roots=roots)


def test_what_was_typed_becomes_a_description(folder: Path) -> None:
    spec = made(Draft("  My  Ark ", PROGRAM, ("-log",), str(folder), autostart=True), taken=("rust",))
    assert (spec.id, spec.name, spec.game) == ("my-ark", "My Ark", "generic")
    assert (Path(spec.argv[0]), spec.argv[1:]) == (Path(PROGRAM), ("-log",))
    assert (spec.cwd, spec.autostart, spec.admin) == (folder, True, None)


def test_without_a_folder_it_is_the_programs_own(folder: Path) -> None:
    spec = made(Draft("Ark", f' "{folder / PROGRAM}" '))
    assert (spec.cwd, spec.argv) == (folder, (str(folder / PROGRAM),))


@pytest.mark.parametrize("program", ["java", "./start.sh", "games/start.sh"])
def test_where_a_relative_program_starts_from_has_to_be_said(program: str) -> None:
    with pytest.raises(PathRefused) as caught:
        made(Draft("Ark", program))
    assert (caught.value.role, caught.value.fault) == (PathRole.FOLDER, PathFault.EMPTY)


def test_fault_15_58_a_bad_place_is_refused(folder: Path, tmp_path: Path) -> None:
    cases = {
        PathFault.NOT_FOUND: Draft("Ark", "./none", folder=str(folder)),
        PathFault.PARENT: Draft("Ark", PROGRAM, folder=f"{folder}/../x"),
        PathFault.OUTSIDE: Draft("Ark", PROGRAM, folder=str(folder)),
    }
    for fault, draft in cases.items():
        with pytest.raises(PathRefused) as caught:
            made(draft, roots=(tmp_path / "elsewhere",) if fault is PathFault.OUTSIDE else ())
        assert caught.value.fault is fault


def test_the_game_is_guessed_where_it_is_known_and_said_otherwise(folder: Path) -> None:
    draft = Draft("Ark", PROGRAM, folder=str(folder))
    (folder / "server.properties").touch()
    assert made(draft).game == "minecraft"
    assert made(Draft("Ark", PROGRAM, folder=str(folder), game="generic")).game == "generic"
    (folder / "server.properties").rename(folder / "PalServer.exe")
    assert made(draft).game == "generic"


IDS = {
    "plain": (("Survival",), (), "survival"),
    "words": (("My 1st  Server!",), (), "my-1st-server"),
    "korean": (("우리 서버", "ark"), (), "ark"),
    "nothing": (("우리", "서버", "minecraft"), (), "minecraft"),
    "taken": (("Ark",), ("ark", "ark-2"), "ark-3"),
    "long": (("a" * 40,), ("a" * 32,), "a" * 30 + "-2"),
    "cut_at_a_dash": (("a" * 31 + " b",), (), "a" * 31),
}


@pytest.mark.parametrize(("names", "taken", "made_id"), IDS.values(), ids=IDS.keys())
def test_an_id_is_made_from_a_name(names: tuple[str, ...], taken: tuple[str, ...], made_id: str) -> None:
    assert new_id(names, taken) == made_id


@given(st.text(max_size=50), st.sets(st.sampled_from(["x", "x-2", "generic"])))
def test_any_name_gives_an_id_that_is_one_and_free(name: str, taken: set[str]) -> None:
    server_id = new_id((name, "generic"), taken)
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", server_id)
    assert server_id not in taken
