"""How a command answers: within three seconds, once, and somewhere even when its interaction is gone.

Nothing else answers interactions. So no answer leaves without its secrets taken out, and none at all is given to what
has not come through the gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import discord
import structlog
from discord import app_commands

from cogs.attempt import Attempt, attempt_of
from cogs.discretion import discreet_embed, discreet_file
from cogs.locale.catalogue import catalogue, mark

log = structlog.get_logger(__name__)

GONE = frozenset({10008, 10015, 10062, 50027})
"""Unknown message, webhook or interaction, and an interaction's token after its 15 minutes.

Source: https://discord.com/developers/docs/topics/opcodes-and-status-codes
"""
ACKNOWLEDGED = 40060
"""It was acknowledged before: the answer to our first acknowledgement was lost on its way."""

NOT_SENT = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)
"""All the ways in which sending something to Discord is known to fail."""


TOO_SLOW_FOR_A_FORM = mark("That took too long to open. Nothing was done: give the command again.")


@dataclass(frozen=True, slots=True)
class _Answer:
    content: str | None
    embed: discord.Embed | None
    files: Sequence[discord.File]
    view: discord.ui.View | None

    def rewound(self) -> list[discord.File]:
        """The files from their beginning: an attempt that failed has read them."""
        for file in self.files:
            file.reset()
        return list(self.files)


async def defer(interaction: discord.Interaction, *, ephemeral: bool = False, in_place: bool = False) -> None:
    """Acknowledge at once; `answer` follows. Too late for that, what was asked for is done all the same.

    In place, the answer to the press of a button changes the message that it stands on.
    """
    attempt = attempt_of(interaction)
    attempt.private = attempt.private or ephemeral
    if interaction.response.is_done():
        return
    try:
        await interaction.response.defer(thinking=not in_place, ephemeral=ephemeral)
    except discord.HTTPException as failure:
        if failure.code not in (*GONE, ACKNOWLEDGED):
            raise
        log.info("interaction_not_deferred", code=failure.code)


async def progress(interaction: discord.Interaction, content: str) -> None:
    """Change the answer while the work goes on. Where that fails, only the result will be told."""
    try:
        await interaction.edit_original_response(content=attempt_of(interaction).redaction.text(content))
    except NOT_SENT as failure:
        log.info("progress_not_shown", failure=repr(failure))


async def ask(interaction: discord.Interaction, form: discord.ui.Modal) -> None:
    """Show a form. It must be the first answer, so whoever came in too slowly is asked to begin again."""
    attempt = attempt_of(interaction)
    if not interaction.response.is_done():
        await interaction.response.send_modal(form)
        return
    log.info("form_not_shown", entry=attempt.entry)
    words = catalogue(interaction.locale.value)
    await answer(interaction, content=f"⚠️ {words.text(TOO_SLOW_FOR_A_FORM)}", ephemeral=True)


async def offer(interaction: discord.Interaction, choices: Sequence[app_commands.Choice[str]]) -> None:
    """Answer a completion."""
    attempt_of(interaction)
    await interaction.response.autocomplete(choices)


async def answer(
    interaction: discord.Interaction,
    *,
    content: str | None = None,
    embed: discord.Embed | None = None,
    files: Sequence[discord.File] = (),
    view: discord.ui.View | None = None,
    ephemeral: bool = False,
) -> None:
    """Give or change the one answer of an interaction. Too late for that, it goes to the channel as a message.

    An ephemeral answer is for one person's eyes: it never goes to the channel.
    """
    attempt = attempt_of(interaction)
    what = _without_secrets(attempt, content, embed, files, view)
    try:
        await _give(interaction, what, ephemeral=ephemeral)
    except discord.HTTPException as failure:
        if failure.code not in GONE:
            raise
        log.info("interaction_gone", code=failure.code)
        if not (ephemeral or attempt.private):
            await _to_channel(interaction, what)


async def turn(
    interaction: discord.Interaction,
    *,
    content: str | None = None,
    embed: discord.Embed | None = None,
    view: discord.ui.View | None = None,
) -> None:
    """Change the message whose button was pressed; without a view its buttons go away."""
    what = _without_secrets(attempt_of(interaction), content, embed, (), view)
    try:
        if interaction.response.is_done():
            await interaction.edit_original_response(content=what.content, embed=what.embed, view=what.view)
        else:
            await interaction.response.edit_message(content=what.content, embed=what.embed, view=what.view)
    except discord.HTTPException as failure:
        if failure.code not in (*GONE, ACKNOWLEDGED):
            raise
        log.info("page_not_turned", code=failure.code)


async def renew(interaction: discord.Interaction, embed: discord.Embed, view: discord.ui.View) -> None:
    """Bring the message whose button was pressed up to date, beside the answer that went elsewhere."""
    message, redaction = interaction.message, attempt_of(interaction).redaction
    if message is None or message.flags.ephemeral:
        return
    try:
        await message.edit(embed=discreet_embed(embed, redaction), view=view)
    except NOT_SENT as failure:
        log.info("message_not_renewed", failure=repr(failure))


def _without_secrets(
    attempt: Attempt,
    content: str | None,
    embed: discord.Embed | None,
    files: Sequence[discord.File],
    view: discord.ui.View | None,
) -> _Answer:
    redaction = attempt.redaction
    return _Answer(
        None if content is None else redaction.text(content),
        None if embed is None else discreet_embed(embed, redaction),
        [discreet_file(file, redaction) for file in files],
        view,
    )


async def _give(interaction: discord.Interaction, what: _Answer, *, ephemeral: bool) -> None:
    embed, view = what.embed or discord.utils.MISSING, what.view or discord.utils.MISSING
    if not interaction.response.is_done():
        try:
            await interaction.response.send_message(
                what.content, embed=embed, view=view, files=what.rewound(), ephemeral=ephemeral
            )
        except discord.HTTPException as failure:
            if failure.code != ACKNOWLEDGED:
                raise
        else:
            return
    await interaction.edit_original_response(
        content=what.content, embed=what.embed, view=view, attachments=what.rewound()
    )


async def _to_channel(interaction: discord.Interaction, what: _Answer) -> None:
    channel = interaction.channel
    if isinstance(channel, discord.abc.Messageable):
        embed, view = what.embed or discord.utils.MISSING, what.view or discord.utils.MISSING
        await channel.send(what.content, embed=embed, view=view, files=what.rewound())
