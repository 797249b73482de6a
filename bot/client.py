"""The discord.py client: which commands there are, and that Discord knows them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import discord
import structlog
from discord.ext import commands

from cogs.components import Component, Router, Verb
from cogs.gate import Gate
from cogs.locale.commands import CommandTranslator
from cogs.reply import NOT_SENT
from cogs.tree import GatedTree

RATE_LIMIT_PATIENCE_S = 60.0
"""A longer wait than this is an error to whoever asked, instead of a silent sleep inside the library."""

log = structlog.get_logger(__name__)


class GamekeeperClient(commands.Bot):
    """Slash commands only; it needs no privileged intent."""

    def __init__(self, guild_ids: Iterable[int]) -> None:
        # It never speaks, so nobody needs to be told what speaking would take.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=GatedTree,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=RATE_LIMIT_PATIENCE_S,
        )
        self._guild_ids = tuple(guild_ids)
        self._to_add: Sequence[commands.Cog] = ()
        self.online = asyncio.Event()
        """Set while it may be used: from the first time on that Discord says it is ready, until it is closed."""

    def will_have(self, cogs: Sequence[commands.Cog], gate: Gate, verbs: Sequence[Verb] = ()) -> None:
        """Say which cogs to add once it is logged in, what its buttons do, and the gate before all that."""
        self._to_add = cogs
        self.router = Router(gate, verbs)
        self.add_dynamic_items(Component)
        self.add_listener(self.router.unclaimed, "on_interaction")
        if isinstance(self.tree, GatedTree):
            self.tree.gate = gate
            self.add_listener(self.tree.completed, "on_app_command_completion")

    async def on_ready(self) -> None:
        log.info("discord_ready", user=str(self.user), guilds=len(self.guilds))
        self.online.set()
        for guild in self.guilds:
            await self._leave_if_foreign(guild)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        await self._leave_if_foreign(guild)

    async def _leave_if_foreign(self, guild: discord.Guild) -> None:
        """Leave a guild that the settings do not name, where they name any."""
        if not self._guild_ids or guild.id in self._guild_ids:
            return
        log.warning("guild_left", guild=guild.id, next_step="to stay there, add its id to DISCORD_GUILD_IDS")
        try:
            await guild.leave()
        except NOT_SENT as failure:
            log.warning("guild_not_left", guild=guild.id, failure=repr(failure))

    async def close(self) -> None:
        """Close it, for good: also where Discord has refused it, and it closes itself."""
        self.online.clear()
        waiting_for_guilds = self._connection._ready_task  # noqa: SLF001 - the library forgets it
        if waiting_for_guilds is not None:
            # It would report to a client that is closed.
            waiting_for_guilds.cancel()
        await super().close()

    async def setup_hook(self) -> None:
        # Logging in is tried again where the network fails it half way: the second time, they are there already.
        cogs, self._to_add = self._to_add, ()
        for cog in cogs:
            await self.add_cog(cog)
        if isinstance(self.tree, GatedTree):
            self.tree.error(self.tree.failed)
        await self.tree.set_translator(CommandTranslator())
        await self._sync()

    async def _sync(self) -> None:
        """Tell Discord the commands: to the guilds of the settings, where they show at once, or to all guilds."""
        for guild_id in self._guild_ids:
            guild = discord.Object(guild_id)
            self.tree.copy_global_to(guild=guild)
            await self._sync_to(guild)
        if not self._guild_ids:
            await self._sync_to(None)

    async def _sync_to(self, guild: discord.Object | None) -> None:
        try:
            await self.tree.sync(guild=guild)
        except (discord.HTTPException, discord.RateLimited) as failure:
            # The commands of an earlier start still work; monitoring and alerts do not need them.
            log.error("commands_not_synced", guild=guild.id if guild else None, failure=str(failure))  # noqa: TRY400
