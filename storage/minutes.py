"""The rows of the table of samples: written many at a time, and given by the minute to whoever rolls them up.

To read a row takes longer than to work out what it comes to. So rows stay in memory from when they are written until
their minute is rolled up. Only whole minutes do: those of which the table had nothing when their first row came. Of
any other the table is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import TypeAlias

from storage.measures import COLUMNS, SERVER_BITS, Measures
from storage.transaction import Transaction

Rows: TypeAlias = Mapping[int, Measures]
"""By their keys."""

MINUTE_S = 60
_KEYS = MINUTE_S << SERVER_BITS
"""So many keys are those of one minute."""
ROWS_AT_ONCE = 50
"""By one statement: to begin one takes a third of the time that its row does."""
KEPT_ROWS = 10_000
"""In memory, at most 3 MiB. 20 servers have 6,300 at 1 Hz, and 1,300 every 5 s."""


def _insert(rows: int) -> str:
    one = f"({', '.join('?' * (1 + len(COLUMNS)))})"
    return f"INSERT OR REPLACE INTO samples (key, {', '.join(COLUMNS)}) VALUES {', '.join([one] * rows)}"  # noqa: S608  # the columns are METRICS'


_ONE, _MANY = _insert(1), _insert(ROWS_AT_ONCE)
_ANY = "SELECT 1 FROM samples WHERE key >= ? AND key < ? LIMIT 1"
_ALL = f"SELECT key, {', '.join(COLUMNS)} FROM samples WHERE key >= ? AND key < ?"  # noqa: S608  # as above


async def insert(tx: Transaction, rows: Rows) -> None:
    """Write rows; each takes the place of the one of the same key."""
    values = [(key, *measures) for key, measures in rows.items()]
    odd = len(values) % ROWS_AT_ONCE
    await tx.execute_many(_ONE, values[:odd])
    parts = (values[at : at + ROWS_AT_ONCE] for at in range(odd, len(values), ROWS_AT_ONCE))
    await tx.execute_many(_MANY, (tuple(chain.from_iterable(part)) for part in parts))


class Minutes:
    """Minutes on their way to be rolled up, for the one who writes samples.

    Use it inside of transactions only, and take a new one after one that failed: it is ahead of the table then.
    """

    def __init__(self) -> None:
        self._kept: dict[int, dict[int, Measures]] = {}

    async def write(self, tx: Transaction, rows: Rows) -> set[int]:
        """Write rows, and give the seconds at which their minutes begin."""
        minutes = {key // _KEYS for key in rows}
        for minute in minutes - self._kept.keys():
            if not await tx.fetch_all(_ANY, _span(minute)):
                self._kept[minute] = {}
        await insert(tx, rows)
        self._keep(rows, minutes)
        return {minute * MINUTE_S for minute in minutes}

    async def take(self, tx: Transaction, at_s: int) -> Rows:
        """Give all rows of the minute that begins at this second, and keep them no longer."""
        kept = self._kept.pop(at_s // MINUTE_S, None)
        if kept is not None:
            return kept
        return {key: tuple(measures) for key, *measures in await tx.fetch_all(_ALL, _span(at_s // MINUTE_S))}

    def _keep(self, rows: Rows, minutes: set[int]) -> None:
        # What is of a minute that is not kept goes into a dictionary of nobody's.
        if len(minutes) == 1:
            [minute] = minutes
            self._kept.get(minute, {}).update(rows)
        else:
            for key, measures in rows.items():
                self._kept.get(key // _KEYS, {})[key] = measures
        while sum(map(len, self._kept.values())) > KEPT_ROWS:
            del self._kept[next(iter(self._kept))]


def _span(minute: int) -> tuple[int, int]:
    return minute * _KEYS, (minute + 1) * _KEYS
