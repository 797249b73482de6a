"""Builds what stays in sight in Discord: buttons, panels and the line under the bot's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.alerting import AlertStores
from bot.background import Background
from bot.client import GamekeeperClient
from cogs.acknowledging import AcknowledgeButton
from cogs.buttons import ChartButton, LogButton, MuteButton, RestartButton, StartButton, StopButton
from cogs.choosing import ServerMenu
from cogs.components import Verb
from cogs.confirm import Confirmations
from cogs.delivery import Delivery
from cogs.gate import Gate
from cogs.locale.catalogue import Words
from cogs.panel import PanelCog
from cogs.panel_keeper import Around
from cogs.panels import Board
from cogs.pictures import Pictures
from cogs.presence import Presence
from monitor.ports import Clock, Control
from monitor.redaction import Redaction
from storage.panels import Panels


@dataclass(frozen=True, slots=True)
class Surface:
    """What the client is to have, and what keeps it current."""

    cog: PanelCog
    verbs: Sequence[Verb]
    board: Board
    presence: Presence

    def start(self, background: Background) -> None:
        background.start("panels", self.board.run())
        background.start("presence", self.presence.run())


def surface(
    panels: Panels,
    alerts: AlertStores,
    client: GamekeeperClient,
    control: Control,
    gate: Gate,
    *,
    deliver: Delivery,
    confirmations: Confirmations,
    pictures: Pictures,
    clock: Clock,
    redaction: Redaction,
    words: Words,
) -> Surface:
    """Connect it with the fleet, and with the client, whose every login may have forgotten the presence."""
    around = Around(
        store=panels,
        client=client,
        control=control,
        words=words,
        redaction=redaction,
        clock=clock,
        online=client.online,
        traffic=deliver.traffic,
    )
    board = Board(around)
    presence = Presence(client=client, control=control, words=words, clock=clock, online=client.online)
    for sign in ("on_ready", "on_resumed"):
        client.add_listener(presence.on_login, sign)
    verbs = [
        StartButton(control, gate),
        StopButton(control, gate, confirmations),
        RestartButton(control, gate, confirmations),
        ChartButton(control, gate, pictures, clock),
        LogButton(control, gate),
        MuteButton(control, gate, alerts.mutes, clock),
        AcknowledgeButton(control, gate, alerts.incidents, deliver),
        ServerMenu(control, gate),
    ]
    return Surface(PanelCog(control, gate, board), verbs, board, presence)
