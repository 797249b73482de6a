from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.playtime import BusiestHour, PlayerHours, busiest_hour, hours_of_day, player_hours

NEW_YORK, SEOUL, KATHMANDU = ZoneInfo("America/New_York"), ZoneInfo("Asia/Seoul"), ZoneInfo("Asia/Kathmandu")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("readings", "bucket_s", "peak", "found"),
    [
        pytest.param([], 600, None, PlayerHours(0.0, None, 0), id="nothing known"),
        pytest.param([(0, 0.0)], 600, 0.0, PlayerHours(0.0, 0, 600), id="nobody"),
        pytest.param([(0, 1.0)], 3600, 1.0, PlayerHours(1.0, 1, 3600), id="one for an hour"),
        pytest.param([(0, 2.0), (600, 1.0)], 600, 3.0, PlayerHours(0.5, 3, 1200), id="two and one"),
        pytest.param([(0, 1.5), (7200, 0.5)], 1800, 2.0, PlayerHours(1.0, 2, 3600), id="over a gap"),
    ],
)
def test_player_hours_add_up(
    readings: list[tuple[int, float]], bucket_s: int, peak: float | None, found: PlayerHours
) -> None:
    assert player_hours(readings, bucket_s, peak) == found


@pytest.mark.parametrize(
    ("readings", "zone", "known"),
    [
        pytest.param([], UTC, {}, id="nothing known"),
        pytest.param([(at("2026-05-01T20:00"), 3.0)], UTC, {20: 3.0}, id="utc"),
        pytest.param([(at("2026-05-01T20:00"), 3.0)], SEOUL, {5: 3.0}, id="the next day in Seoul"),
        pytest.param([(at("2026-05-01T20:00"), 3.0)], KATHMANDU, {2: 3.0}, id="20:30 is 02:15 in Kathmandu"),
        pytest.param(
            [(at("2026-05-01T20:00"), 3.0), (at("2026-05-02T20:00"), 6.0), (at("2026-05-02T21:00"), 1.0)],
            UTC,
            {20: 4.5, 21: 1.0},
            id="the mean over days",
        ),
        pytest.param(
            # 2026-11-01: 05:00 and 06:00 UTC are both 01:00 on the wall.
            [(at("2026-11-01T05:00"), 2.0), (at("2026-11-01T06:00"), 4.0), (at("2026-11-01T07:00"), 7.0)],
            NEW_YORK,
            {1: 3.0, 2: 7.0},
            id="fault-53-an hour that comes twice",
            marks=pytest.mark.fault(53),
        ),
        pytest.param(
            # 2026-03-08: 06:00 UTC is 01:00 on the wall, 07:00 UTC is 03:00.
            [(at("2026-03-08T06:00"), 2.0), (at("2026-03-08T07:00"), 4.0)],
            NEW_YORK,
            {1: 2.0, 3: 4.0},
            id="fault-53-an hour that is left out",
            marks=pytest.mark.fault(53),
        ),
        pytest.param(
            [(at("2026-07-01T12:00"), 2.0), (at("2026-12-01T12:00"), 4.0)],
            NEW_YORK,
            {8: 2.0, 7: 4.0},
            id="fault-53-summer and winter",
            marks=pytest.mark.fault(53),
        ),
    ],
)
def test_hours_are_those_on_the_wall(
    readings: list[tuple[int, float]], zone: ZoneInfo, known: dict[int, float]
) -> None:
    assert hours_of_day(readings, 3600, zone) == tuple(known.get(hour) for hour in range(24))


@pytest.mark.parametrize(
    ("hours", "found"),
    [
        pytest.param([None] * 24, None, id="nothing known"),
        pytest.param([0.0] * 24, None, id="nobody ever"),
        pytest.param([None, 0.0, 2.0, 1.0], BusiestHour(2, 2.0), id="the most"),
        pytest.param([0.5, 0.5], BusiestHour(0, 0.5), id="the first of equals"),
    ],
)
def test_the_busiest_hour(hours: list[float | None], found: BusiestHour | None) -> None:
    assert busiest_hour(hours) == found
