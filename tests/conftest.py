"""Which tests are run, and which of them never beside each other.

`pytest -k faults` selects every test that shows a row of the fault table, however it names the row. What takes
minutes, a soak, is left out unless `-m` speaks of it: not by addopts, which any other `-m` would take the place of.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# What takes long on a busy machine shows nothing: neither an example, nor making one up.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Keep the tests of real processes in one worker: they look for markers on the whole machine, and share them.

    Not by `--dist loadgroup`: pytest-xdist 3.8 groups nothing under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - only there where it calls this

    class OneMachine(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            return "machine" if nodeid.startswith("tests/monitor/local/") else nodeid

    return OneMachine(config, log)
