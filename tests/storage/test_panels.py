"""Panels as rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from storage.database import Database
from storage.panels import Panel, Panels

SOME = Panel(guild_id=1, channel_id=2, server_ids=("ark", "beta"))
ALL = Panel(guild_id=1, channel_id=3)


async def test_a_panel_is_as_it_was_after_a_restart(path: Path) -> None:
    async with await Database.open(path) as db:
        panels = Panels(db)
        some, everything = await panels.add(SOME), await panels.add(ALL)
        await panels.posted(some, 77)
    async with await Database.open(path) as db:
        found = await Panels(db).all()
    assert found == [replace(SOME, id=some, message_id=77), replace(ALL, id=everything)]


async def test_one_is_removed_once(db: Database) -> None:
    panels = Panels(db)
    first, second = await panels.add(SOME), await panels.add(SOME)
    assert await panels.remove(first)
    assert not await panels.remove(first)
    assert [panel.id for panel in await panels.all()] == [second]


async def test_the_id_of_one_that_is_gone_is_never_given_again(db: Database) -> None:
    panels = Panels(db)
    await panels.remove(first := await panels.add(SOME))
    assert await panels.add(SOME) > first
