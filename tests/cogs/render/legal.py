"""What Discord takes, written down a second time: the tests do not trust the table they test."""

from __future__ import annotations

import discord


def units(text: str | None) -> int:
    """UTF-16 code units; a lone surrogate makes it fail, as Discord does."""
    return len((text or "").encode("utf-16-le")) // 2


def assert_legal(embed: discord.Embed) -> None:
    """Fail where Discord would answer 400."""
    assert units(embed.title) <= 256
    assert units(embed.description) <= 4096
    assert units(embed.footer.text) <= 2048
    assert units(embed.author.name) <= 256
    assert len(embed.fields) <= 25
    for field in embed.fields:
        assert 1 <= units(field.name) <= 256
        assert 1 <= units(field.value) <= 1024
        assert (field.name or "").strip()
        assert (field.value or "").strip()
    texts = [embed.title, embed.description, embed.footer.text, embed.author.name]
    texts += [text for field in embed.fields for text in (field.name, field.value)]
    assert 1 <= sum(units(text) for text in texts) <= 6000
    assert not any("\0" in (text or "") for text in texts)
    assert (embed.description or "").count("```") % 2 == 0 or "``````" in (embed.description or "")
