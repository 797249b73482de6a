"""When a panel is edited, and what becomes of it when that fails: pure decisions."""

from __future__ import annotations

from enum import StrEnum

import discord

from cogs.render.panel import Face

EDIT_EVERY_S = 10.0
FIGURES_EVERY_S = 60.0
"""For what only figures say: CPU and memory."""
OLD_S = 3600.0
"""Discord edits messages older than that only so often."""
TRY_ANEW_S = 60.0
"""At most, before what cannot be edited any more is posted anew."""

TOO_MANY_EDITS, UNKNOWN_MESSAGE, UNKNOWN_CHANNEL, NOT_OURS = 30046, 10008, 10003, 50005
"""Source: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json."""
HTTP_FORBIDDEN, HTTP_NOT_FOUND = 403, 404


def due_in_s(shown: Face | None, now: Face, since_edit_s: float) -> float | None:
    """How long the message is left as it is; `None`: it shows what there is to show.

    Args:
        shown: what the message shows; `None`: nobody knows.
        now: what it has to show.
        since_edit_s: how long ago it was last sent or edited.
    """
    if now == shown:
        return None
    every_s = FIGURES_EVERY_S if shown is not None and shown.news == now.news else EDIT_EVERY_S
    return max(0.0, every_s - since_edit_s)


class Fate(StrEnum):
    """What becomes of a panel whose message could not be sent or edited."""

    AGAIN = "again"
    """Another try, later."""
    ANEW = "anew"
    """A new message takes its place."""
    BARRED = "barred"
    """We may not: another try, much later."""
    GONE = "gone"
    """People have deleted it, or its channel: they do not want it."""


def fate(error: BaseException | None, age_s: float) -> Fate:
    """Tell what an error of the library's means for a panel whose message is that old."""
    if isinstance(error, discord.RateLimited):
        # The library tells no reason, and an old message is the one that is likely.
        return Fate.ANEW if age_s >= OLD_S else Fate.AGAIN
    if not isinstance(error, discord.HTTPException):
        return Fate.AGAIN
    if error.code in (TOO_MANY_EDITS, NOT_OURS):
        return Fate.ANEW
    if error.code in (UNKNOWN_MESSAGE, UNKNOWN_CHANNEL):
        return Fate.GONE
    return Fate.BARRED if error.status in (HTTP_FORBIDDEN, HTTP_NOT_FOUND) else Fate.AGAIN
