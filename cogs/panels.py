"""All panels: messages that keep themselves current."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog

from cogs.panel_keeper import PAUSE_S, Around, Kept
from cogs.pinning import PANELS_AT_MOST, PanelFault, PanelRefused
from cogs.setbacks import NotDelivered
from monitor.errors import StorageError
from storage.panels import Panel

FAREWELL_S = 2.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Board:
    """All panels."""

    around: Around
    _kept: dict[int, Kept] = field(default_factory=dict)
    _begun: asyncio.Queue[Kept] = field(default_factory=asyncio.Queue)

    async def run(self) -> None:
        """Keep them current until cancelled."""
        await self.around.online.wait()
        for panel in await self._read():
            self._begin(Kept(panel, self.around))
        async with asyncio.TaskGroup() as tasks:
            while True:
                kept = await self._begun.get()
                tasks.create_task(self._keep(kept), name=f"panel {kept.panel.id}")

    def of_guild(self, guild_id: int | None) -> Sequence[Kept]:
        """Its panels, the oldest first."""
        return [kept for kept in self._kept.values() if kept.panel.guild_id == guild_id and not kept.unpinned]

    async def pin(self, panel: Panel) -> Panel:
        """Post a panel and keep it current from now on.

        Raises:
            PanelRefused: the guild has too many, or it could not be posted.
        """
        if len(self.of_guild(panel.guild_id)) >= PANELS_AT_MOST:
            raise PanelRefused(PanelFault.TOO_MANY)
        kept = Kept(replace(panel, id=await self.around.store.add(panel)), self.around)
        try:
            await kept.post()
        except NotDelivered as failure:
            await self.around.store.remove(kept.panel.id)
            raise PanelRefused(PanelFault.NOT_POSTED, failure.why) from failure
        self._begin(kept)
        return kept.panel

    async def unpin(self, kept: Kept) -> None:
        """Take a panel away."""
        self._kept.pop(kept.panel.id, None)
        await kept.remove()

    async def farewell(self) -> None:
        """Say in every panel that the bot is off, as far as two seconds go. Nothing keeps them current any more."""
        if not self.around.online.is_set():
            return
        with suppress(TimeoutError):
            await self.around.clock.wait_for(self._say_off(), FAREWELL_S)

    async def _say_off(self) -> None:
        ends = [kept.say_off() for kept in self._kept.values() if not kept.unpinned]
        await asyncio.gather(*ends, return_exceptions=True)

    async def _read(self) -> Sequence[Panel]:
        while True:
            try:
                return await self.around.store.all()
            except StorageError:
                log.exception("panels_unreadable")
                await self.around.clock.sleep(PAUSE_S)

    def _begin(self, kept: Kept) -> None:
        self._kept[kept.panel.id] = kept
        self._begun.put_nowait(kept)

    async def _keep(self, kept: Kept) -> None:
        """See to it that one panel ends no other one."""
        while not kept.unpinned:
            try:
                await kept.run()
            except Exception:
                log.exception("panel_failed", panel=kept.panel.id)
                await self.around.clock.sleep(PAUSE_S)
        self._kept.pop(kept.panel.id, None)
