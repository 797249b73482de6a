"""What becomes of the alerts that wait for one destination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.composing import LONG_DOWN_MS, STORM, Kind, Scene, Work, next_work
from monitor.events import (
    Event,
    HostRebooted,
    RestartsExhausted,
    ServerCrashed,
    ServerHung,
    ServerReady,
    ServerRecovered,
    ServerStarted,
    StartFailed,
)
from storage.outbox import OutboxItem
from tests.storage.examples import EXAMPLES

pytestmark = pytest.mark.delivery

BY_KIND: dict[type[Event], Event] = {type(event): event for event in EXAMPLES}
NOTHING_TOLD = Scene({}, {}, {})
numbers = count(1)


def waiting(
    kind: type[Event], incident_id: int | None = None, *, at_ms: int = 5_000, to: str = "alerts"
) -> OutboxItem:
    number = next(numbers)
    return OutboxItem(number, number, replace(BY_KIND[kind], at_ms=at_ms), to, 0, 0, "0" * 8, incident_id=incident_id)


def told(item: OutboxItem, *, message_id: int = 77, grouped: bool = False) -> OutboxItem:
    return replace(item, message_id=message_id, channel_id=3, delivered_ms=1, grouped=grouped)


def after(head: OutboxItem, **more: object) -> Scene:
    assert head.incident_id is not None
    return replace(NOTHING_TOLD, heads={head.incident_id: head}, **more)  # type: ignore[arg-type]


def test_an_alert_is_a_message() -> None:
    alert = waiting(ServerCrashed, 1)
    assert next_work([alert], NOTHING_TOLD) == Work(Kind.POST, (alert,))


def test_what_followed_before_it_was_told_is_told_with_it() -> None:
    crash, start, other, ready = (
        waiting(ServerCrashed, 1),
        waiting(ServerStarted, 1),
        waiting(ServerHung, 2),
        waiting(ServerReady, 1),
    )
    assert next_work([crash, start, other, ready], NOTHING_TOLD) == Work(Kind.POST, (crash, start, ready))


@pytest.mark.parametrize("kind", [ServerStarted, ServerReady, ServerCrashed, ServerHung])
def test_what_follows_changes_the_message(kind: type[Event]) -> None:
    head, item = told(waiting(ServerCrashed, 1)), waiting(kind, 1)
    assert next_work([item], after(head)) == Work(Kind.LINE, (item,), head)


@pytest.mark.parametrize("kind", [ServerRecovered, RestartsExhausted, StartFailed])
def test_what_people_must_notice_answers_the_message(kind: type[Event]) -> None:
    head, item = told(waiting(ServerCrashed, 1)), waiting(kind, 1)
    assert next_work([item], after(head)) == Work(Kind.REPLY, (item,), head)


@pytest.mark.parametrize(
    ("head", "later_ms", "kind"),
    [
        (ServerCrashed, LONG_DOWN_MS - 1, Kind.LINE),
        (ServerCrashed, LONG_DOWN_MS, Kind.REPLY),
        (RestartsExhausted, 1, Kind.REPLY),
    ],
)
def test_that_a_server_is_up_again_is_news_after_long(head: type[Event], later_ms: int, kind: Kind) -> None:
    first = told(waiting(head, 1, at_ms=0))
    assert next_work([waiting(ServerReady, 1, at_ms=later_ms)], after(first)).kind is kind


def test_lines_of_an_incident_are_told_together_up_to_what_people_must_notice() -> None:
    head = told(waiting(ServerCrashed, 1))
    start, crash, end, ready = (waiting(k, 1) for k in (ServerStarted, ServerCrashed, RestartsExhausted, ServerReady))
    assert next_work([start, crash, end, ready], after(head)) == Work(Kind.LINE, (start, crash), head)


def test_what_follows_something_that_was_never_told_is_dropped() -> None:
    items = [waiting(ServerStarted, 1), waiting(ServerReady, 1), waiting(ServerCrashed, 2)]
    assert next_work(items, NOTHING_TOLD) == Work(Kind.DROP, tuple(items[:2]))


@pytest.mark.parametrize(
    ("recent", "waits", "kind"),
    [(0, STORM - 1, Kind.POST), (0, STORM, Kind.GROUP), (STORM - 2, 1, Kind.POST), (STORM - 1, 1, Kind.GROUP)],
)
def test_ten_of_a_kind_in_a_minute_share_a_message(recent: int, waits: int, kind: Kind) -> None:
    items = [waiting(ServerCrashed, number) for number in range(waits)]
    scene = replace(NOTHING_TOLD, recent={"server_crashed": recent, "server_hung": 99})
    work = next_work(items, scene)
    assert work.kind is kind
    assert len(work.items) == (waits if kind is Kind.GROUP else 1)


def test_fault_35_a_storm_leaves_what_is_of_another_kind_in_its_place() -> None:
    crashes = [waiting(ServerCrashed, number) for number in range(20)]
    hung = waiting(ServerHung, 99)
    items = [*crashes[:3], hung, *crashes[3:]]
    assert next_work(items, NOTHING_TOLD) == Work(Kind.GROUP, tuple(crashes))


def test_a_storm_is_kept_current_and_takes_what_becomes_of_its_own() -> None:
    heads = {number: told(waiting(ServerCrashed, number), grouped=True) for number in range(3)}
    scene = Scene(heads, {}, {"server_crashed": 77})
    items = [
        waiting(ServerReady, 1),
        waiting(ServerCrashed, 5),
        waiting(ServerHung, 6),
        waiting(ServerStarted, 2),
        waiting(ServerCrashed, 0),
    ]
    work = next_work(items, scene)
    assert (work.kind, work.message_id) == (Kind.JOIN, 77)
    assert work.items == (items[0], items[1], items[3], items[4])


def test_a_storm_that_is_over_still_takes_what_becomes_of_its_own() -> None:
    head = told(waiting(ServerCrashed, 1), grouped=True)
    item, fresh = waiting(ServerReady, 1), waiting(ServerCrashed, 2)
    assert next_work([item, fresh], after(head)) == Work(Kind.JOIN, (item,), message_id=77)


def test_where_nothing_can_be_changed_each_event_is_told_by_itself() -> None:
    items = [waiting(ServerCrashed, 1) for _ in range(30)]
    assert next_work(items, Scene({}, {}, {}, threaded=False)) == Work(Kind.POST, (items[0],))


def test_a_call_for_help_is_one() -> None:
    item = waiting(ServerCrashed, 1, to="escalation:3")
    assert next_work([item], NOTHING_TOLD) == Work(Kind.CALL, (item,))


def test_what_belongs_to_no_incident_stands_alone() -> None:
    items = [waiting(HostRebooted), waiting(HostRebooted), waiting(ServerStarted)]
    assert next_work(items, NOTHING_TOLD) == Work(Kind.POST, (items[0],))


KINDS = [ServerCrashed, ServerHung, ServerStarted, ServerReady, ServerRecovered, RestartsExhausted, StartFailed]


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 4)), min_size=1, max_size=60))
def test_fault_35_whatever_waits_all_of_it_is_dealt_with_once(plan: Sequence[tuple[type[Event], int]]) -> None:
    left = [waiting(kind, incident) for kind, incident in plan]
    wanted = [item.id for item in left]
    heads: dict[int, OutboxItem] = {}
    done: list[int] = []
    while left:
        work = next_work(left, Scene(heads, {}, {}))
        assert work.items[0] == left[0]
        done += [item.id for item in work.items]
        left = [item for item in left if item not in work.items]
        if work.kind in (Kind.POST, Kind.GROUP):
            for item in work.items:
                heads.setdefault(item.incident_id or 0, told(item, grouped=work.kind is Kind.GROUP))
    assert sorted(done) == wanted


@pytest.mark.parametrize("kind", [RestartsExhausted, StartFailed, ServerRecovered, ServerReady], ids=lambda k: k.kind)
def test_while_it_is_muted_an_incident_goes_on_by_edits_alone(kind: type[Event]) -> None:
    head = told(waiting(ServerHung, 1))
    next_one = waiting(kind, 1, at_ms=head.event.at_ms + LONG_DOWN_MS)
    silent = replace(next_one, muted=True)
    assert next_work([next_one], after(head)).kind is Kind.REPLY
    assert next_work([silent], after(head)) == Work(Kind.LINE, (silent,), head)


def test_an_alert_that_waited_when_it_was_muted_is_told_all_the_same() -> None:
    alert = replace(waiting(ServerCrashed, 1), muted=True)
    assert next_work([alert], NOTHING_TOLD) == Work(Kind.POST, (alert,))


def test_while_it_is_muted_nobody_is_called() -> None:
    call = replace(waiting(ServerCrashed, 1, to="escalation:4"), muted=True)
    assert next_work([call], NOTHING_TOLD) == Work(Kind.DROP, (call,))
