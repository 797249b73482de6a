"""Long lists, a page at a time, turned by buttons that only whoever asked for the list can press."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

import discord

from cogs.access import Denial, Person
from cogs.attempt import attempt_of
from cogs.components import Address, Verb, button, row
from cogs.gate import Gate
from cogs.locale.catalogue import Words, catalogue
from cogs.reply import answer, turn
from storage.grants import Action

OPEN_AT_MOST = 200
"""Lists that can still be turned; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page, as it is shown."""

    embed: discord.Embed
    more: bool
    """Whether another one follows."""


MakePage = Callable[[int, Words, Person], Awaitable[Page]]
"""Makes the page of this number, from 0, in the reader's language, for the reader as they are at that moment."""


@dataclass(frozen=True, slots=True)
class _Open:
    who: Person
    action: Action | None
    server_id: str | None
    make: MakePage


class Pages(Verb):
    """The lists that are open. They are not kept over a restart."""

    name: ClassVar[str] = "page"

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._open: dict[str, _Open] = {}

    async def show(
        self,
        interaction: discord.Interaction,
        make: MakePage,
        *,
        action: Action | None,
        server_id: str | None = None,
        ephemeral: bool = True,
    ) -> None:
        """Answer with the first page of a list.

        Args:
            interaction: it has entered.
            make: makes a page.
            action: what it takes to see another one, asked again each time.
            server_id: as for `Gate.enter`.
            ephemeral: whether the list is for their eyes only.
        """
        key = secrets.token_urlsafe(9)
        self._open[key] = _Open(attempt_of(interaction).who, action, server_id, make)
        if len(self._open) > OPEN_AT_MOST:
            del self._open[next(iter(self._open))]
        page = await make(0, catalogue(interaction.locale.value), attempt_of(interaction).who)
        await answer(interaction, embed=page.embed, view=_buttons(interaction, key, 0, page), ephemeral=ephemeral)

    async def press(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> None:
        if len(parts) != 2 or not _is_number(parts[1]):  # noqa: PLR2004 - which list, and which page
            raise await self._gate.refuse(interaction, Denial.FORGED)
        key, number = parts[0], int(parts[1])
        wanted = self._open.get(key)
        if wanted is None:
            raise await self._gate.refuse(interaction, Denial.EXPIRED)
        if not wanted.who.same_as(attempt_of(interaction).who):
            raise await self._gate.refuse(interaction, Denial.NOT_YOURS)
        who = await self._gate.enter(interaction, wanted.action, wanted.server_id, private=True)
        page = await wanted.make(number, catalogue(interaction.locale.value), who)
        await turn(interaction, embed=page.embed, view=_buttons(interaction, key, number, page))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d{1,3}", text, re.ASCII) is not None


def _buttons(interaction: discord.Interaction, key: str, number: int, page: Page) -> discord.ui.View | None:
    words = catalogue(interaction.locale.value)
    if number == 0 and not page.more:
        return None
    back = button(Address(Pages.name, (key, str(max(0, number - 1)))), words.text("Back"), disabled=number == 0)
    on = button(Address(Pages.name, (key, str(number + 1))), words.text("Next"), disabled=not page.more)
    return row(back, on)
