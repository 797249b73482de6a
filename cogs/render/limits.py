"""What Discord takes at most, in one place, and `fit`, which makes any embed keep to it.

Lengths are counted as in `cogs.render.text`. Source of the figures: Discord's documentation, Message, Embed Limits.
"""

from __future__ import annotations

from copy import deepcopy

import discord

from cogs.render.text import FENCE, ZERO_WIDTH_SPACE, cut, length

TITLE = 256
DESCRIPTION = 4096
FIELDS = 25
FIELD_NAME = 256
FIELD_VALUE = 1024
FOOTER = 2048
AUTHOR = 256
TOTAL = 6000
WORTH_SHOWING = 32
"""A field whose value would be cut to less than this is left out."""
CLOSING = f"\n{FENCE}"
EMBEDS = 10
"""Of one message, as its files."""
CONTENT = 2000
CHOICES = 25
"""Of one autocomplete answer."""
CHOICE_NAME = 100


def total(embed: discord.Embed) -> int:
    """What Discord adds up for the limit of 6000."""
    texts = [embed.title, embed.description, embed.footer.text, embed.author.name]
    texts += [text for field in embed.fields for text in (field.name, field.value)]
    return sum(length(text) for text in texts if text)


def clean(text: str) -> str:
    """Without what makes Discord refuse the whole request: NUL and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def cut_markdown(text: str, limit: int) -> str:
    """As `cut`, and a code block that was left open, or cut open, is closed."""
    closed = _closed(cut(text, limit))
    return closed if length(closed) <= limit else _closed(cut(text, limit - len(CLOSING)))


def _closed(text: str) -> str:
    return text + CLOSING if text.count(FENCE) % 2 else text


def fit(embed: discord.Embed) -> discord.Embed:
    """A copy of `embed` that Discord takes, whatever was in it.

    Each part is cut to its own limit; then the title, footer, author and description have their room of the total,
    and the fields share what is left, from the first.
    """
    # `Embed.copy` shares its fields with the original: a deep copy of the data does not.
    fitted = discord.Embed.from_dict(deepcopy(embed.to_dict())).clear_fields()
    fitted.title = cut(_something(embed.title), TITLE) or None
    fitted.description = None
    _fit_edges(fitted, embed)
    room = min(DESCRIPTION, TOTAL - total(fitted))
    fitted.description = cut_markdown(_something(embed.description), room) or None
    _add_fields(fitted, embed)
    if not total(fitted):
        fitted.description = ZERO_WIDTH_SPACE
    return fitted


def _fit_edges(fitted: discord.Embed, embed: discord.Embed) -> None:
    footer, author = _something(embed.footer.text), _something(embed.author.name)
    fitted.remove_footer().remove_author()
    if footer:
        fitted.set_footer(text=cut(footer, FOOTER), icon_url=embed.footer.icon_url)
    if author:
        fitted.set_author(name=cut(author, AUTHOR), url=embed.author.url, icon_url=embed.author.icon_url)


def _add_fields(fitted: discord.Embed, embed: discord.Embed) -> None:
    room = TOTAL - total(fitted)
    for field in embed.fields[:FIELDS]:
        name, value = cut(_shown(field.name), FIELD_NAME), _shown(field.value)
        room -= length(name)
        if room < min(length(value), WORTH_SHOWING):
            return
        value = cut_markdown(value, min(FIELD_VALUE, room))
        room -= length(value)
        fitted.add_field(name=name, value=value, inline=field.inline)


def _something(text: str | None) -> str:
    """The cleaned text, or nothing at all where Discord would see only blanks."""
    cleaned = clean(text or "")
    return cleaned if cleaned.strip() else ""


def _shown(text: str | None) -> str:
    """Discord refuses a field without a name or value."""
    return _something(text) or ZERO_WIDTH_SPACE
