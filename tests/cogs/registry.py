"""Every command that the client has, and what it completes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from discord import app_commands
from discord.ext import commands

from tests.cogs.world import World

AnyCommand: TypeAlias = app_commands.Command[commands.Cog, ..., object]


def commands_of(home: World) -> Iterator[AnyCommand]:
    for command in home.client.tree.walk_commands():
        if isinstance(command, app_commands.Command):
            yield command


def leaf(home: World, name: str) -> AnyCommand:
    return next(command for command in commands_of(home) if command.qualified_name == name)


def completed(command: AnyCommand) -> list[str]:
    return [parameter.display_name for parameter in command.parameters if parameter.autocomplete]
