from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.redaction import Redaction

SECRET = "hunter2/ä'\""
TOKEN = f"{'MTIzNDU2Nzg5MDEyMzQ1Njc4'}.{'GaBcDe'}.{'x' * 30}-_{'y' * 6}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(f"a {SECRET} b {SECRET}", "a *** b ***", id="twice-in-a-text"),
        pytest.param({"k": [SECRET, (SECRET,)]}, {"k": ["***", ["***"]]}, id="deep-in-data"),
        pytest.param({SECRET: 1}, {"***": 1}, id="as-a-key"),
        pytest.param(ValueError(SECRET), "ValueError(***)", id="quoted-by-repr"),
        pytest.param("ws://h/hunter2%2F%C3%A4%27%22", "ws://h/***", id="in-an-address"),
        pytest.param(f"Bot {TOKEN}", "Bot ***", id="bot-token"),
        pytest.param(
            "https://discord.com/api/v10/webhooks/123456789012345678/aB-_cdefghijklmnopqrstuvwxyz0123456789",
            "https://discord.com/api/v10/webhooks/123456789012345678/***",
            id="webhook",
        ),
        pytest.param(
            "POST http://127.0.0.1:8/interactions/12345/aW50ZXJhY3Rpb246MTIz/callback failed",
            "POST http://127.0.0.1:8/interactions/12345/***/callback failed",
            id="interaction",
        ),
        pytest.param("say hunter2/ä'\\\"", "say ***", id="in-json"),
        pytest.param("a hunter2/ä…", "a ***…", id="cut-off"),
        pytest.param("a hunt…", "a ***…", id="cut-off-early"),
        pytest.param("a \\h\u200bun\\ter2\\… and hunt…", "a \\***… and ***…", id="cut-off-as-harmless-markdown"),
        pytest.param("a hun…", "a hun…", id="cut-off-too-early-to-tell"),
        pytest.param("hun\\_ter2", "hun\\_ter2", id="almost"),
        pytest.param("\\h\u200bunter2\\/ä'\"", "\\***", id="as-harmless-markdown"),
        pytest.param(f"Bot {TOKEN.replace('-', chr(92) + '-')}", "Bot ***", id="bot-token-as-harmless-markdown"),
        pytest.param(
            r"https\://discord.com/api/webhooks/123456789012345678/aB\-\_cdefghijklmnopqrstuvw",
            r"https\://discord.com/api/webhooks/123456789012345678/***",
            id="webhook-as-harmless-markdown",
        ),
        pytest.param("bot.cogs.render is 1.2.3", "bot.cogs.render is 1.2.3", id="dots-are-no-token"),
        pytest.param([1, 2.5, None, True], [1, 2.5, None, True], id="numbers-pass"),
    ],
)
def test_what_is_shown_instead(value: object, shown: object) -> None:
    quotes_gone = Redaction([SECRET]).value(value)
    if isinstance(value, ValueError):
        quotes_gone = str(quotes_gone).replace("'", "")
    assert quotes_gone == shown


SPELLED = {
    "in the repr of bytes": repr(SECRET.encode()),
    "in an address's path": "http://h/hunter2/%C3%A4%27%22/x",
    "in an address's query": "http://h/?p=hunter2%2F%C3%A4%27%22&x",
}


@pytest.mark.parametrize("text", SPELLED.values(), ids=SPELLED.keys())
def test_fault_64_a_secret_is_known_by_its_spelling(text: str) -> None:
    assert "hunter2" not in Redaction([SECRET]).text(text)


def test_fault_64_a_blank_in_an_address_may_be_a_plus() -> None:
    assert Redaction(["open sesame"]).text("?p=open+sesame&q=open%20sesame") == "?p=***&q=***"


@pytest.mark.parametrize("secret", ["a\\\\b12", "a\\\\\\\\b12", "\\" * 40, "\\" * 40 + "abcd"])
@pytest.mark.parametrize("text", ["a" + "\\" * 2000, "\\" * 39 + "x", "\\a" * 1000 + "…"])
def test_a_secret_with_backslashes_holds_nobody_up(secret: str, text: str) -> None:
    began_s = time.process_time()
    Redaction([secret]).text(text)
    assert time.process_time() - began_s < 1


@pytest.mark.parametrize(
    "text", ["a pass\\word12.", "a pass\\\\word12.", "a \\p\\a\\s\\s\\\\\\w\\ord12.", "a pass\\wo…"]
)
def test_fault_64_a_secret_with_a_backslash_is_hidden(text: str) -> None:
    assert "pass" not in _plain(Redaction(["pass\\word12"]).text(text))


def _plain(text: str) -> str:
    return text.replace("\\", "")


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert Redaction(["abcd", "abcdef"]).text("abcdef") == "***"


def test_a_secret_learned_later_is_hidden_from_then_on() -> None:
    redaction = Redaction()
    assert redaction.text("late-secret") == "late-secret"
    redaction.hide(["late-secret"])
    assert redaction.text("late-secret") == "***"


def test_a_secret_too_short_to_hide_does_not_shred_the_log() -> None:
    assert Redaction(["", "a", "200"]).text("a 200 OK") == "a 200 OK"


@given(st.text(min_size=4), st.text(), st.text())
def test_fault_64_no_text_holds_the_secret_afterwards(secret: str, before: str, after: str) -> None:
    shown = Redaction([secret]).text(f"{before}{secret}{after}")
    assert secret not in shown or secret in f"{before}***{after}" or "***" in secret
