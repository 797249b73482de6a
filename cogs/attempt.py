"""One interaction on its way through the gate, as it is carried by the interaction itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import discord

from cogs.access import Person
from cogs.entries import Argument
from monitor.errors import GamekeeperError
from monitor.redaction import Redaction

_KEY = "gamekeeper.attempt"


class Ungated(GamekeeperError):
    """Somebody answers an interaction that never came through the gate. That is a mistake in the program."""


@dataclass(slots=True)
class Attempt:
    """One interaction on its way through the gate."""

    who: Person
    entry: str
    arguments: dict[str, Argument]
    began_s: float
    redaction: Redaction
    audit_id: int | None = None
    """`None` until it is written down, or where that failed."""
    passed: bool = False
    """Whether they may do what they asked for."""
    private: bool = False
    """Whether the answer is for one person's eyes."""
    patience: asyncio.Task[None] | None = None
    """Acknowledges it when nothing else has."""


def attempt_of(interaction: discord.Interaction) -> Attempt:
    """Give the attempt that an interaction was admitted as.

    Raises:
        Ungated: it was not.
    """
    attempt = begun(interaction)
    if attempt is None:
        raise Ungated(interaction.id)
    return attempt


def begun(interaction: discord.Interaction) -> Attempt | None:
    """Give the attempt, if there is one."""
    attempt = interaction.extras.get(_KEY)
    return attempt if isinstance(attempt, Attempt) else None


def begin(interaction: discord.Interaction, attempt: Attempt) -> None:
    """Admit an interaction: for the gate alone."""
    interaction.extras[_KEY] = attempt
