from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.arguments import join, split
from monitor.errors import BadArguments

LINES = {
    "words": ("-Xmx4G  -jar\tserver.jar\nnogui", ("-Xmx4G", "-jar", "server.jar", "nogui")),
    "nothing": ("  ", ()),
    "double": ('-name "My Server"', ("-name", "My Server")),
    "single": ("-name 'My Server'", ("-name", "My Server")),
    "half_quoted": ('-name="My Server"', ("-name=My Server",)),
    "empty_word": ("-password ''", ("-password", "")),
    "windows_path": (r"-log C:\logs\new", ("-log", r"C:\logs\new")),
    "backslash_before_quote": ('"C:\\a b\\"', ("C:\\a b\\",)),
    "url": ("Map?listen?Port=1 #not-a-comment ;& | $(x)", ("Map?listen?Port=1", "#not-a-comment", ";&", "|", "$(x)")),
    "korean": ('-name "우리 서버"', ("-name", "우리 서버")),
}


@pytest.mark.parametrize(("line", "words"), LINES.values(), ids=LINES.keys())
def test_a_line_is_taken_apart(line: str, words: tuple[str, ...]) -> None:
    assert split(line) == words


@pytest.mark.parametrize("line", ['-name "My Server', "it's", "a\0b"], ids=["double", "single", "nul"])
def test_a_line_that_cannot_be_taken_apart(line: str) -> None:
    with pytest.raises(BadArguments):
        split(line)


@settings(max_examples=500)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6), max_size=4))
def test_words_put_together_come_apart_again(words: list[str]) -> None:
    assert split(join(words)) == tuple(words)
