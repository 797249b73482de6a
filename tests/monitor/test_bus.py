"""Every listener hears of every event, whatever becomes of the others."""

from __future__ import annotations

from structlog.testing import capture_logs

from monitor.bus import Bus
from monitor.events import Event, RestartsExhausted

EVENT = RestartsExhausted(server_id="ark", at_ms=1, failures=5, window_s=600.0)


def test_listeners_are_told_in_turn() -> None:
    bus, heard = Bus(), list[tuple[str, int, Event]]()
    bus.listen(lambda event_id, event: heard.append(("first", event_id, event)))
    bus.listen(lambda event_id, event: heard.append(("second", event_id, event)))
    bus.publish(7, EVENT)
    assert heard == [("first", 7, EVENT), ("second", 7, EVENT)]


def test_one_that_fails_costs_the_others_nothing() -> None:
    bus, heard = Bus(), list[int]()

    def broken(event_id: int, event: Event) -> None:
        raise LookupError

    bus.listen(broken)
    bus.listen(lambda event_id, _: heard.append(event_id))
    with capture_logs() as logs:
        bus.publish(7, EVENT)
    assert heard == [7]
    assert [(e["event"], e["event_id"], e["kind"]) for e in logs] == [("listener_failed", 7, "restarts_exhausted")]
