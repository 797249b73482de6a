"""What is told to somebody whom the gate has turned away."""

from __future__ import annotations

from discord import app_commands

from cogs.access import AccessDenied, Denial, NobodyMeant
from cogs.locale.catalogue import Words, mark
from cogs.ratelimit import RateLimited
from cogs.render.text import timestamp

DENIALS: dict[Denial, str] = {
    Denial.NOT_IN_GUILD: mark(
        "I only answer in the servers that I am installed in, not in direct messages. Use the command there."
    ),
    Denial.FOREIGN_GUILD: mark(
        "I do not work in this Discord server. Whoever runs me must add its id to `DISCORD_GUILD_IDS`."
    ),
    Denial.NO_GRANT: mark(
        "You may not do that: it takes the permission `{action}`. Ask whoever runs this bot for it."
    ),
    Denial.NOT_OWNER: mark(
        "You may not do that: it reaches the machine itself, so it is for the owners in `DISCORD_OWNER_IDS` alone."
    ),
    Denial.NOT_YOURS: mark("That button is for whoever gave the command. Give the command yourself."),
    Denial.EXPIRED: mark("That has expired, so nothing was done. Give the command again."),
    Denial.FORGED: mark("I have offered nothing like that. Give the command again, and pick from what it offers."),
}
CHANGED = mark(
    "That command has changed. Reload Discord (Ctrl+R; on a phone, close and open it), then give it again."
)


def turned_away(error: BaseException, words: Words) -> str | None:
    """Say why, and what to do; `None` where that is not what happened."""
    match error:
        case AccessDenied():
            action = "" if error.action is None else error.action.value
            return words.text(DENIALS[error.denial], action=action)
        case NobodyMeant():
            return words.text("That names nobody. Pick from the list, or type `role:` or `user:` and the id.")
        case RateLimited():
            # Rounded up: a timestamp of Discord's has whole seconds.
            again = timestamp(error.again_ms + 999)
            return words.text("That was too much at once, so nothing was done. Try again {again}.", again=again)
        case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
            return words.text(CHANGED)
        case _:
            return None
