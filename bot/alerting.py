"""Builds what delivers alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.client import GamekeeperClient
from cogs.alerts import AlertsCog
from cogs.delivery import Delivery
from cogs.gate import Gate
from cogs.locale.catalogue import Words
from cogs.offers import AlertOffers
from cogs.pictures import Pictures
from cogs.places import Places
from cogs.wording import Wording
from monitor.bus import Bus
from monitor.ports import Clock, Control
from monitor.redaction import Redaction
from storage.database import Database
from storage.incidents import Incidents
from storage.mutes import Mutes
from storage.outbox import Outbox
from storage.routes import Routes


@dataclass(frozen=True, slots=True)
class AlertStores:
    """What is kept of alerts."""

    outbox: Outbox
    incidents: Incidents
    routes: Routes
    mutes: Mutes

    @classmethod
    def over(cls, db: Database) -> AlertStores:
        return cls(Outbox(db), Incidents(db), Routes(db), Mutes(db))


def delivery(
    stores: AlertStores,
    client: GamekeeperClient,
    control: Control,
    pictures: Pictures,
    *,
    channel_id: int | None,
    owner_ids: Sequence[int],
    bus: Bus,
    clock: Clock,
    redaction: Redaction,
    words: Words,
) -> Delivery:
    """Connect it with the bus, and with the client, whose every login sets it going again."""
    wording = Wording(words, control, clock, redaction)
    places = Places(client, stores.routes, channel_id, owner_ids, clock, redaction, wording.why_an_owner)
    built = Delivery(
        outbox=stores.outbox,
        incidents=stores.incidents,
        places=places,
        wording=wording,
        pictures=pictures,
        clock=clock,
        online=client.online,
        buttons=AlertOffers(control, words),
    )
    bus.listen(built.wake)
    for sign in ("on_ready", "on_resumed"):
        client.add_listener(built.on_login, sign)
    return built


def alerts_cog(
    stores: AlertStores, control: Control, gate: Gate, deliver: Delivery, *, clock: Clock, redaction: Redaction
) -> AlertsCog:
    """Make `/alerts`."""
    return AlertsCog(
        control,
        gate,
        delivery=deliver,
        routes=stores.routes,
        mutes=stores.mutes,
        clock=clock,
        redaction=redaction,
    )


async def webhook_secrets(stores: AlertStores) -> list[str]:
    """Give what must never be shown: the addresses of webhooks, and what signs."""
    return [text for kept in (await stores.routes.secrets()).values() for text in (kept.url, kept.signing)]
