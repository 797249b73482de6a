from __future__ import annotations

import pytest
from matplotlib.font_manager import fontManager

from cogs.render import fonts

INSTALLED = {entry.name for entry in fontManager.ttflist}
HANGUL = [name for name in fonts.SCRIPTS[0][1] if name in INSTALLED]


def test_latin_is_always_there() -> None:
    assert fonts.LATIN in fonts.families("en")
    assert fonts.drawable("Survival · 12:00 % ä Я", (fonts.LATIN,))


@pytest.mark.parametrize("text", ["가", "の", "的", "🫠", "שרת", "سيرفر"])
def test_dejavu_alone_draws_neither_east_asian_nor_right_to_left(text: str) -> None:
    assert not fonts.drawable(text, (fonts.LATIN,))


@pytest.mark.skipif(not HANGUL, reason="no font with Hangul on this machine: see docs/charts.md")
def test_korean_leads_for_koreans_and_follows_for_others() -> None:
    assert fonts.families("ko")[0] == HANGUL[0]
    assert fonts.families("en")[0] == fonts.LATIN
    assert fonts.drawable("야생 서버 뷁", fonts.families("en"))


def test_without_any_such_font_only_latin_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    latin = [entry for entry in fontManager.ttflist if entry.name == fonts.LATIN]
    monkeypatch.setattr(fontManager, "ttflist", latin)
    fonts.families.cache_clear()
    try:
        assert fonts.families("ko") == (fonts.LATIN,)
    finally:
        fonts.families.cache_clear()


@pytest.mark.parametrize(("text", "left"), [("Fire 🫠 server", "Fire server"), ("🫠", ""), ("가", "가")])
def test_only_ornaments_are_left_out(text: str, left: str) -> None:
    assert fonts.without_symbols(text, (fonts.LATIN,)) == left
