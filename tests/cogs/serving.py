"""What the tests of `/server` and `/setup` do again and again: real folders, forms, buttons, and the audit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import simcord

from storage.servers import Servers
from tests.cogs.world import World

PROGRAM = "start.bat" if sys.platform == "win32" else "start.sh"


def place(folder: Path) -> Path:
    """Make a folder with a program in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PROGRAM).write_text("#!/bin/sh\n")
    (folder / PROGRAM).chmod(0o755)
    return folder


def typed(where: Path, **changed: Any) -> dict[str, Any]:
    """Give a filled form of `/server add`."""
    form = {"name": "My Ark", "game": ["-"], "program": PROGRAM, "folder": str(where)}
    return form | {"arguments_maybe_secret": "-log"} | changed


def reply(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    assert result.response is not None
    return result.response


def said(result: simcord.InteractionResult) -> str:
    return reply(result).content


def shown(result: simcord.InteractionResult) -> str:
    """All text of the embed of an answer."""
    [embed] = reply(result).embeds
    fields = [f"{field.name}: {field.value}" for field in embed.fields]
    return "\n".join([embed.title or "", embed.description or "", *fields])


def fields(result: simcord.InteractionResult) -> dict[str, dict[str, Any]]:
    """The controls of a form, by their ids."""
    assert result.modal is not None
    controls = [label["component"] for label in result.modal["components"]]
    return {control["custom_id"]: control for control in controls}


async def drafted(home: World, form: dict[str, Any], locale: str = "en-US") -> simcord.InteractionResult:
    """Fill in the form of a new server, as the owner."""
    owner = home.people.owner
    opened = await home.slash(owner, "server add", locale=locale)
    with home.carrying(locale=locale):
        return await owner.submit_modal(opened, form)


async def press(
    home: World, result: simcord.InteractionResult, label: str, who: simcord.MemberActor | None = None
) -> simcord.InteractionResult:
    return await (who or home.people.owner).click(reply(result), label=label)


async def outcome_of(home: World, entry: str) -> str:
    """What the audit says came of the last attempt of that name."""
    records = [record for record in await home.audit.page(limit=10) if record.entry.entry == entry]
    assert records[0].outcome is not None
    return records[0].outcome.detail


async def stored(home: World) -> dict[str, Any]:
    """The servers on the disk that are not removed, by id."""
    return {spec.id: spec for spec in await Servers(home.db).all()}
