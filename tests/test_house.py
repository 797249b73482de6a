"""The rules of the house, as tests."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("bot", "cogs", "storage", "monitor")
LONGEST_FILE = 300
VAGUE = {"utils.py", "util.py", "helpers.py", "manager.py", "common.py", "misc.py"}
LOCK_FILES = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "package-lock.json"}
TEXT = {".py", ".toml", ".md", ".txt", ".yaml", ".yml", ".sql", ".po", ".example", ".cfg", ".ini", ".sh", ""}

# Put together, so that this file does not find itself.
REGISTRIES = re.compile(
    "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.(?:org|com)", "/simp" + "le/"))
)
HOME = re.compile(
    "|".join(("/ho" + r"me/\w", "/ro" + r"ot/", "/Us" + r"ers/\w", r"[A-Z]:\\Us" + r"ers\\\w", "/wo" + "rk/"))
)

SOURCES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))


def _id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def _words(tracked: list[Path]) -> Iterator[tuple[Path, int, str]]:
    for path in tracked:
        if path.suffix in TEXT:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                yield path, number, line


@pytest.mark.parametrize("path", SOURCES, ids=_id)
def test_a_file_has_one_subject(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST_FILE, f"{lines} lines: split it by subject"
    assert path.name not in VAGUE, "a module is named by what is in it"


@pytest.mark.parametrize("path", SOURCES, ids=_id)
def test_no_bare_except(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bare = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.type is None]
    assert bare == []


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_is_a_typed_package(floor: str) -> None:
    assert (ROOT / floor / "__init__.py").is_file()
    assert (ROOT / floor / "py.typed").is_file()


def test_only_the_settings_read_the_environment() -> None:
    # One variable is a decision; handing the whole on to a child process is none.
    reads = re.compile(r"os\.environ(?:\[|\.get\b|\.pop\b)|\bgetenv\(|from os import .*\benviron\b")
    a_program_of_its_own = {"bot/demo/game.py"}
    found = {_id(path) for path in SOURCES if reads.search(path.read_text(encoding="utf-8"))}
    assert found <= {"bot/settings.py"} | a_program_of_its_own


def test_tests_are_no_packages() -> None:
    assert [_id(path) for path in (ROOT / "tests").rglob("__init__.py")] == []


def _pyproject() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _canonical(requirement: str) -> str:
    name = re.split(r"[\[<>=!~;@ ]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_pinned_to_one_version() -> None:
    project = _pyproject()["project"]
    extras = project["optional-dependencies"]
    assert isinstance(extras, dict)
    wanted = {_canonical(each) for group in (project["dependencies"], *extras.values()) for each in group}
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and line[0] != "#"]
    assert [line for line in lines if not re.fullmatch(r"[\w.\-]+==[\w.]+(?: ?; ?.+)?", line)] == []
    assert wanted - {"gamekeeper"} <= {_canonical(line) for line in lines}


def test_nothing_tracked_is_a_lock_file(tracked: list[Path]) -> None:
    assert [_id(path) for path in tracked if path.name in LOCK_FILES] == []


def test_nothing_tracked_names_a_registry_or_one_machines_folders(tracked: list[Path]) -> None:
    found = [
        f"{_id(path)}:{number}: {line.strip()}"
        for path, number, line in _words(tracked)
        if REGISTRIES.search(line) or HOME.search(line)
    ]
    assert found == []


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / ("lint-imports.exe" if sys.platform == "win32" else "lint-imports")
    return subprocess.run(
        [program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for floor in FLOORS:
        shutil.copytree(ROOT / floor, tmp_path / floor, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_an_import_goes_down_never_up(copy: Path) -> None:
    linted = _lint_imports(copy)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(
    ("module", "statement", "found"),
    [
        ("monitor/model.py", "import discord", "monitor.model -> discord"),
        ("storage/__init__.py", "import discord", "storage -> discord"),
        ("monitor/model.py", "import sqlite3", "monitor.model -> sqlite3"),
        ("monitor/model.py", "import storage", "monitor.model -> storage"),
        ("cogs/__init__.py", "import bot", "cogs -> bot"),
        ("bot/settings.py", "import matplotlib", "bot.settings -> matplotlib"),
    ],
)
def test_an_import_that_the_house_forbids_is_caught(copy: Path, module: str, statement: str, found: str) -> None:
    with (copy / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{statement}\n")
    linted = _lint_imports(copy)
    assert linted.returncode == 1
    assert found in linted.stdout
