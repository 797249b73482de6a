from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.windows_line import split


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("", (), id="nothing"),
        pytest.param(" \t ", (), id="blanks"),
        pytest.param("-port=8211 -players=32", ("-port=8211", "-players=32"), id="plain"),
        pytest.param("a  b\tc ", ("a", "b", "c"), id="many-blanks"),
        pytest.param('-log="C:\\My Logs\\x.txt" b', ("-log=C:\\My Logs\\x.txt", "b"), id="quoted-part"),
        pytest.param('"a b" c', ("a b", "c"), id="quoted"),
        pytest.param('""', ("",), id="empty-word"),
        pytest.param('a "" b', ("a", "", "b"), id="empty-word-between"),
        pytest.param("'a b'", ("'a", "b'"), id="single-quotes-are-letters"),
        pytest.param("C:\\new\\table x", ("C:\\new\\table", "x"), id="backslashes-are-letters"),
        pytest.param("\\\\host\\share", ("\\\\host\\share",), id="two-of-them-too"),
        # Microsoft's own table of examples.
        pytest.param('"a b c" d e', ("a b c", "d", "e"), id="microsoft-1"),
        pytest.param('"ab\\"c" "\\\\" d', ('ab"c', "\\", "d"), id="microsoft-2"),
        pytest.param('a\\\\\\b d"e f"g h', ("a\\\\\\b", "de fg", "h"), id="microsoft-3"),
        pytest.param('a\\\\\\"b c d', ('a\\"b', "c", "d"), id="microsoft-4"),
        pytest.param('a\\\\\\\\"b c" d e', ("a\\\\b c", "d", "e"), id="microsoft-5"),
        pytest.param('a"b"" c d', ('ab"', "c", "d"), id="microsoft-6"),
        pytest.param('"C:\\Games\\" -x', ('C:\\Games" -x',), id="the-backslash-before-the-last-mark"),
        pytest.param('"C:\\Games\\\\" -x', ("C:\\Games\\", "-x"), id="and-two-of-them"),
        pytest.param('"a', ("a",), id="never-closed"),
        pytest.param('"""a b"""', ('"a', 'b"'), id="three-marks"),
        pytest.param('""""', ('"',), id="four-marks"),
        pytest.param("팰월드 서버", ("팰월드", "서버"), id="hangul"),
        pytest.param("a\nb", ("a\nb",), id="a-line-break-is-no-blank"),
    ],
)
def test_a_line_is_taken_apart_as_windows_does(line: str, words: tuple[str, ...]) -> None:
    assert split(line) == words


NASTY = st.text(st.sampled_from('\\\\" \tab'), max_size=12)


@settings(max_examples=1_000)
@given(st.lists(NASTY | st.text(max_size=8), max_size=6))
def test_what_is_quoted_for_windows_comes_back_as_it_was(words: list[str]) -> None:
    assert list(split(subprocess.list2cmdline(words))) == words


@settings(max_examples=500)
@given(NASTY | st.text())
def test_no_line_is_wrong_and_nothing_but_marks_blanks_and_backslashes_goes(line: str) -> None:
    kept = "".join(split(line))
    assert [c for c in kept if c not in '" \t\\'] == [c for c in line if c not in '" \t\\']


def test_a_long_line_takes_no_longer_than_its_length() -> None:
    assert split("\\" * 500_000 + "a") == ("\\" * 500_000 + "a",)
    assert split("a\\" * 250_000) == ("a\\" * 250_000,)
    assert len(split("a b " * 100_000)) == 200_000
