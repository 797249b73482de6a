"""The last line of an alert: which events it tells of, of which installation, and how late. It is read back as well.

By it a message is found again of which nobody knows whether it has arrived.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cogs.locale.catalogue import Words
from cogs.render.text import duration

CALL = "📣 "
LATE_S = 60
"""An alert older than this says that it is late."""
RANGES_AT_MOST = 60
_FOOTER = re.compile(r"(📣 )?((?:#\d+(?:–\d+)?(?:, )?)+(?:…)?) · ([0-9a-f]{8})(?: · .*)?")
_RANGE = re.compile(r"#(\d+)(?:–(\d+))?")


def footer(
    ids: Iterable[int], words: Words, installation: str = "", delayed_s: float = 0, *, call: bool = False
) -> str:
    """Such as "#12–15, #17 · 9f86d081 · delayed 4 m"."""
    ranges = [f"#{low}" if low == high else f"#{low}–{high}" for low, high in _ranges(sorted(set(ids)))]
    cut = ["…"] if len(ranges) > RANGES_AT_MOST else []
    parts = [", ".join([*ranges[:RANGES_AT_MOST], *cut]), *([installation] if installation else [])]
    if delayed_s >= LATE_S:
        parts.append(words.text("delayed {time}", time=duration(delayed_s, words)))
    return (CALL if call else "") + " · ".join(parts)


def _ranges(ids: Iterable[int]) -> Iterator[tuple[int, int]]:
    low = high = None
    for number in ids:
        if high is not None and low is not None and number != high + 1:
            yield low, high
            low = None
        low = number if low is None else low
        high = number
    if low is not None and high is not None:
        yield low, high


def told_in(text: str) -> tuple[str, list[range], bool] | None:
    """The installation, the events and whether it is a call, as a footer tells them; `None`: it is none of ours."""
    match = _FOOTER.fullmatch(text)
    if match is None:
        return None
    found = [(int(low), int(high or low)) for low, high in _RANGE.findall(match[2])]
    return match[3], [range(low, high + 1) for low, high in found], match[1] is not None


def tells_of(text: str, installation: str, event_id: int, *, call: bool = False) -> bool:
    """Whether a message with this footer tells of that event of that installation."""
    told = told_in(text)
    return told is not None and told[0] == installation and told[2] is call and any(event_id in r for r in told[1])
