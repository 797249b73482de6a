from __future__ import annotations

from itertools import islice

import pytest

from bot.demo.visits import NAMES, visits


@pytest.mark.parametrize("seed", range(5))
def test_nobody_leaves_who_is_not_on_and_nobody_joins_twice(seed: int) -> None:
    online: set[str] = set()
    for visit in islice(visits(seed), 2000):
        assert visit.joins == (visit.name not in online)
        (online.add if visit.joins else online.discard)(visit.name)
        assert len(online) <= 8
        assert visit.after_s > 0


def test_the_same_seed_tells_the_same_story() -> None:
    assert list(islice(visits(3), 100)) == list(islice(visits(3), 100))
    assert list(islice(visits(3), 100)) != list(islice(visits(4), 100))


def test_everybody_comes_by_the_koreans_too() -> None:
    seen = {visit.name for visit in islice(visits(7), 500)}
    assert seen == set(NAMES)
    assert any("가" <= letter <= "힣" for name in seen for letter in name)


def test_somebody_comes_within_two_seconds() -> None:
    first = next(visits(7))
    assert first.joins
    assert first.after_s < 2
