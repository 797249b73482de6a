from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.render import limits
from cogs.render.text import length
from tests.cogs.render.legal import assert_legal

BASE = st.sampled_from(["", " ", "a", "🔥", "가나", "\0", "\ud83d", "```\nlog\n```", "```", "e\u0301", "\u200d"])
LONG = st.builds(lambda base, n: base * n, BASE, st.sampled_from([0, 1, 10, 300, 1100, 5000]))
MAYBE = st.one_of(st.none(), LONG)
FIELDS = st.lists(st.tuples(LONG, LONG, st.booleans()), max_size=30)


def embed_of(title: str | None, description: str | None, footer: str | None, author: str | None) -> discord.Embed:
    embed = discord.Embed(title=title, description=description)
    if footer is not None:
        embed.set_footer(text=footer)
    return embed.set_author(name=author) if author is not None else embed


@given(MAYBE, MAYBE, MAYBE, MAYBE, FIELDS)
def test_any_embed_is_made_legal(
    title: str | None,
    description: str | None,
    footer: str | None,
    author: str | None,
    fields: list[tuple[str, str, bool]],
) -> None:
    embed = embed_of(title, description, footer, author)
    for name, value, inline in fields:
        embed.add_field(name=name, value=value, inline=inline)
    before = deepcopy(embed.to_dict())
    assert_legal(limits.fit(embed))
    assert embed.to_dict() == before


@pytest.mark.parametrize("text", ["```", "```py\nx", "a ``` b ``` c ```", "```" + "x" * 5000], ids=len)
def test_a_code_block_that_was_left_open_is_closed(text: str) -> None:
    shown = limits.fit(discord.Embed(description=text)).description
    assert shown is not None
    assert shown.startswith(text[:100])
    assert shown.count("```") % 2 == 0
    assert len(shown) <= limits.DESCRIPTION


def test_fault_39_what_is_legal_is_left_alone() -> None:
    embed = embed_of("title", "description", "footer", "author")
    embed.add_field(name="name", value="value", inline=False)
    embed.colour = discord.Colour(0x123456)
    embed.timestamp = datetime(2026, 1, 2, tzinfo=UTC)
    embed.set_image(url="attachment://chart.png")
    assert limits.fit(embed).to_dict() == embed.to_dict()


@pytest.mark.parametrize(
    ("part", "limit"), [("title", limits.TITLE), ("description", limits.DESCRIPTION), ("footer", limits.FOOTER)]
)
def test_fault_39_a_part_that_is_too_long_is_cut_to_its_limit(part: str, limit: int) -> None:
    texts: dict[str, str | None] = {"title": None, "description": None, "footer": None, "author": None}
    fitted = limits.fit(embed_of(**{**texts, part: "x" * (limit + 1)}))
    shown = fitted.footer.text if part == "footer" else getattr(fitted, part)
    assert length(shown or "") == limit
    assert (shown or "").endswith("…")


def test_fields_beyond_the_total_are_left_out_and_the_first_kept() -> None:
    embed = discord.Embed(description="d" * 4096)
    for n in range(25):
        embed.add_field(name=f"field {n}", value="v" * 1024)
    fitted = limits.fit(embed)
    assert [field.name for field in fitted.fields] == ["field 0", "field 1"]
    assert limits.total(fitted) == limits.TOTAL


def test_a_code_block_that_was_cut_is_closed_again() -> None:
    fitted = limits.fit(discord.Embed(description="```\n" + "x" * 5000 + "\n```"))
    assert fitted.description is not None
    assert fitted.description.count("```") == 2
    assert fitted.description.endswith("…\n```")


def test_a_field_without_a_name_gets_an_invisible_one() -> None:
    fitted = limits.fit(discord.Embed(title="t").add_field(name="", value=" "))
    assert [(field.name, field.value) for field in fitted.fields] == [("\u200b", "\u200b")]


def test_an_embed_with_nothing_in_it_can_still_be_sent() -> None:
    assert limits.fit(discord.Embed(title=" ", description="\n")).description == "\u200b"
