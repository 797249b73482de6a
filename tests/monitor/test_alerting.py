"""Whom an event is told, and what it means for an incident: tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.alerting import ALERTS, STALE_MS, Filter, Open, Step, next_destination, route_of, step
from monitor.events import (
    Event,
    HostRebooted,
    RestartCalledOff,
    RestartsExhausted,
    ServerAdopted,
    ServerCrashed,
    ServerHung,
    ServerReady,
    ServerRecovered,
    ServerStarted,
    ServerStopped,
    Severity,
    StartFailed,
)
from tests.storage.examples import EXAMPLES

pytestmark = pytest.mark.delivery

BY_KIND: dict[type[Event], Event] = {type(event): event for event in EXAMPLES}
CRASH, RECOVERY = BY_KIND[ServerCrashed], BY_KIND[ServerRecovered]


@pytest.mark.parametrize(
    ("chosen", "event", "taken"),
    [
        (Filter(), CRASH, True),
        (Filter("ark"), CRASH, True),
        (Filter("rust"), CRASH, False),
        (Filter("ark"), BY_KIND[HostRebooted], False),
        (Filter(), BY_KIND[HostRebooted], True),
        (Filter(kinds=frozenset({"server_crashed"})), CRASH, True),
        (Filter(kinds=frozenset({"server_hung"})), CRASH, False),
        (Filter(min_severity=Severity.CRITICAL), CRASH, True),
        (Filter(min_severity=Severity.WARNING), RECOVERY, False),
        (Filter(min_severity=Severity.CRITICAL), BY_KIND[HostRebooted], False),
        (Filter("ark", frozenset({"server_crashed"}), Severity.WARNING), CRASH, True),
    ],
    ids=[
        "everything",
        "its_server",
        "another_server",
        "the_machine_is_no_server",
        "the_machine",
        "its_kind",
        "another_kind",
        "critical",
        "info",
        "warning",
        "all_three",
    ],
)
def test_a_filter_takes_what_it_names(chosen: Filter, event: Event, *, taken: bool) -> None:
    assert chosen.takes(event) is taken


GOING_ON = Open(7, CRASH.at_ms - 60_000, given_up=False)
GIVEN_UP = replace(GOING_ON, given_up=True)
LONG_AGO = replace(GOING_ON, last_ms=CRASH.at_ms - STALE_MS)

STEPS: list[tuple[type[Event], Step, Step, Step]] = [
    # event, with no incident, with one, with one that was given up
    (ServerCrashed, Step.OPENS, Step.JOINS, Step.OPENS),
    (ServerHung, Step.OPENS, Step.JOINS, Step.OPENS),
    (StartFailed, Step.OPENS, Step.EXHAUSTS, Step.OPENS),
    (RestartsExhausted, Step.OPENS, Step.EXHAUSTS, Step.EXHAUSTS),
    (ServerStarted, Step.ALONE, Step.JOINS, Step.JOINS),
    (ServerReady, Step.ALONE, Step.CLOSES, Step.CLOSES),
    (ServerRecovered, Step.ALONE, Step.CLOSES, Step.CLOSES),
    (ServerStopped, Step.ALONE, Step.CLOSES, Step.CLOSES),
    (RestartCalledOff, Step.ALONE, Step.CLOSES, Step.CLOSES),
    (ServerAdopted, Step.ALONE, Step.ALONE, Step.ALONE),
    (HostRebooted, Step.ALONE, Step.ALONE, Step.ALONE),
]


@pytest.mark.parametrize(("kind", "none", "going_on", "given_up"), STEPS, ids=[row[0].__name__ for row in STEPS])
def test_what_an_event_does_to_an_incident(kind: type[Event], none: Step, going_on: Step, given_up: Step) -> None:
    event = replace(BY_KIND[kind], at_ms=CRASH.at_ms)
    assert (step(event, None), step(event, GOING_ON), step(event, GIVEN_UP)) == (none, going_on, given_up)


def test_a_crash_long_after_the_last_sign_begins_another_incident() -> None:
    assert step(CRASH, LONG_AGO) is Step.OPENS
    assert step(replace(CRASH, at_ms=CRASH.at_ms - 1), LONG_AGO) is Step.JOINS


@pytest.mark.parametrize(
    ("destination", "tried", "to_alerts", "owners", "instead"),
    [
        ("route:1", (), True, (5,), "route:2"),
        ("route:2", ("route:1",), True, (5,), ALERTS),
        ("route:3", (), True, (5,), ALERTS),
        ("route:9", (), True, (5,), ALERTS),
        (ALERTS, ("route:1", "route:2"), True, (5, 6), "owner:5"),
        ("route:3", (), False, (5,), "owner:5"),
        ("owner:5", (ALERTS,), True, (5, 6), "owner:6"),
        ("owner:6", (ALERTS, "owner:5"), True, (5, 6), None),
        (ALERTS, (), True, (), None),
        ("route:4", (), True, (5,), ALERTS),
    ],
    ids=[
        "its_fallback",
        "then_the_alert_channel",
        "no_fallback",
        "a_route_that_was_removed",
        "then_an_owner",
        "no_alert_channel",
        "then_the_next_owner",
        "then_nobody",
        "no_owner",
        "a_fallback_that_was_removed",
    ],
)
def test_fault_38_where_an_alert_goes_whose_destination_is_gone(
    destination: str, tried: tuple[str, ...], owners: tuple[int, ...], instead: str | None, *, to_alerts: bool
) -> None:
    fallbacks = {1: 2, 2: 1, 3: None, 4: 8}
    found = next_destination(destination, tried, fallbacks, to_alerts=to_alerts, owner_ids=owners)
    assert found == instead


@pytest.mark.parametrize(
    ("destination", "route"),
    [("route:12", 12), ("escalation:12", 12), (ALERTS, None), ("owner:12", None), ("route:x", None)],
)
def test_the_route_of_a_destination(destination: str, route: int | None) -> None:
    assert route_of(destination) == route
