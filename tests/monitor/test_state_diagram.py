"""The diagram in `docs/supervision.md` is the table of `monitor/lifecycle.py`, and stays so."""

from __future__ import annotations

import re
from pathlib import Path

from monitor.lifecycle import TRANSITIONS
from monitor.model import State

DIAGRAM = (Path(__file__).parents[2] / "docs" / "supervision.md").read_text(encoding="utf-8")
ARROW = re.compile(r"^    (\w+) --> (\w+): \S.*$", re.MULTILINE)


def test_the_diagram_shows_every_transition_and_no_other() -> None:
    drawn = {(State(before), State(after)) for before, after in ARROW.findall(DIAGRAM)}
    assert drawn == {(before, after) for before, reached in TRANSITIONS.items() for after in reached}
