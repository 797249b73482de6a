"""Asks before what cannot be undone. Only whoever asked for it can say yes, once, within a minute."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

import discord

from cogs.access import Denial
from cogs.attempt import Attempt, attempt_of
from cogs.components import Address, Verb, button, row
from cogs.gate import Gate
from cogs.locale.catalogue import catalogue
from cogs.reply import answer, turn
from monitor.ports import Clock
from storage.grants import Action

EXPIRES_S = 60.0
YES, NO = "yes", "no"

Act = Callable[[discord.Interaction], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Pending:
    asked: Attempt
    action: Action | None
    server_id: str | None
    until_s: float
    act: Act


class Confirmations(Verb):
    """The questions that are open. They are not kept over a restart: then their buttons say that they are too old."""

    name: ClassVar[str] = "confirm"

    def __init__(self, gate: Gate, clock: Clock) -> None:
        self._gate = gate
        self._clock = clock
        self._pending: dict[str, _Pending] = {}

    async def ask(
        self,
        interaction: discord.Interaction,
        question: str,
        yes: str,
        act: Act,
        *,
        action: Action | None,
        server_id: str | None = None,
    ) -> None:
        """Ask, in an answer for their eyes only.

        Args:
            interaction: of the command that needs an answer; it has entered.
            question: says what will happen and what cannot be undone.
            yes: what stands on the button.
            act: called with the interaction of the button; it answers by `cogs.reply.answer`.
            action: what it takes, asked again when the button is pressed.
            server_id: as for `Gate.enter`.
        """
        now_s = self._clock.monotonic()
        self._pending = {key: pending for key, pending in self._pending.items() if pending.until_s > now_s}
        key = secrets.token_urlsafe(9)
        self._pending[key] = _Pending(attempt_of(interaction), action, server_id, now_s + EXPIRES_S, act)
        no = catalogue(interaction.locale.value).text("No, leave it")
        view = row(
            button(Address(self.name, (key, YES)), yes, discord.ButtonStyle.danger),
            button(Address(self.name, (key, NO)), no),
        )
        await answer(interaction, content=question, view=view, ephemeral=True)

    async def press(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> None:
        attempt = attempt_of(interaction)
        if len(parts) != 2 or parts[1] not in (YES, NO):  # noqa: PLR2004 - which question, and the answer
            raise await self._gate.refuse(interaction, Denial.FORGED)
        key, said = parts
        pending = self._pending.get(key)
        if pending is None or pending.until_s <= self._clock.monotonic():
            raise await self._gate.refuse(interaction, Denial.EXPIRED)
        attempt.entry = f"{said}:{pending.asked.entry}"
        attempt.arguments = pending.asked.arguments
        if not pending.asked.who.same_as(attempt.who):
            raise await self._gate.refuse(interaction, Denial.NOT_YOURS)
        await self._gate.enter(interaction, pending.action, pending.server_id, private=True)
        # Two presses may both have come this far.
        if self._pending.pop(key, None) is None:
            raise await self._gate.refuse(interaction, Denial.EXPIRED)
        words = catalogue(interaction.locale.value)
        if said == NO:
            await turn(interaction, content=words.text("Nothing was done."))
            return
        await turn(interaction, content=words.text("One moment …"))
        await pending.act(interaction)
