"""Who belongs to a server, over made-up process tables."""

from __future__ import annotations

import pytest

from monitor.local.tree import Row, descendants, marked_root, members
from monitor.model import ProcessId


def who(pid: int, started: int | None = None) -> ProcessId:
    return ProcessId(pid, pid if started is None else started, "boot")


def row(
    pid: int, ppid: int, session: int | None = None, marker: str | None = None, started: int | None = None
) -> Row:
    return Row(who(pid, started), ppid, session, marker)


INIT = row(1, 0, 1)
GAME = row(100, 50, 100, "run-1")
CHILD = row(110, 100, 100, "run-1")
GRANDCHILD = row(120, 110, 100, "run-1")
STRANGER = row(200, 1, 200, "run-2")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([INIT, GAME, STRANGER], [], id="alone"),
        pytest.param([GRANDCHILD, CHILD, GAME, INIT], [110, 120], id="grandchildren, in any order"),
        pytest.param([GAME, row(60, 100, started=60)], [], id="older than its parent: the pid was reused"),
        pytest.param([GAME, row(100, 100)], [], id="its own parent"),
        pytest.param([GAME, row(110, 120), row(120, 110, started=110)], [], id="a circle elsewhere"),
    ],
)
def test_descendants(rows: list[Row], expected: list[int]) -> None:
    assert [found.pid for found in descendants(GAME.identity, rows)] == expected


@pytest.mark.parametrize(
    ("rows", "marker", "expected"),
    [
        pytest.param([INIT, GAME, CHILD, GRANDCHILD, STRANGER], None, [100, 110, 120], id="the tree"),
        pytest.param([GAME, row(120, 1, 100)], None, [100, 120], id="an orphan of the same session"),
        pytest.param([GAME, row(120, 1, 120, "run-1")], "run-1", [100, 120], id="a daemon with the marker"),
        pytest.param([GAME, row(120, 1, 120, "run-2")], "run-1", [100], id="a daemon with another's marker"),
        pytest.param([GAME, row(120, 1, 120), row(130, 120, 120)], None, [100], id="a stranger and its child"),
        pytest.param(
            [row(120, 1, 100), row(130, 120, 130)], None, [120, 130], id="left behind by a root that is gone"
        ),
        pytest.param(
            [row(100, 1, 100, started=999), row(120, 100, 100)], None, [], id="fault 13: the pid is another's"
        ),
        pytest.param(
            [row(100, 1, 100, started=999), row(120, 1, 77, "run-1")],
            "run-1",
            [120],
            id="fault 13: the pid is another's, the marker still ours",
        ),
        pytest.param([INIT, STRANGER], "run-1", [], id="all gone"),
        pytest.param([row(120, 1, 120), row(130, 1, 130)], None, [], id="no marker is not a marker"),
    ],
)
def test_members(rows: list[Row], marker: str | None, expected: list[int]) -> None:
    assert [member.pid for member in members(GAME.identity, marker, rows)] == expected


def test_the_root_is_the_first_to_be_signalled() -> None:
    older = row(90, 1, 100, started=90)
    assert members(GAME.identity, None, [older, CHILD, GAME])[0] == GAME.identity


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([GRANDCHILD, CHILD, GAME, STRANGER], 100, id="the topmost"),
        pytest.param([GRANDCHILD, CHILD], 110, id="its launcher has gone"),
        pytest.param([row(140, 1, 100, "run-1"), row(130, 1, 100, "run-1")], 130, id="the oldest of several"),
        pytest.param([INIT, STRANGER], None, id="none"),
        pytest.param(
            [row(100, 50, marker="run-1"), row(50, 100, marker="run-1", started=110)],
            100,
            id="fault 11: its child has the number of its launcher, which has gone",
        ),
    ],
)
def test_the_root_of_a_marked_tree(rows: list[Row], expected: int | None) -> None:
    found = marked_root("run-1", rows)
    assert (found and found.pid) == expected
