"""The first steps, and which of them are done."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

import discord

from cogs.locale.catalogue import Words, mark
from cogs.render.limits import fit
from cogs.render.palette import GREEN, SKY


class Step(StrEnum):
    """In the order in which they are best taken."""

    CHANNEL = "channel"
    ROLE = "role"
    SERVER = "server"


TITLES: dict[Step, str] = {
    Step.CHANNEL: mark("Where alerts go"),
    Step.ROLE: mark("Who administers the servers"),
    Step.SERVER: mark("What is looked after"),
}

WHAT: dict[Step, str] = {
    Step.CHANNEL: mark("Choose a channel: crashes, hangs and failed starts are told there."),
    Step.ROLE: mark(
        "Choose a role: whoever has it may start, stop and manage every server. Or give rights by `/access`."
    ),
    Step.SERVER: mark("Describe a server, or take a whole file of them by `/server import`."),
}

DONE: dict[Step, str] = {
    Step.CHANNEL: mark("Alerts go to {channel}."),
    Step.ROLE: mark("There is an admin role. `/access list` shows who may do what."),
    Step.SERVER: mark("There are servers. `/status` shows them."),
}


def steps_embed(
    done: Collection[Step], words: Words, *, channel_id: int | None, channel_fixed: bool
) -> discord.Embed:
    """All steps, each with what to do, or what is done; none of them has to be taken."""
    complete = len(done) == len(Step)
    embed = discord.Embed(
        title=words.text("Setup is complete") if complete else words.text("Setup"),
        description=(
            words.text("Everything is ready. Try `/status`, and see `/alerts` for more places and kinds of alerts.")
            if complete
            else words.text("Take the steps in any order, or leave one out; `/setup` takes up where you left.")
        ),
        colour=GREEN if complete else SKY,
    )
    for step in Step:
        text = (DONE if step in done else WHAT)[step]
        value = words.text(text, channel=f"<#{channel_id}>")
        if step is Step.CHANNEL and channel_fixed:
            value += " " + words.text("That is set by `DISCORD_ALERT_CHANNEL_ID`.")
        icon = "✅" if step in done else "⬜"
        embed.add_field(name=f"{icon} {words.text(TITLES[step])}", value=value, inline=False)
    return fit(embed)
