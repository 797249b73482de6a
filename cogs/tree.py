"""The command tree: every command and every completion comes in through the gate, and ends in the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
import structlog
from discord import app_commands

from cogs.access import Denial
from cogs.attempt import attempt_of
from cogs.errors import tell
from cogs.gate import Gate, Repeated
from cogs.ratelimit import RateLimited
from cogs.reply import offer

if TYPE_CHECKING:
    Tree = app_commands.CommandTree[discord.Client]
else:
    Tree = app_commands.CommandTree

log = structlog.get_logger(__name__)


class GatedTree(Tree):
    """Without a gate it lets nothing through."""

    gate: Gate | None = None

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        if self.gate is None:
            log.error("no_gate", interaction=interaction.id)
            return False
        typing = interaction.type is discord.InteractionType.autocomplete
        try:
            await self.gate.admit(interaction)
        except Repeated:
            log.info("interaction_repeated", interaction=interaction.id)
            return False
        except RateLimited as limited:
            await (offer(interaction, []) if typing else tell(interaction, limited, self.gate))
            return False
        if typing or not forged(interaction):
            return True
        await tell(interaction, await self.gate.refuse(interaction, Denial.FORGED), self.gate)
        return False

    async def failed(self, interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        """Tell whoever gave a command why it did not work, and write that down. Given to `error`."""
        if self.gate is not None:
            cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
            await tell(interaction, cause, self.gate)

    async def completed(self, interaction: discord.Interaction, _command: object) -> None:
        """Listen to `on_app_command_completion`."""
        if self.gate is None:
            return
        if not attempt_of(interaction).passed:
            log.error("entry_without_gate", entry=attempt_of(interaction).entry)
        await self.gate.finish(interaction)


def forged(interaction: discord.Interaction) -> bool:
    """Whether an option was given none of the choices that it offers, or more or less than it takes."""
    command = interaction.command
    if not isinstance(command, app_commands.Command):
        return False
    given = dict(iter(interaction.namespace))
    return any(
        not _offered(parameter, given[parameter.display_name])
        for parameter in command.parameters
        if parameter.display_name in given
    )


def _offered(parameter: app_commands.Parameter, value: object) -> bool:
    # A value is compared with its kind: True would else be the choice 1.
    if parameter.choices and repr(value) not in {repr(choice.value) for choice in parameter.choices}:
        return False
    size = len(value) if isinstance(value, str) else value
    if not isinstance(size, int | float):
        return True
    least, most = parameter.min_value, parameter.max_value
    return (least is None or size >= least) and (most is None or size <= most)
