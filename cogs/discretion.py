"""What Discord is sent, with its secrets taken out. The last thing that happens to it before it leaves."""

from __future__ import annotations

import io
from collections.abc import Collection
from pathlib import PurePath

import discord

from monitor.redaction import Redaction

TEXTS = frozenset({".txt", ".log"})
"""The files that are read for secrets. Exports are written without any; pictures are drawn from texts without any."""
_DISCORDS = frozenset({"type", "timestamp"})
"""The keys of an embed whose values are Discord's."""


def discreet_embed(embed: discord.Embed, redaction: Redaction) -> discord.Embed:
    """Give a copy without secrets."""
    return discord.Embed.from_dict(discreet_data(embed.to_dict(), redaction, _DISCORDS))  # type: ignore[arg-type]  # the same shape


def discreet_data(part: object, redaction: Redaction, kept: Collection[str] = ()) -> object:
    """Take secrets out of values, but for those of some keys. A password such as "name" takes nothing apart."""
    if isinstance(part, dict):
        return {key: value if key in kept else discreet_data(value, redaction, kept) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [discreet_data(each, redaction, kept) for each in part]
    return redaction.value(part)


def discreet_file(file: discord.File, redaction: Redaction) -> discord.File:
    """Give a text file without secrets; another is given back as it is."""
    if PurePath(file.filename).suffix not in TEXTS:
        return file
    file.reset()
    text = file.fp.read().decode("utf-8", "replace")
    return discord.File(io.BytesIO(redaction.text(text).encode()), file.filename)
