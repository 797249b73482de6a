"""Charts to draw, and what can be read off a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cogs.locale.catalogue import catalogue
from cogs.render.chart_request import ChartRequest, Mark
from cogs.render.chart_words import Curve, chart_request
from monitor.metrics import BY_KEY

HOUR_S = 3600
UNTIL_S = 1_795_500_000
SINCE_S = UNTIL_S - HOUR_S
STEP_S = 60


def curve(
    values: Sequence[float | None], *, since_s: float = SINCE_S, step_s: float = STEP_S, name: str = ""
) -> Curve:
    times = [since_s + n * step_s for n in range(len(values))]
    return Curve(times, values, values, values, name, name)


def request(
    *curves: tuple[str, Sequence[Curve]],
    locale: str = "en",
    name: str = "Survival",
    marks: Sequence[Mark] = (),
    span_s: float = HOUR_S,
    step_s: float = STEP_S,
) -> ChartRequest:
    return chart_request(
        server_name=name,
        server_id="survival",
        words=catalogue(locale),
        timezone="Asia/Seoul",
        since_s=UNTIL_S - span_s,
        until_s=UNTIL_S,
        step_s=step_s,
        curves=[(BY_KEY[key], lines) for key, lines in curves],
        marks=marks,
    )


def pixels(png: bytes) -> NDArray[np.uint8]:
    """Height × width × RGB."""
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        return np.asarray(image.convert("RGB"))


def columns_with(picture: NDArray[np.uint8], colour: str) -> list[int]:
    """The pixel columns in which this colour (#rrggbb) is seen, give or take its smooth edges."""
    wanted = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)])
    near = (np.abs(picture.astype(int) - wanted).max(axis=2) < 12).any(axis=0)
    return [int(column) for column in np.flatnonzero(near)]
