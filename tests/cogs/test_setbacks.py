"""What a failed try means, and how long to wait after it: tables."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.setbacks import (
    BACKOFF_MAX_S,
    JITTER,
    LIMITED_AT_MOST_S,
    NotDelivered,
    Setback,
    gone_delay_s,
    judge,
    of_status,
    retry_delay_s,
)
from cogs.traffic import INVALID_AT_MOST, INVALID_WINDOW_S, Breaker, Traffic
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.delivery


def http(status: int, **headers: str) -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="", headers=headers)
    kinds = {403: discord.Forbidden, 404: discord.NotFound}
    return kinds.get(status, discord.HTTPException)(response, "said")


@pytest.mark.parametrize(
    ("header", "pause_s"),
    [("inf", LIMITED_AT_MOST_S), ("1e9", LIMITED_AT_MOST_S), ("nan", 0.0), ("-5", 0.0), ("", 0.0), (None, 0.0)],
    ids=str,
)
def test_fault_37_no_header_makes_a_wait_endless(header: str | None, pause_s: float) -> None:
    assert of_status(429, "HTTP 429", retry_after=header).retry_after_s == pause_s


@pytest.mark.parametrize(
    ("error", "setback", "retry_after_s", "invalid"),
    [
        (discord.RateLimited(3600.0), Setback.LIMITED, 3600.0, 1),
        (http(429, **{"Retry-After": "12"}), Setback.LIMITED, 12.0, 1),
        (http(429, Via="1.1 google"), Setback.LIMITED, 0.0, 5),
        (http(429, **{"Retry-After": "soon"}), Setback.LIMITED, 0.0, 1),
        (http(403), Setback.GONE, 0.0, 1),
        (http(404), Setback.GONE, 0.0, 1),
        (http(400), Setback.UNFIT, 0.0, 0),
        (http(413), Setback.UNFIT, 0.0, 0),
        (http(408), Setback.AGAIN, 0.0, 0),
        (http(401), Setback.REFUSED, 0.0, 1),
        (http(500), Setback.AGAIN, 0.0, 0),
        (http(503), Setback.AGAIN, 0.0, 0),
        (aiohttp.ClientConnectionError("away"), Setback.AGAIN, 0.0, 0),
        (ConnectionResetError(104, "reset"), Setback.AGAIN, 0.0, 0),
        (TimeoutError(), Setback.AGAIN, 0.0, 0),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, Exception) else str(value),
)
def test_fault_36_37_38_39_41_every_failure_has_its_meaning(
    error: Exception, setback: Setback, retry_after_s: float, invalid: int
) -> None:
    judged = judge(error)
    assert (judged.setback, judged.retry_after_s, judged.invalid) == (setback, retry_after_s, invalid)
    assert judged.why


@pytest.mark.parametrize(("attempts", "pause_s"), [(0, 1), (1, 2), (2, 4), (7, 128), (9, 300), (5000, 300)])
def test_fault_37_the_pause_doubles_up_to_five_minutes(attempts: int, pause_s: float) -> None:
    assert retry_delay_s(attempts, 0.0) == pause_s


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_pause_is_never_shorter_than_it_should_be_and_little_longer(attempts: int, chance: float) -> None:
    plain = retry_delay_s(attempts, 0.0)
    assert plain <= retry_delay_s(attempts, chance) <= plain * (1 + JITTER) <= BACKOFF_MAX_S * (1 + JITTER)


def test_fault_38_what_is_gone_is_asked_again_ever_more_rarely() -> None:
    assert [gone_delay_s(times) for times in (1, 2, 3, 4, 50)] == [60, 240, 960, 3600, 3600]


def test_a_redirect_is_no_success() -> None:
    assert of_status(302, "HTTP 302").setback is Setback.AGAIN


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 5)), max_size=400))
def test_fault_37_the_breaker_keeps_any_ten_minutes_under_its_limit(tries: list[tuple[float, int]]) -> None:
    breaker, now_s = Breaker(), 0.0
    spent: list[tuple[float, int]] = []
    for pause_s, requests in tries:
        now_s += pause_s
        if breaker.wait_s(now_s) > 0:
            continue
        breaker.spend(requests, now_s)
        spent.append((now_s, requests))
        window = [count for at_s, count in spent if at_s > now_s - INVALID_WINDOW_S]
        assert sum(window) < INVALID_AT_MOST + 5


def test_the_breaker_says_when_it_lets_through_again() -> None:
    breaker = Breaker()
    for at_s in range(INVALID_AT_MOST):
        assert breaker.wait_s(at_s) == 0
        breaker.spend(1, at_s)
    wait_s = breaker.wait_s(INVALID_AT_MOST)
    assert wait_s == INVALID_WINDOW_S - INVALID_AT_MOST
    assert breaker.wait_s(INVALID_AT_MOST + wait_s - 0.5) == 0.5
    assert breaker.wait_s(INVALID_AT_MOST + wait_s) == 0


def test_fault_41_a_token_that_is_refused_stops_everything_until_the_next_login() -> None:
    traffic = Traffic(FakeClock())
    traffic.failed(1, refused=True)
    traffic.failed(1, refused=False)
    assert traffic.refused
    traffic.logged_in()
    assert not traffic.refused


def test_a_failure_tells_itself() -> None:
    assert "GONE" in repr(NotDelivered(Setback.GONE, "HTTP 404"))
