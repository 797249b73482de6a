"""Whether something grows, and how fast, in spite of the odd wild measurement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from statistics import median

Points = Sequence[tuple[float, float]]
"""Times and values."""

WARM_UP_S = 900
"""What a game takes up while it loads its world is no growth."""
LEAST_POINTS = 6
LEAST_S = 3600
"""A life with fewer points, or over a shorter time, says nothing of growth."""


def robust_slope(lives: Iterable[Points]) -> float | None:
    """The Theil–Sen estimator: the median of the slopes of all pairs of points, in value a unit of time.

    A pair is of one life: what begins anew between two lives is no slope. A quarter of all points may be
    wild before the median leaves the true ones (https://en.wikipedia.org/wiki/Theil-Sen_estimator). Quadratic: some
    hundred points a life are enough.

    Returns:
        `None` without a pair of points at different times.
    """
    slopes = [
        (later - earlier) / (after - before)
        for life in lives
        for (before, earlier), (after, later) in combinations(life, 2)
        if after != before
    ]
    return median(slopes) if slopes else None


def growth_per_hour(points: Points, bucket_s: int, lives: Iterable[tuple[float, float]]) -> float | None:
    """How fast a value that begins anew with each life grows while one goes on.

    Args:
        points: the mean of each known bucket, by the second at which it begins, in order.
        bucket_s: how long a bucket is.
        lives: from when to when, in seconds; buckets that reach over an end are left out.

    Returns:
        In the value's unit an hour; `None` where too little is known to tell.
    """
    parts = [
        [point for point in points if begin_s + WARM_UP_S <= point[0] and point[0] + bucket_s <= end_s]
        for begin_s, end_s in lives
    ]
    telling = [part for part in parts if len(part) >= LEAST_POINTS and part[-1][0] - part[0][0] >= LEAST_S]
    slope = robust_slope(telling)
    return None if slope is None else slope * 3600
