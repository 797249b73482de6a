from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.ratelimit import COMMANDS, KEPT, PERSON, SERVER, TYPING, Limits, RateLimited
from tests.fakes.clock import EPOCH_MS, FakeClock

ANNA, BERT = 1, 2


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def limits(clock: FakeClock) -> Limits:
    return Limits(clock)


def let_through(limits: Limits, user_id: int, attempts: int, command: str = "start") -> int:
    """Give how many of so many attempts at once are let through."""
    through = 0
    for _ in range(attempts):
        try:
            limits.person(user_id, command)
        except RateLimited:
            continue
        through += 1
    return through


def test_fault_48_a_burst_of_one_never_costs_another(limits: Limits) -> None:
    assert let_through(limits, ANNA, 200) == PERSON.burst
    assert let_through(limits, BERT, 1) == 1


async def test_tokens_come_back_with_time(limits: Limits, clock: FakeClock) -> None:
    let_through(limits, ANNA, 200)
    await clock.advance(1 / PERSON.per_s)
    assert let_through(limits, ANNA, 200) == 1
    await clock.advance(3600)
    assert let_through(limits, ANNA, 200) == PERSON.burst


def test_what_is_refused_says_when_it_will_not_be_and_costs_nothing(limits: Limits) -> None:
    let_through(limits, ANNA, 200)
    with pytest.raises(RateLimited) as refused:
        limits.person(ANNA, "start")
    assert refused.value.wait_s == 1 / PERSON.per_s
    assert refused.value.again_ms == EPOCH_MS + 2000


@pytest.mark.parametrize("command", COMMANDS)
def test_what_costs_more_is_let_through_less_often(limits: Limits, command: str) -> None:
    assert let_through(limits, ANNA, 200, command) == COMMANDS[command].burst < PERSON.burst
    assert let_through(limits, ANNA, 1, "status") == 1
    assert let_through(limits, BERT, 1, command) == 1


async def test_a_server_is_not_overrun_by_many_together(limits: Limits, clock: FakeClock) -> None:
    for _ in range(SERVER.burst):
        limits.server("alpha")
    limits.server("beta")
    with pytest.raises(RateLimited):
        limits.server("alpha")
    await clock.advance(1 / SERVER.per_s)
    limits.server("alpha")


def test_typing_has_room_of_its_own(limits: Limits) -> None:
    for _ in range(TYPING.burst):
        limits.typing(ANNA)
    assert let_through(limits, ANNA, 1) == 1
    with pytest.raises(RateLimited):
        limits.typing(ANNA)
    limits.typing(BERT)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 50)), max_size=20))
def test_fault_48_one_person_never_uses_up_a_server(bursts: list[tuple[float, int]]) -> None:
    """Whatever one person does, and whenever: somebody who comes after finds the server free."""
    clock = FakeClock()
    limits = Limits(clock)
    for pause_s, attempts in bursts:
        clock._elapsed_ns += round(pause_s * 1e9)
        for _ in range(let_through(limits, ANNA, attempts)):
            limits.server("alpha")
        limits.person(BERT + attempts + clock._elapsed_ns, "start")
        bucket = limits._buckets.get(("server", "alpha"))
        assert bucket is None or bucket.tokens >= 1


def test_memory_stays_bounded(limits: Limits, clock: FakeClock) -> None:
    let_through(limits, ANNA, 200)
    for user_id in range(10, 10 + 3 * KEPT):
        clock._elapsed_ns += 10**7
        limits.typing(user_id)
    assert len(limits._buckets) <= KEPT + 1
    assert let_through(limits, ANNA, 200) < PERSON.burst + 62
