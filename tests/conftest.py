"""Which tests are run.

`pytest -k faults` selects every test that shows a row of the fault table, however it names the row. What takes
minutes, a soak, is left out unless `-m` speaks of it: not by addopts, which any other `-m` would take the place of.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import settings

# An example that takes long on a busy machine shows nothing.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

_IN_NAME = re.compile(r"fault((?:[_-]\d+)+)")


def _rows_in_name(name: str) -> set[int]:
    return {int(row) for rows in _IN_NAME.findall(name) for row in re.findall(r"\d+", rows)}


def pytest_itemcollected(item: pytest.Item) -> None:
    named = _rows_in_name(item.name)
    marked = {int(mark.args[0]) for mark in item.iter_markers("fault")}
    if marked - named and "[" not in item.name:
        rows = "_".join(map(str, sorted(marked | named)))
        raise pytest.UsageError(f"{item.nodeid}: its name must tell the row too, as in test_fault_{rows}_…")
    rows_shown = named | marked
    if rows_shown:
        item.extra_keyword_matches.update({"faults", *(f"fault-{row}" for row in rows_shown)})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "soak" in config.getoption("-m"):
        return
    soaks = [item for item in items if item.get_closest_marker("soak")]
    if soaks:
        config.hook.pytest_deselected(items=soaks)
        items[:] = [item for item in items if item not in soaks]
