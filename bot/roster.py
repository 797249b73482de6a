"""Builds what changes which servers there are: `/server`, `/setup` and their buttons."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from discord.ext import commands

from cogs.access import Access
from cogs.components import Verb
from cogs.confirm import Confirmations
from cogs.delivery import Delivery
from cogs.drafts import Drafts, Trial
from cogs.gate import Gate
from cogs.pages import Pages
from cogs.servers import ServersCog
from cogs.setup import AlertChannel, Setup, SetupCog
from monitor.ports import Clock, Control
from monitor.redaction import Redaction
from monitor.roster import Roster
from storage.servers import Servers
from storage.settings import StoredSettings


@dataclass(frozen=True, slots=True)
class RosterStores:
    """What is kept of servers, and of what was set up."""

    servers: Servers
    settings: StoredSettings


@dataclass(frozen=True, slots=True)
class RosterSide:
    """What the client is to have."""

    roster: Roster
    cogs: Sequence[commands.Cog]
    verbs: Sequence[Verb]


def roster_side(
    stores: RosterStores,
    control: Control,
    gate: Gate,
    access: Access,
    delivery: Delivery,
    *,
    confirmations: Confirmations,
    pages: Pages,
    clock: Clock,
    redaction: Redaction,
    adapters: Collection[str],
    roots: Sequence[Path],
    channel_fixed: bool,
) -> RosterSide:
    """Connect the commands with the fleet, with what is kept, and with where alerts go."""
    roster = Roster(
        stores.servers,
        control,
        clock,
        adapters=adapters,
        roots=roots,
        hide=redaction.hide,
        removed=access.read_again,
    )
    drafts = Drafts(gate, control, roster, clock)
    servers = ServersCog(control, gate, roster, drafts=drafts, confirmations=confirmations, pages=pages)
    alerts = AlertChannel(stores.settings, delivery.post_to, lambda: delivery.places.channel_id, fixed=channel_fixed)
    setup = Setup(gate, access, control, alerts, servers)
    return RosterSide(roster, [servers, SetupCog(gate, setup)], [drafts, Trial(gate, control, roster), setup])
