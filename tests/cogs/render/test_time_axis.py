from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from cogs.render.time_axis import DayWords, ticks, zone_of

ENGLISH = DayWords("{month_name} {day}", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
KOREAN = DayWords("{month}월 {day}일", tuple("월화수목금토일"))
BERLIN, SEOUL = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Seoul")


def at(zone: ZoneInfo, *wall: int) -> float:
    return datetime(*wall, tzinfo=zone).timestamp()  # type: ignore[arg-type, misc]


def texts(since_s: float, until_s: float, zone: ZoneInfo = SEOUL, words: DayWords = ENGLISH) -> list[str]:
    return [tick.text for tick in ticks(since_s, until_s, zone, words)]


def test_a_day_has_a_tick_every_three_hours_and_its_date_where_it_begins() -> None:
    since = at(SEOUL, 2026, 11, 23, 14, 5)
    assert texts(since, since + 86_400) == [
        "15:00\nNov 23",
        "18:00",
        "21:00",
        "00:00\nNov 24",
        "03:00",
        "06:00",
        "09:00",
        "12:00",
    ]


def test_a_date_is_written_as_the_reader_writes_it() -> None:
    since = at(SEOUL, 2026, 11, 23, 23, 55)
    assert texts(since, since + 600, words=KOREAN)[:1] == ["23:56\n11월 23일"]
    assert "00:00\n11월 24일" in texts(since, since + 600, words=KOREAN)


def test_a_week_has_a_tick_a_day() -> None:
    since = at(SEOUL, 2026, 11, 17, 12, 0)
    shown = texts(since, since + 7 * 86_400, words=KOREAN)
    assert shown[:2] == ["수\n11월 18일", "목\n11월 19일"]
    assert len(shown) == 7


@pytest.mark.parametrize("span_s", [60, 600, 3600, 21_600, 86_400, 604_800, 30 * 86_400, 400 * 86_400])
def test_there_are_never_too_many_ticks_nor_too_few(span_s: int) -> None:
    since = at(SEOUL, 2026, 11, 1, 3, 17)
    assert 1 <= len(ticks(since, since + span_s, SEOUL, ENGLISH)) <= 9


def test_a_night_that_skips_an_hour_has_no_tick_that_never_was() -> None:
    since = at(BERLIN, 2026, 3, 29, 0, 0)
    shown = ticks(since, since + 6 * 3600, BERLIN, ENGLISH)
    assert [tick.text for tick in shown] == ["00:00\nMar 29", "01:00", "03:00", "04:00", "05:00", "06:00", "07:00"]
    assert [round(tick.at_s - since) // 3600 for tick in shown] == [0, 1, 2, 3, 4, 5, 6]


def test_a_night_that_repeats_an_hour_has_each_tick_once() -> None:
    since = at(BERLIN, 2026, 10, 25, 0, 0)
    shown = ticks(since, since + 6 * 3600, BERLIN, ENGLISH)
    assert [tick.text for tick in shown] == ["00:00\nOct 25", "01:00", "02:00", "03:00", "04:00", "05:00"]
    assert [round(tick.at_s - since) // 3600 for tick in shown] == [0, 1, 2, 4, 5, 6]


@pytest.mark.parametrize("name", ["Nowhere/Atall", "", "../etc", "x" * 300])
def test_an_unknown_zone_is_utc(name: str) -> None:
    assert zone_of(name) is UTC
    assert zone_of("Asia/Seoul") == SEOUL
