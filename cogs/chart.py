"""`/chart`: a server's history as a picture."""

from __future__ import annotations

import io

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str

from cogs.gate import Gate
from cogs.locale.catalogue import Words, catalogue, mark
from cogs.pictures import Compared, Pictures
from cogs.render.limits import CHOICES
from cogs.reply import answer, defer
from cogs.server_cog import ServerCog
from monitor.metrics import BY_KEY, METRICS
from monitor.model import Server
from monitor.ports import Clock, Control
from storage.grants import Action

HOUR_S = 3600
WEEK_S = 7 * 24 * HOUR_S
RANGES: dict[str, int] = {"1h": HOUR_S, "6h": 6 * HOUR_S, "24h": 24 * HOUR_S, "7d": WEEK_S}
LAST_WEEK = "last-week"
LAST_WEEK_LABEL = mark("The same time last week")


async def latest(pictures: Pictures, server: Server, clock: Clock, words: Words) -> discord.File:
    """Draw all that was measured in the last hour.

    Raises:
        ChartFailed: it could not be drawn.
        StorageError: the history could not be read.
    """
    until_s = clock.now_ms() // 1000 + 1
    png = await pictures.chart(server, METRICS, until_s - HOUR_S, until_s, words=words)
    return discord.File(io.BytesIO(png), f"{server.id}-1h.png")


class ChartCog(ServerCog):
    """Draws what was measured."""

    def __init__(self, control: Control, gate: Gate, pictures: Pictures, clock: Clock) -> None:
        super().__init__(control, gate)
        self._pictures = pictures
        self._clock = clock

    @app_commands.command(name="chart", description=locale_str("A server's history as a picture"))
    @app_commands.describe(
        server=locale_str("Which server to draw"),
        metric=locale_str("One metric; all of them if left out"),
        range=locale_str("How far back; one hour if left out"),
        compare=locale_str("Another server, or the same time last week"),
    )
    @app_commands.choices(
        metric=[Choice(name=locale_str(metric.label), value=metric.key) for metric in METRICS],
        range=[Choice(name=key, value=key) for key in RANGES],
    )
    @app_commands.autocomplete(server=ServerCog.may_view)
    @app_commands.guild_only()
    async def chart(
        self,
        interaction: discord.Interaction,
        server: str,
        metric: str | None = None,
        range: str = "1h",  # noqa: A002 - the option's name
        compare: str | None = None,
    ) -> None:
        words = catalogue(interaction.locale.value)
        meant = await self.meant(interaction, Action.VIEW, server)
        compared = await self._compared(interaction, meant, compare, words) if compare else None
        await defer(interaction)
        metrics = METRICS if metric is None else (BY_KEY[metric],)
        until_s = self._clock.now_ms() // 1000 + 1
        since_s = until_s - RANGES[range]
        png = await self._pictures.chart(meant, metrics, since_s, until_s, words=words, compared=compared)
        await answer(interaction, files=[discord.File(io.BytesIO(png), f"{meant.id}-{range}.png")])

    async def _compared(
        self, interaction: discord.Interaction, server: Server, compare: str, words: Words
    ) -> Compared:
        if compare == LAST_WEEK:
            return Compared(server, words.text(LAST_WEEK_LABEL), LAST_WEEK_LABEL, WEEK_S)
        other = await self.meant(interaction, Action.VIEW, compare)
        return Compared(other, other.spec.name, other.id)

    @chart.autocomplete("compare")
    async def complete_compare(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        if not await self.gate.visible(interaction, Action.VIEW, self.control.servers()):
            return []
        label = catalogue(interaction.locale.value).text(LAST_WEEK_LABEL)
        last_week = [Choice(name=label, value=LAST_WEEK)] if current.casefold() in label.casefold() else []
        return [*last_week, *await self.may_view(interaction, current)][:CHOICES]
