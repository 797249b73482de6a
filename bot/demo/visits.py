"""Who comes and goes on the demo server: a script without end, the same for the same seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

NAMES = (
    "Mina",
    "지훈",
    "Sprocket",
    "otter_pop",
    "한별",
    "Kestrel",
    "Bramble",
    "Juniper42",
    "Mx_Marmalade",
    "Tobi",
    "水無月",
    "quietstorm",
)

MAX_PLAYERS = 20
_FIRST_AFTER_S = 1.5
_MEAN_AFTER_S = 12.0
_CROWD = 8


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody joins or leaves, so long after the one before."""

    after_s: float
    name: str
    joins: bool


def visits(seed: int) -> Iterator[Visit]:
    """Tell who joins and leaves; nobody leaves who has not joined, and at most eight are on at once."""
    dice = random.Random(seed)  # noqa: S311  # a play, not a secret
    online: list[str] = []
    after_s = _FIRST_AFTER_S
    while True:
        joins = not online or (len(online) < _CROWD and dice.random() < 0.6)  # noqa: PLR2004  # more come than go
        if joins:
            name = dice.choice([name for name in NAMES if name not in online])
            online.append(name)
        else:
            name = online.pop(dice.randrange(len(online)))
        yield Visit(after_s, name, joins)
        after_s = dice.expovariate(1 / _MEAN_AFTER_S)
