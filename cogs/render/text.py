"""Text as Discord shows it: others' words made harmless, figures in the reader's language, lengths counted.

Lengths are UTF-16 code units. Discord says only "characters"; UTF-16 is the largest of the usual counts (an emoji
is 2 there and 1 in code points), so what fits by it fits by any of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from cogs.locale.catalogue import Words

ZERO_WIDTH_SPACE = "\u200b"
ELLIPSIS = "…"
MARKS_AT_MOST = 3
"""Combining marks kept on one character: Hebrew, Thai and Vietnamese need up to three, zalgo dozens."""
JOINERS = "\u200c\u200d"
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
WIDE_SPACES = "\u3164\u115f\u1160\uffa0\u2800"
"""Letters by their category, blank on the screen: Hangul fillers and the empty braille cell."""
FENCE = "```"
LINE_AT_MOST = 200
KIB = 1024
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def length(text: str) -> int:
    """How long Discord may take `text` to be: UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def clusters(text: str) -> Iterator[str]:
    """Split into what must not be torn apart: a character with its combining marks and what is joined to it."""
    cluster = ""
    for character in text:
        if cluster and not _continues(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _continues(cluster: str, character: str) -> bool:
    joined = cluster[-1] == "\u200d" and len(cluster) > 1
    return joined or character == "\u200d" or unicodedata.category(character) in ("Mn", "Me", "Mc")


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` UTF-16 units, with an ellipsis where something was left out."""
    return text if length(text) <= limit else _take(clusters(text), limit, length(ELLIPSIS)) + ELLIPSIS[:limit]


def _take(pieces: Iterable[str], limit: int, reserve: int) -> str:
    taken, room = [], limit - reserve
    for piece in pieces:
        room -= length(piece)
        if room < 0:
            break
        taken.append(piece)
    return "".join(taken)


def tame(text: str) -> str:
    """One line of plain visible text: no control characters, no direction overrides, no towers of marks."""
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks > MARKS_AT_MOST:
            continue
        kept.append(_tamed(character))
    return " ".join("".join(kept).split())


def _tamed(character: str) -> str:
    category = unicodedata.category(character)
    if character in JOINERS:
        return character
    if category == "Cs":
        return "\ufffd"
    if category == "Cc" or category[0] == "Z" or character in WIDE_SPACES:
        return " "
    return "" if category in ("Cf", "Cn", "Co") else character


def _isolated(text: str, tamed: str) -> str:
    """Keep a right-to-left name from turning round what stands beside it."""
    rtl = any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in tamed)
    return FIRST_STRONG_ISOLATE + text + POP_ISOLATE if rtl else text


def escape(text: str, limit: int = 100) -> str:
    """What others wrote, as one line that shows as it was typed: no markdown, no mention, no link, no ping.

    The result is at most `limit` UTF-16 units, whole escapes only, and never empty.
    """
    tamed = tame(text)
    if not tamed.strip(JOINERS + " "):
        return "?"
    shown = [_escaped(cluster) for cluster in clusters(tamed)]
    if re.match(r"\d+\.", tamed):
        shown[tamed.index(".")] = "\\."  # "1. " at the start of a line begins a list
    room = limit - 2
    whole = "".join(shown)
    return _isolated(whole if length(whole) <= room else _take(shown, room, 1) + ELLIPSIS, tamed)


def _escaped(cluster: str) -> str:
    if cluster[0] == "@":
        return "@" + ZERO_WIDTH_SPACE + cluster[1:]
    return "\\" + cluster if cluster[0] in "\\`*_~|<>#-+[]():" else cluster


def code_block(lines: Iterable[str], limit: int) -> str:
    """The last of `lines` that fit, in a code block nothing in them can end. Empty when there is nothing to show.

    `limit` counts the fences too, in UTF-16 units.
    """
    room = limit - 2 * (len(FENCE) + 1)
    kept: list[str] = []
    for line in reversed([_code_line(line) for line in lines]):
        room -= length(line) + 1
        if room < 0:
            break
        kept.append(line)
    body = "\n".join(reversed(kept)).strip("\n")
    return f"{FENCE}\n{body}\n{FENCE}" if body.strip() else ""


def _code_line(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip(" \t"))].expandtabs(4)
    tamed = tame(line)
    harmless = re.sub("`(?=`)", "`" + ZERO_WIDTH_SPACE, tamed)
    return cut(indent[:16] + _isolated(harmless, tamed), LINE_AT_MOST)


def timestamp(at_ms: int, style: str = "R") -> str:
    """A moment in each reader's own zone: R relative, f date and time, t time.

    Source: Discord's documentation, Reference, Message Formatting.
    """
    return f"<t:{at_ms // 1000}:{style}>"


def duration(seconds: float, words: Words) -> str:
    """A length of time in its two largest units: "3 h 12 m"."""
    whole = max(0, round(seconds))
    if whole < MINUTE_S:
        return words.text("{s} s", s=whole)
    minutes, s = divmod(whole, MINUTE_S)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if days:
        return words.text("{d} d {h} h", d=number(days), h=h) if h else words.text("{d} d", d=number(days))
    if hours:
        return words.text("{h} h {m} m", h=h, m=m) if m else words.text("{h} h", h=h)
    return words.text("{m} m {s} s", m=m, s=s) if s else words.text("{m} m", m=m)


def number(value: float, digits: int = 0) -> str:
    """1234.5 as "1,234.5" for one digit; English and Korean write it alike."""
    return f"{value:,.{digits}f}"


def size(count: float) -> str:
    """Bytes in binary units, three significant digits: "3.25 GiB"."""
    value = float(count)
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    step = 0
    while abs(value) >= KIB and step < len(units) - 1:
        value /= KIB
        step += 1
    return f"{number(value, _digits(value) if step else 0)} {units[step]}"


def _digits(value: float) -> int:
    return 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0  # noqa: PLR2004 - three significant digits


def rate(bytes_per_s: float) -> str:
    return f"{size(bytes_per_s)}/s"


def percent(value: float) -> str:
    """12.3 as "12%", 0.4 as "0.4%"."""
    return f"{number(value, 1 if 0 < abs(value) < 1 else 0)}%"
