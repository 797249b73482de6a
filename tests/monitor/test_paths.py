"""Which paths are taken: by their text alike on every system, then by where they lead."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import PathFault, PathRefused, PathRole
from monitor.paths import WHY, folder_of, homeless, place_problems, program_of, require_allowed, text_fault
from tests.fakes.house import spec_of

TEXTS = {
    "empty": ("  ", PathFault.EMPTY),
    "too_long": ("/" + "a" * 1_000, PathFault.TOO_LONG),
    "nul": ("/srv/a\0b", PathFault.CHARACTER),
    "newline": ("/srv/a\nb", PathFault.CHARACTER),
    "right_to_left": ("/srv/\u202egpj.exe", PathFault.CHARACTER),
    "wildcard": ("/srv/*.exe", PathFault.CHARACTER),
    "quoted": ('"C:\\Games"', PathFault.CHARACTER),
    "unc": (r"\\host\share\x", PathFault.NETWORK),
    "unc_slashes": ("//host/share", PathFault.NETWORK),
    "unc_mixed": (r"\/host\share", PathFault.NETWORK),
    "device_namespace": (r"\\.\PhysicalDrive0", PathFault.NETWORK),
    "drive_relative": ("C:x", PathFault.DRIVE_RELATIVE),
    "drive_alone": ("C:", PathFault.DRIVE_RELATIVE),
    "stream": (r"C:\Games\a.txt:hidden", PathFault.STREAM),
    "stream_of_a_folder": ("/srv/a::$INDEX_ALLOCATION", PathFault.STREAM),
    "parent": ("/srv/games/../../etc/passwd", PathFault.PARENT),
    "parent_backslashes": (r"C:\Games\..\Windows", PathFault.PARENT),
    "trailing_dot": ("/srv/games./x", PathFault.TRAILING),
    "trailing_space": ("/srv/games /x", PathFault.TRAILING),
    "three_dots": ("/srv/.../x", PathFault.TRAILING),
    "device": ("/srv/CON", PathFault.DEVICE),
    "device_with_suffix": (r"D:\srv\nul.txt", PathFault.DEVICE),
    "device_blank_suffix": ("/srv/aux .log", PathFault.DEVICE),
    "device_superscript": ("/srv/COM¹", PathFault.DEVICE),
    "short_name": (r"C:\PROGRA~1\x", PathFault.SHORT_NAME),
    "short_file": (r"C:\x\SERVER~2.EXE", PathFault.SHORT_NAME),
}
FINE = {
    "posix": "/srv/games/ark",
    "windows": r"D:\Games\ARK Survival\ShooterGame.exe",
    "windows_slashes": "D:/Games",
    "korean": "/srv/팰월드/시작.sh",
    "hidden": "/srv/.steam/x",
    "relative": "./start.sh",
    "bare": "java",
    "device_inside_a_word": "/srv/console/auxiliary/com10",
    "backup": "/srv/notes.txt~",
}


@pytest.mark.parametrize(
    ("text", "fault"),
    [pytest.param(*case, id=f"fault-58-{name}", marks=pytest.mark.fault(58)) for name, case in TEXTS.items()],
)
def test_a_text_that_is_refused_on_every_system(text: str, fault: PathFault) -> None:
    assert text_fault(text) is fault


@pytest.mark.parametrize("text", FINE.values(), ids=FINE.keys())
def test_a_text_that_is_taken(text: str) -> None:
    assert text_fault(text) is None


@settings(max_examples=500)
@given(st.text(max_size=8), st.sampled_from(["..", "CON", "lpt1.txt", "a:b", "x.", "\0", "PROGRA~1"]), st.booleans())
def test_fault_58_no_neighbour_makes_a_bad_name_good(before: str, name: str, backslash: bool) -> None:  # noqa: FBT001
    separator = "\\" if backslash else "/"
    assert text_fault(separator.join(("/srv", before, name, "x"))) is not None


# Where it leads


def program(folder: Path, name: str = "start.sh", mode: int = 0o755) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name if sys.platform != "win32" else Path(name).stem + ".bat")
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def refused(
    role: PathRole, fault: PathFault, text: str, *, folder: Path | None = None, roots: tuple[Path, ...] = ()
) -> None:
    judge = partial(folder_of, text, roots) if folder is None else partial(program_of, text, folder, roots)
    with pytest.raises(PathRefused) as caught:
        judge()
    assert (caught.value.role, caught.value.fault, caught.value.path) == (role, fault, text)
    assert caught.value.roots == (tuple(map(str, roots)) if fault is PathFault.OUTSIDE else ())


def test_fault_15_a_folder_that_is_none(tmp_path: Path) -> None:
    file = program(tmp_path)
    refused(PathRole.FOLDER, PathFault.NOT_FOUND, str(tmp_path / "no"))
    refused(PathRole.FOLDER, PathFault.NOT_A_FOLDER, str(file))
    refused(PathRole.FOLDER, PathFault.RELATIVE, "games/ark")
    refused(PathRole.FOLDER, PathFault.PARENT, str(tmp_path) + "/../x")


def test_fault_15_a_program_that_is_none(tmp_path: Path) -> None:
    program(tmp_path)
    refused(PathRole.PROGRAM, PathFault.NOT_FOUND, "./no", folder=tmp_path)
    refused(PathRole.PROGRAM, PathFault.NOT_FOUND, "no-such-program-anywhere", folder=tmp_path)
    refused(PathRole.PROGRAM, PathFault.NOT_EXECUTABLE, str(tmp_path), folder=tmp_path)
    refused(PathRole.PROGRAM, PathFault.PARENT, "../x", folder=tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permission")
def test_fault_15_a_program_without_permission_to_run(tmp_path: Path) -> None:
    program(tmp_path, mode=0o644)
    refused(PathRole.PROGRAM, PathFault.NOT_EXECUTABLE, "start.sh", folder=tmp_path)


def test_a_program_is_spelled_so_that_it_is_found_where_it_was_meant(tmp_path: Path) -> None:
    name = program(tmp_path / "ark").name
    python = Path(sys.executable)
    assert program_of(name, tmp_path / "ark", ()) == os.path.join(".", name)  # noqa: PTH118
    assert program_of(f"ark/{name}", tmp_path, ()).replace("\\", "/") == f"./ark/{name}"
    assert program_of(str(python), tmp_path, ()) == str(python)


@pytest.mark.skipif(sys.platform == "win32", reason="sh is of other systems")
def test_a_bare_name_is_the_search_paths_own_wherever_it_lies(tmp_path: Path) -> None:
    assert program_of("sh", tmp_path, (tmp_path,)) == "sh"


def test_inside_the_allowed_roots(tmp_path: Path) -> None:
    name = program(tmp_path / "games" / "ark").name
    roots = (tmp_path / "other", tmp_path / "games")
    folder = folder_of(str(tmp_path / "games" / "ark"), roots)
    assert folder == tmp_path / "games" / "ark"
    assert program_of(name, folder, roots)
    refused(PathRole.FOLDER, PathFault.OUTSIDE, str(tmp_path), roots=roots)
    elsewhere = str(program(tmp_path / "games2"))
    refused(PathRole.PROGRAM, PathFault.OUTSIDE, elsewhere, folder=folder, roots=roots)


@pytest.mark.skipif(sys.platform == "win32", reason="a symbolic link takes a right there")
def test_a_link_is_judged_by_where_it_leads(tmp_path: Path) -> None:
    roots = (tmp_path / "games",)
    outside = program(tmp_path / "outside")
    (tmp_path / "games" / "ark").mkdir(parents=True)
    (tmp_path / "games" / "ark" / "run").symlink_to(outside)
    (tmp_path / "games" / "link").symlink_to(outside.parent)
    (tmp_path / "way-in").symlink_to(tmp_path / "games")
    refused(PathRole.FOLDER, PathFault.OUTSIDE, str(tmp_path / "games" / "link"), roots=roots)
    refused(PathRole.PROGRAM, PathFault.OUTSIDE, "./run", folder=tmp_path / "games" / "ark", roots=roots)
    assert folder_of(str(tmp_path / "way-in" / "ark"), roots) == tmp_path / "way-in" / "ark"


@pytest.mark.skipif(sys.platform == "win32", reason="a symbolic link takes a right there")
def test_a_link_that_leads_round_in_circles_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    refused(PathRole.FOLDER, PathFault.NOT_FOUND, str(tmp_path / "a"))
    with pytest.raises(PathRefused) as outside:
        require_allowed(spec_of("ark", cwd=tmp_path / "a"), [tmp_path / "games"])
    assert outside.value.fault is PathFault.OUTSIDE


@pytest.mark.parametrize(
    ("cwd", "argv", "fault"),
    [
        ("games/new", ("./start.sh",), None),
        ("games/new", ("java",), None),
        ("elsewhere", ("java",), PathFault.OUTSIDE),
        ("games/new", ("../start.sh",), PathFault.PARENT),
        ("games/../x", ("java",), PathFault.PARENT),
    ],
)
def test_what_a_file_describes_need_not_exist_but_must_be_allowed(
    tmp_path: Path, cwd: str, argv: tuple[str, ...], fault: PathFault | None
) -> None:
    spec = spec_of(cwd=Path(f"{tmp_path}/{cwd}"), argv=argv)
    if fault is None:
        require_allowed(spec, (tmp_path / "games",))
        return
    with pytest.raises(PathRefused) as caught:
        require_allowed(spec, (tmp_path / "games",))
    assert caught.value.fault is fault


def test_what_a_file_describes_may_not_run_a_program_from_elsewhere(tmp_path: Path) -> None:
    spec = spec_of(cwd=tmp_path / "games", argv=(str(tmp_path / "x.sh"),))
    with pytest.raises(PathRefused) as caught:
        require_allowed(spec, (tmp_path / "games",))
    assert (caught.value.role, caught.value.fault) == (PathRole.PROGRAM, PathFault.OUTSIDE)


def test_all_that_is_wrong_with_a_file_is_told_by_key(tmp_path: Path) -> None:
    good = spec_of(cwd=tmp_path, argv=("java",))
    outside, stream = replace(good, cwd=tmp_path.parent), replace(good, argv=("./a:b",))
    problems = place_problems([good, outside, stream], (tmp_path,))
    assert [problem.key for problem in problems] == ["servers[1].cwd", "servers[2].argv"]
    assert "GAMEKEEPER_ALLOWED_ROOTS" in problems[0].message
    assert "./a:b" in problems[1].message


def test_fault_58_a_folder_that_cannot_even_be_looked_for_is_not_there(tmp_path: Path) -> None:
    there, none, impossible = (spec_of(cwd=tmp_path / name) for name in ("", "none", "x" * 300))
    assert homeless([there, none, impossible]) == [none, impossible]


def test_there_are_words_for_every_fault() -> None:
    assert set(WHY) == set(PathFault)
