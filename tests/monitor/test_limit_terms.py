from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.limit_terms import LimitFault, LimitRefused, Terms, limit_of
from monitor.limits import Hours, Limit, RestartRule, Side
from monitor.quantities import BadHours, BadQuantity

GIB = 2.0**30
HEAP = Terms("memory", Side.ABOVE, "8 GiB", 10, "ark")
RESTARTED = replace(HEAP, restart=True)


def of(terms: Terms, **changes: Any) -> Limit:
    return limit_of(replace(terms, **changes), "Asia/Seoul")


def test_a_limit_as_it_was_typed() -> None:
    assert of(HEAP) == Limit("memory", Side.ABOVE, 8 * GIB, 8 * GIB * 0.95, 600, "ark")
    assert of(HEAP, back_at="6 GiB").back_at == 6 * GIB
    assert of(HEAP, server_id=None).server_id is None


@pytest.mark.parametrize(
    ("value", "key", "number"), [("5%", "disk_free_pct", 5.0), ("20 GiB", "disk_free", 20 * GIB)]
)
def test_the_value_tells_how_a_drive_is_measured(value: str, key: str, number: float) -> None:
    limit = of(HEAP, measure_key="disk_free", side=Side.BELOW, value=value)
    assert (limit.measure_key, limit.value) == (key, number)


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ({}, RestartRule(7200)),
        ({"wait_min": 0}, RestartRule(0)),
        ({"ceiling": "9 GiB"}, RestartRule(7200, ceiling=9 * GIB)),
        ({"hours": "03:00-06:00"}, RestartRule(86_400, hours=Hours(180, 360, "Asia/Seoul"))),
        ({"hours": "3-6", "wait_min": 30}, RestartRule(1800, hours=Hours(180, 360, "Asia/Seoul"))),
    ],
)
def test_how_it_restarts(typed: dict[str, Any], rule: RestartRule) -> None:
    assert of(RESTARTED, **typed).restart == rule


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({"measure_key": "host_cpu", "value": "90%"}, LimitFault.OF_THE_MACHINE),
        (
            {"measure_key": "host_cpu", "value": "90%", "server_id": None, "restart": True},
            LimitFault.NOTHING_TO_RESTART,
        ),
        ({"measure_key": "disk_free", "value": "9%", "restart": True}, LimitFault.NOTHING_TO_RESTART),
        ({"back_at": "9 GiB"}, LimitFault.BACK_BEYOND),
        ({"side": Side.BELOW, "back_at": "7 GiB"}, LimitFault.BACK_BEYOND),
        ({"restart": True, "ceiling": "7 GiB"}, LimitFault.CEILING_SHORT),
        ({"ceiling": "9 GiB"}, LimitFault.ONLY_FOR_RESTART),
        ({"hours": "3-6"}, LimitFault.ONLY_FOR_RESTART),
        ({"wait_min": 0}, LimitFault.ONLY_FOR_RESTART),
    ],
)
def test_what_makes_no_limit(typed: dict[str, Any], fault: LimitFault) -> None:
    with pytest.raises(LimitRefused) as caught:
        of(HEAP, **typed)
    assert caught.value.fault is fault


@pytest.mark.parametrize("typed", [{"value": "8"}, {"back_at": "7"}, {"restart": True, "ceiling": "all"}])
def test_each_value_needs_its_unit(typed: dict[str, Any]) -> None:
    with pytest.raises(BadQuantity):
        of(HEAP, **typed)


def test_hours_have_to_be_hours() -> None:
    with pytest.raises(BadHours):
        of(RESTARTED, hours="at night")
