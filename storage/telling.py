"""Which alerts an event sets off, written in the very transaction that writes the event."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.alerting import ALERTS, Step
from monitor.events import Event, Severity
from storage import incidents, outbox, routes
from storage.mutes import muted
from storage.routes import Route
from storage.transaction import Transaction

_TOLD = """
    SELECT destination FROM outbox WHERE incident_id = ? AND destination NOT LIKE 'escalation:%'
    GROUP BY destination ORDER BY min(id)
"""

_PLANNED = "SELECT 1 FROM outbox WHERE incident_id = ? AND destination = ?"


async def tell(tx: Transaction, event_id: int, event: Event) -> None:
    """Put one alert into the outbox for each place that is to learn of the event.

    What an incident goes on with is told wherever its beginning was told, and nowhere else; a failure, moreover,
    wherever a route asks for it.
    """
    done, incident_id = await incidents.develop(tx, event)
    if not event.alerts and incident_id is None:
        return
    knowing = await _places_of(tx, incident_id) if done is not Step.OPENS else []
    places, taking = list(knowing), await _taking(tx, event)
    if event.alerts and not await muted(tx, event):
        places += [route.destination for route in taking] or ([] if places else [ALERTS])
    for place in dict.fromkeys(places):
        await outbox.put(tx, event_id, place, event.at_ms, incident_id)
    if incident_id is not None and done is not Step.CLOSES:
        # Also where a mute has kept its beginning back, or a route was added since.
        news = [route for route in taking if route.destination in places and route.destination not in knowing]
        await _escalate(tx, event_id, event, incident_id, news)


async def _places_of(tx: Transaction, incident_id: int | None) -> list[str]:
    return [] if incident_id is None else [row[0] for row in await tx.fetch_all(_TOLD, (incident_id,))]


async def _taking(tx: Transaction, event: Event) -> list[Route]:
    if not event.alerts:
        return []
    return [route for route in routes.routes_of(await tx.fetch_all(routes.ALL)) if route.filter.takes(event)]


async def _escalate(tx: Transaction, event_id: int, event: Event, incident_id: int, taking: Iterable[Route]) -> None:
    """Plan a call for help on each way that wants one when nobody has acknowledged it in time: one an incident."""
    if event.severity is not Severity.CRITICAL:
        return
    for route in taking:
        if route.mention_role_id is None or route.mention_after_min is None:
            continue
        if await tx.fetch_one(_PLANNED, (incident_id, route.escalation)) is None:
            due_ms = event.at_ms + route.mention_after_min * 60_000
            await outbox.put(tx, event_id, route.escalation, event.at_ms, incident_id, not_before_ms=due_ms)
