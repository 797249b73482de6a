"""How much a server was played on, and at which hour of the day the most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

Readings = Sequence[tuple[int, float]]
"""The mean number of players in each bucket of which something is known, by the UTC epoch second it begins at."""

HOURS = 24


@dataclass(frozen=True, slots=True)
class PlayerHours:
    """How much a server was played on."""

    hours: float
    """One player for one hour, or two for half of one, is 1.0."""
    peak: int | None
    """The most that were on at once; `None` where nothing is known."""
    known_s: int
    """Of how much of the span it is known who was on. The rest adds nothing to the hours."""


@dataclass(frozen=True, slots=True)
class BusiestHour:
    """The hour of the day at which the most play."""

    hour: int
    """It begins at this hour, 0 to 23, by the clock on the wall."""
    players: float
    """How many were on in it, on average over the days on which it is known."""


def player_hours(readings: Readings, bucket_s: int, peak: float | None) -> PlayerHours:
    """Add up buckets of equal length."""
    hours = sum(players for _, players in readings) * bucket_s / 3600
    return PlayerHours(hours, None if peak is None else round(peak), len(readings) * bucket_s)


def hours_of_day(readings: Readings, bucket_s: int, zone: tzinfo) -> tuple[float | None, ...]:
    """The mean number of players in each hour of the day of a zone, from 0; `None` where nothing is known of it.

    A bucket belongs to the hour that its middle is in. An hour that comes twice, as a night in autumn has it, counts
    as twice the time; one that is left out in spring, as none.
    """
    total, count = [0.0] * HOURS, [0] * HOURS
    for at_s, players in readings:
        hour = datetime.fromtimestamp(at_s + bucket_s / 2, zone).hour
        total[hour] += players
        count[hour] += 1
    return tuple(total[hour] / count[hour] if count[hour] else None for hour in range(HOURS))


def busiest_hour(hours: Iterable[float | None]) -> BusiestHour | None:
    """The hour with the most players, the first of equals; `None` where nobody ever played."""
    played = [BusiestHour(hour, players) for hour, players in enumerate(hours) if players]
    return max(played, key=lambda each: each.players, default=None)
