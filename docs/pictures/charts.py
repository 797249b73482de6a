"""Draw the sample charts of the documentation: `python -m docs.pictures.charts` writes docs/images/chart-*.png."""

from __future__ import annotations

import math
import random
from pathlib import Path

from cogs.locale.catalogue import catalogue
from cogs.render.chart import draw
from cogs.render.chart_request import ChartRequest, Mark, MarkKind
from cogs.render.chart_words import Curve, chart_request
from monitor.metrics import BY_KEY

IMAGES = Path(__file__).parents[1] / "images"
DAY_S = 86_400
STEP_S = 120
UNTIL_S = 1_795_500_000
CRASH_S, BACK_S = UNTIL_S - 31_000, UNTIL_S - 28_800
GIB = 1 << 30


def sample(locale: str, name: str) -> ChartRequest:
    """A day of a busy server that leaks, crashes and comes back."""
    return chart_request(
        server_name=name,
        server_id="survival",
        words=catalogue(locale),
        timezone="Asia/Seoul" if locale == "ko" else "Europe/Berlin",
        since_s=UNTIL_S - DAY_S,
        until_s=UNTIL_S,
        step_s=STEP_S,
        curves=[(BY_KEY[key], [_curve(key)]) for key in ("cpu", "memory", "players", "tick_rate")],
        marks=(
            Mark(UNTIL_S - 79_000, MarkKind.SAVED),
            Mark(UNTIL_S - 50_000, MarkKind.SAVED),
            Mark(CRASH_S, MarkKind.CRASHED),
            Mark(BACK_S, MarkKind.STARTED),
            Mark(BACK_S + 900, MarkKind.READY),
            Mark(UNTIL_S - 9_000, MarkKind.SAVED),
        ),
    )


def _curve(key: str) -> Curve:
    chance = random.Random(key)  # noqa: S311 - a picture, not a secret
    times = [t for t in range(UNTIL_S - DAY_S, UNTIL_S, STEP_S) if not CRASH_S < t < BACK_S]
    means = [_value(key, t, chance) for t in times]
    spread = {"cpu": 0.35, "memory": 0.02, "players": 0.0, "tick_rate": 0.06}[key]
    return Curve(
        at_s=times,
        low=[m * (1 - spread * chance.random()) for m in means],
        mean=means,
        high=[m * (1 + (0 if key == "tick_rate" else spread) * chance.random()) for m in means],
    )


def _value(key: str, at_s: int, chance: random.Random) -> float:
    people = max(0, round(9 + 8 * math.sin((at_s - UNTIL_S) / DAY_S * 2 * math.pi + 1.2) + chance.gauss(0, 0.4)))
    age_s = at_s - (UNTIL_S - DAY_S * 1.2) if at_s <= CRASH_S else at_s - BACK_S
    match key:
        case "cpu":
            return 18 + people * 6.5 + chance.gauss(0, 5)
        case "memory":
            return (2.2 + age_s / 40_000 + people * 0.05) * GIB
        case "players":
            return people if age_s > 1200 else 0  # noqa: PLR2004
        case _:
            return min(20, 20.4 - people * 0.06 + chance.gauss(0, 0.25))


def main() -> None:
    """Write the English and the Korean picture."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for locale, name in (("en", "Survival"), ("ko", "야생 서버")):
        (IMAGES / f"chart-{locale}.png").write_bytes(draw(sample(locale, name)))


if __name__ == "__main__":
    main()
