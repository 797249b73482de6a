"""Which of the machine's fonts a chart is written in, and which text they have letters for.

matplotlib brings DejaVu Sans, which has no Hangul, kana or Han. What else is there depends on the machine: see
`docs/charts.md`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

LATIN = "DejaVu Sans"

SCRIPTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "가",
        (
            "Malgun Gothic",
            "Apple SD Gothic Neo",
            "Pretendard",
            "Noto Sans KR",
            "Noto Sans CJK KR",
            "Noto Sans CJK JP",
            "Source Han Sans K",
            "NanumGothic",
            "NanumBarunGothic",
            "NanumSquare",
            "UnDotum",
            "Baekmuk Dotum",
            "AppleGothic",
        ),
    ),
    ("の", ("Yu Gothic", "Meiryo", "Hiragino Sans", "Noto Sans JP", "IPAGothic", "TakaoGothic", "VL Gothic")),
    ("的", ("Microsoft YaHei", "PingFang SC", "Noto Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei")),
)
"""A letter of each script that DejaVu lacks, and the families that have it, the better looking first."""

RIGHT_TO_LEFT = ("R", "AL", "AN")


@cache
def families(locale: str) -> tuple[str, ...]:
    """The families to write with, in the order in which each letter is looked for."""
    found = [LATIN]
    for letter, candidates in SCRIPTS:
        if ord(letter) not in _letters(tuple(found)):
            found += _first_with(letter, candidates)
    hangul = _first_with(*SCRIPTS[0])
    # Digits and Latin of the Hangul font match its Hangul better than DejaVu's do.
    return tuple(dict.fromkeys([*hangul, *found])) if locale == "ko" else tuple(found)


def drawable(text: str, chosen: Sequence[str]) -> bool:
    """Whether these families have every letter of it, in an order that matplotlib can draw."""
    letters = _letters(tuple(chosen))
    return all(ord(c) in letters and unicodedata.bidirectional(c) not in RIGHT_TO_LEFT for c in text)


def without_symbols(text: str, chosen: Sequence[str]) -> str:
    """`text` less the emoji and ornaments that cannot be drawn; what is said stays whole."""
    ornaments = ("So", "Sk", "Cf", "Mn", "Co", "Cn")
    kept = (c for c in text if unicodedata.category(c) not in ornaments or drawable(c, chosen))
    return " ".join("".join(kept).split())


def _first_with(letter: str, candidates: Sequence[str]) -> list[str]:
    installed = {entry.name for entry in fontManager.ttflist}
    fitting = (name for name in candidates if name in installed and ord(letter) in _letters((name,)))
    return [name for _, name in zip(range(1), fitting, strict=False)]


@cache
def _letters(chosen: tuple[str, ...]) -> frozenset[int]:
    """The code points that these families can draw between them."""
    return frozenset().union(*(get_font(findfont(FontProperties(family=name))).get_charmap() for name in chosen))
