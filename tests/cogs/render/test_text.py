from __future__ import annotations

import re
import unicodedata

import pytest
from discord.utils import remove_markdown
from hypothesis import given
from hypothesis import strategies as st

from cogs.locale.catalogue import catalogue
from cogs.render import text

EN, KO = catalogue("en"), catalogue("ko")
EVERYTHING = st.text(st.characters(exclude_categories=()))
PIECES = ["`", "```", "@everyone", "<@&1>", "\u202e", "e" + "\u0301" * 9, "\n", "\\", "가", "🔥"]
NASTY = st.lists(st.sampled_from(PIECES)).map("".join)


@pytest.mark.parametrize(
    ("seconds", "english", "korean"),
    [
        (0, "0 s", "0초"),
        (0.4, "0 s", "0초"),
        (-3, "0 s", "0초"),
        (20, "20 s", "20초"),
        (59.6, "1 m", "1분"),
        (75, "1 m 15 s", "1분 15초"),
        (3600, "1 h", "1시간"),
        (11_520, "3 h 12 m", "3시간 12분"),
        (86_400, "1 d", "1일"),
        (187_200, "2 d 4 h", "2일 4시간"),
        (86_400 * 1234, "1,234 d", "1,234일"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, english: str, korean: str) -> None:
    assert (text.duration(seconds, EN), text.duration(seconds, KO)) == (english, korean)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.00 KiB"),
        (3_489_660_928, "3.25 GiB"),
        (12 * 1024**2, "12.0 MiB"),
        (640 * 1024, "640 KiB"),
        (5000 * 1024**4, "5,000 TiB"),
    ],
)
def test_sizes_are_binary_with_three_digits(count: float, shown: str) -> None:
    assert text.size(count) == shown
    assert text.rate(count) == f"{shown}/s"


@pytest.mark.parametrize(("value", "shown"), [(0, "0%"), (0.4, "0.4%"), (12.3, "12%"), (1250, "1,250%")])
def test_percent(value: float, shown: str) -> None:
    assert text.percent(value) == shown


def test_a_moment_is_left_to_the_readers_clock() -> None:
    assert text.timestamp(1_700_000_000_999) == "<t:1700000000:R>"
    assert text.timestamp(1_700_000_000_000, "f") == "<t:1700000000:f>"


@pytest.mark.parametrize(("string", "units"), [("", 0), ("abc", 3), ("가나", 2), ("🔥", 2), ("👨‍👩‍👧", 8)])
def test_lengths_are_utf_16_units(string: str, units: int) -> None:
    assert text.length(string) == units == len(string.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("string", "limit", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("🔥🔥🔥", 4, "🔥…"),
        ("ab👨‍👩‍👧", 6, "ab…"),
        ("abe\u0301f", 4, "ab…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_cut_tears_no_character_apart(string: str, limit: int, shown: str) -> None:
    assert text.cut(string, limit) == shown


@given(EVERYTHING, st.integers(0, 50))
def test_cut_keeps_to_any_limit(string: str, limit: int) -> None:
    assert text.length(text.cut(string, limit)) <= limit


@given(EVERYTHING)
def test_clusters_lose_nothing(string: str) -> None:
    assert "".join(text.clusters(string)) == string


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Steve", "Steve"),
        ("a_b*c", r"a\_b\*c"),
        ("@everyone", "@\u200beveryone"),
        ("<@&1>", "\\<@\u200b&1\\>"),
        ("<@123456>", "\\<@\u200b123456\\>"),
        ("<#42>", r"\<\#42\>"),
        ("||spoiler||", r"\|\|spoiler\|\|"),
        ("`code`", r"\`code\`"),
        ("[click](https://evil.example)", r"\[click\]\(https\://evil.example\)"),
        ("# big", r"\# big"),
        ("> quote", r"\> quote"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("v1.2", "v1.2"),
        ("a\\", "a\\\\"),
        ("two\nlines\tand tabs", "two lines and tabs"),
        ("\x1b[31mred\x00", r"\[31mred"),
        ("abc\u202edef", "abcdef"),
        ("a\u200bb\ufeff", "ab"),
        ("x" + "\u0301\u0302\u0303\u0304\u0305" * 9, "x\u0301\u0302\u0303"),
        ("서버 이름", "서버 이름"),
        ("שרת", "\u2068שרת\u2069"),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
        ("\ud800", "\ufffd"),
        ("", "?"),
        ("\u200d", "?"),
        ("\u3164\u3164", "?"),
    ],
)
def test_fault_49_names_show_as_typed_and_ping_nobody(typed: str, shown: str) -> None:
    assert text.escape(typed) == shown


@given(st.one_of(EVERYTHING, NASTY), st.integers(8, 120))
def test_fault_49_whatever_a_name_is_it_stays_one_harmless_line(typed: str, limit: int) -> None:
    shown = text.escape(typed, limit)
    assert 0 < text.length(shown) <= limit
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066\u2067\ud800-\udfff]", shown)
    assert not re.search(r"@(everyone|here|[!&]?\d)", shown)
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_~|<>]", re.sub(r"\\[^\w\s]", "", shown))
    assert shown.count("\u2068") == shown.count("\u2069")
    towers = re.findall("[\u0300-\u036f]{4,}", unicodedata.normalize("NFC", shown))
    assert towers == []


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1, max_size=20))
def test_escaping_is_undone_by_the_reader(typed: str) -> None:
    read = re.sub(r"\\([^A-Za-z0-9\s])", r"\1", text.escape(typed)).replace(text.ZERO_WIDTH_SPACE, "")
    assert read == typed
    assert "\\" not in remove_markdown(text.escape("plain"))


@pytest.mark.parametrize(
    ("lines", "block"),
    [
        (["a", "b"], "```\na\nb\n```"),
        ([], ""),
        (["", "  "], ""),
        (["end ``` now"], "```\nend `\u200b`\u200b` now\n```"),
        (["    indented"], "```\n    indented\n```"),
        (["\x1b[31mred\r"], "```\n[31mred\n```"),
        (["abc\u202edef"], "```\nabcdef\n```"),
    ],
)
def test_fault_49_log_lines_stay_inside_their_block(lines: list[str], block: str) -> None:
    assert text.code_block(lines, 200) == block


@given(st.lists(st.one_of(EVERYTHING, NASTY), max_size=20), st.integers(0, 300))
def test_fault_49_nothing_ends_a_code_block_early(lines: list[str], limit: int) -> None:
    block = text.code_block(lines, limit)
    assert text.length(block) <= limit
    assert block == "" or (block.count("```") == 2 and block.startswith("```\n") and block.endswith("\n```"))


def test_of_a_long_log_the_end_is_kept() -> None:
    block = text.code_block([f"line {n}" for n in range(100)], 60)
    assert block.endswith("line 99\n```")
    assert "line 90" not in block


def test_a_long_line_is_cut() -> None:
    assert text.length(text.code_block(["x" * 5000], 4000)) <= text.LINE_AT_MOST + 8
