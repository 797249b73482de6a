"""Where the ticks of a time axis stand, and what is written under them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)
DAY_MINUTES = 1440
DAYS = (1, 2, 7, 14, 28)


@dataclass(frozen=True, slots=True)
class Tick:
    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class DayWords:
    """How a day is written."""

    date: str
    """With the places {month}, {month_name} and {day}."""
    weekdays: tuple[str, ...]
    """Seven, Monday first."""


def zone_of(name: str) -> tzinfo:
    """The zone of that IANA name; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def ticks(since_s: float, until_s: float, zone: tzinfo, words: DayWords, at_most: int = 8) -> list[Tick]:
    """Ticks on round local times, about `at_most` of them at most; under the first of each day stands the day."""
    step = _step((until_s - since_s) / 60, at_most)
    moments = _moments(since_s, until_s, zone, step)
    if step >= DAY_MINUTES:
        return [Tick(at_s, f"{words.weekdays[local.weekday()]}\n{day(local, words)}") for at_s, local in moments]
    made: list[Tick] = []
    last: date | None = None
    for at_s, local in moments:
        clock = f"{local:%H:%M}"
        made.append(Tick(at_s, clock if local.date() == last else f"{clock}\n{day(local, words)}"))
        last = local.date()
    return made


def day(local: datetime, words: DayWords) -> str:
    return words.date.format(month=local.month, month_name=MONTHS[local.month - 1], day=local.day)


def _step(minutes: float, at_most: int) -> int:
    steps = (*MINUTES, *(days * DAY_MINUTES for days in DAYS))
    fitting = [step for step in steps if minutes / step <= at_most]
    return fitting[0] if fitting else _whole_days(minutes / at_most)


def _whole_days(minutes: float) -> int:
    return (int(minutes // DAY_MINUTES) + 1) * DAY_MINUTES


def _moments(since_s: float, until_s: float, zone: tzinfo, step: int) -> list[tuple[float, datetime]]:
    """Every round local time in the range; a time that the zone skips is left out, one it repeats comes once."""
    first = datetime.fromtimestamp(since_s, zone).date()
    last = datetime.fromtimestamp(until_s, zone).date()
    stride = max(1, step // DAY_MINUTES)
    walls = [
        datetime(d.year, d.month, d.day, minute // 60, minute % 60, tzinfo=zone)
        for d in (first + timedelta(days=n) for n in range(0, (last - first).days + 1, stride))
        for minute in range(0, DAY_MINUTES, min(step, DAY_MINUTES))
    ]
    placed = [(wall.timestamp(), wall) for wall in walls]
    return [(at_s, wall) for at_s, wall in placed if since_s <= at_s <= until_s and _exists(wall)]


def _exists(wall: datetime) -> bool:
    there = wall.astimezone(UTC).astimezone(wall.tzinfo)
    return (there.hour, there.minute) == (wall.hour, wall.minute)
