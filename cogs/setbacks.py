"""What a failed try to deliver means, and how long to wait after it: pure decisions."""

from __future__ import annotations

from enum import StrEnum

import discord

from cogs.reply import NOT_SENT

BACKOFF_S = 1.0
BACKOFF_MAX_S = 300.0
JITTER = 0.2
"""By how much of itself a pause is longer at most, so that many do not knock at the same moment."""
TRIES_OF_THE_LIBRARY = 5
"""How often discord.py asks again by itself before it says that it was rate limited."""
LIMITED_AT_MOST_S = 3600.0
"""Nothing is waited for longer than that because somebody says so."""
GONE_S = 60.0
GONE_MAX_S = 3600.0
"""How long a destination that was gone is not asked again, at first and at most."""


class Setback(StrEnum):
    """In which way a try has failed."""

    AGAIN = "again"
    """Away, or in trouble of its own: it passes."""
    LIMITED = "limited"
    GONE = "gone"
    """There is no such place, or none that we may write to."""
    UNFIT = "unfit"
    """It does not take what was sent."""
    REFUSED = "refused"
    """Discord does not take the token."""


class NotDelivered(Exception):
    """A try failed."""

    def __init__(self, setback: Setback, why: str, *, retry_after_s: float = 0.0, invalid: int = 0) -> None:
        super().__init__(setback, why)
        self.setback = setback
        self.why = why
        """For people who look after the bot; no secret is in it."""
        self.retry_after_s = retry_after_s
        """No try before that."""
        self.invalid = invalid
        """How many requests it took that Discord counts as invalid, at most."""


SENDING = NOT_SENT
"""All that may come of sending with the library."""


def judge(error: Exception) -> NotDelivered:
    """Tell what an error of the library's means; one of `SENDING`."""
    why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, discord.RateLimited):
        return NotDelivered(Setback.LIMITED, why, retry_after_s=error.retry_after, invalid=1)
    if isinstance(error, discord.HTTPException):
        headers = getattr(error.response, "headers", {})
        through = TRIES_OF_THE_LIBRARY if headers.get("Via") else 1
        return of_status(error.status, why, retry_after=headers.get("Retry-After"), through=through)
    return NotDelivered(Setback.AGAIN, why)


def of_status(status: int, why: str, *, retry_after: str | None = None, through: int = 1) -> NotDelivered:
    """Tell what an HTTP status means; `through`: how many requests a 429 has taken."""
    match status:
        case 401:
            return NotDelivered(Setback.REFUSED, why, invalid=1)
        case 403 | 404 | 410:
            return NotDelivered(Setback.GONE, why, invalid=1)
        case 429:
            return NotDelivered(Setback.LIMITED, why, retry_after_s=_seconds(retry_after), invalid=through)
        case _ if 400 <= status < 500 and status != 408:  # noqa: PLR2004 - HTTP's own classes; 408 is a timeout
            return NotDelivered(Setback.UNFIT, why)
        case _:
            return NotDelivered(Setback.AGAIN, why)


def _seconds(header: str | None) -> float:
    try:
        return min(max(0.0, float(header or "")), LIMITED_AT_MOST_S)
    except ValueError:
        return 0.0


def retry_delay_s(attempts: int, chance: float) -> float:
    """Give the pause after that many failed attempts: twice as long each time, five minutes at most, and some chance.

    Args:
        attempts: before the one that has just failed.
        chance: 0 to 1.
    """
    plain = min(BACKOFF_S * float(2 ** min(attempts, 20)), BACKOFF_MAX_S)
    return plain * (1 + JITTER * chance)


def gone_delay_s(times: int) -> float:
    """Give how long a destination is left alone that has been gone so many times in a row, from 1."""
    return min(GONE_S * float(4 ** min(times - 1, 10)), GONE_MAX_S)
