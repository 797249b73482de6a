"""Embeds without secrets, whatever the secret is."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import discord
import pytest

from cogs.discretion import discreet_data, discreet_embed, discreet_file
from monitor.redaction import Redaction

AT = datetime(2026, 5, 24, tzinfo=UTC)


def embed_of(text: str) -> discord.Embed:
    embed = discord.Embed(title=f"title {text}", description=text, timestamp=AT, url="https://example.com/x")
    embed.add_field(name=f"name {text}", value=f"value {text}").set_footer(text=text).set_author(name=text)
    return embed


def test_fault_64_a_secret_is_hidden_wherever_it_stands() -> None:
    shown = discreet_embed(embed_of("canary-7f31"), Redaction(["canary-7f31"]))
    assert shown == embed_of("***")


@pytest.mark.parametrize("secret", ["2026", "rich", "type", "name", "value", "text", "title", "fields", "inline"])
def test_fault_64_a_password_that_is_a_common_word_takes_no_embed_apart(secret: str) -> None:
    shown = discreet_embed(embed_of(secret), Redaction([secret]))
    assert (shown.timestamp, shown.type, len(shown.fields)) == (AT, "rich", 1)
    assert (shown.description, shown.footer.text, shown.author.name) == ("***", "***", "***")
    assert shown.fields[0].value is not None
    assert shown.fields[0].value.endswith("***")


def test_fault_64_data_keeps_its_keys() -> None:
    data = {"kind": "kind", "lines": ("it is kind", {"kind": 1})}
    assert discreet_data(data, Redaction(["kind"])) == {"kind": "***", "lines": ["it is ***", {"kind": 1}]}


@pytest.mark.parametrize(("name", "kept"), [("a.txt", False), ("a.log", False), ("a.png", True)])
def test_fault_64_a_text_file_is_read_for_secrets(name: str, kept: bool) -> None:  # noqa: FBT001
    file = discreet_file(discord.File(io.BytesIO(b"it is canary-7f31"), name), Redaction(["canary-7f31"]))
    assert file.fp.read() == (b"it is canary-7f31" if kept else b"it is ***")
