"""The button by which somebody says that they look after what is wrong."""

from __future__ import annotations

import re
from typing import ClassVar

import discord

from cogs.access import Denial
from cogs.attempt import attempt_of
from cogs.components import Verb
from cogs.delivery import Delivery
from cogs.gate import Gate
from cogs.locale.catalogue import catalogue
from cogs.offers import ACKNOWLEDGE
from cogs.render.pressing import taken_on
from cogs.reply import answer, defer
from monitor.ports import Control
from storage.grants import Action
from storage.incidents import Incident, Incidents

_NUMBER = re.compile(r"[1-9]\d{0,14}", re.ASCII)


class AcknowledgeButton(Verb):
    """Its id names an incident; which server that is about decides who may press it."""

    name: ClassVar[str] = ACKNOWLEDGE
    action: ClassVar[Action] = Action.CONTROL

    def __init__(self, control: Control, gate: Gate, incidents: Incidents, delivery: Delivery) -> None:
        self._control = control
        self._gate = gate
        self._incidents = incidents
        self._delivery = delivery

    async def press(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> None:
        incident = await self._incident(interaction, parts)
        await self._gate.enter(interaction, self.action, incident.server_id or None, private=True)
        if incident.server_id:
            self._control.server(incident.server_id)
        await defer(interaction, ephemeral=True)
        if incident.closed_ms is None:
            done = await self._delivery.acknowledge(incident.id, attempt_of(interaction).who.actor)
            if not done:
                incident = await self._incidents.find(incident.id) or incident
        text = taken_on(incident, catalogue(interaction.locale.value))
        await answer(interaction, content=text, ephemeral=True)

    async def _incident(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> Incident:
        """Give the incident that was meant.

        Raises:
            AccessDenied: there was never such a button.
        """
        number = parts[0] if len(parts) == 1 and _NUMBER.fullmatch(parts[0]) else None
        incident = None if number is None else await self._incidents.find(int(number))
        if incident is None:
            raise await self._gate.refuse(interaction, Denial.FORGED)
        return incident
