"""Broken settings files: pieces cut out of a whole one, and pieces put in."""

from __future__ import annotations

import random
from collections.abc import Iterator

PIECES = (
    '"',
    "\\",
    ",",
    "(",
    ")",
    "=",
    "\n",
    "\r\n",
    "\0",
    " ",
    "\\u00",
    "#",
    ":",
    "[",
    "\ufeff",
    "가",
    "99999",
    "-1",
)


def mutated(text: str, seed: int, count: int) -> Iterator[str]:
    """Give `count` files, each broken in up to three places: the same ones for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        broken = text
        for _ in range(chance.randint(1, 3)):
            at, left_out = chance.randint(0, len(broken)), chance.choice((0, 0, 1, 5, 30))
            put_in = "".join(chance.choices(PIECES, k=chance.randint(0, 3)))
            broken = broken[:at] + put_in + broken[at + left_out :]
        yield broken
