from __future__ import annotations

from typing import Any

import pytest
from discord import Interaction, Locale
from discord.app_commands import TranslationContext, TranslationContextLocation, command, locale_str

from cogs.locale.catalogue import SOURCE_LOCALE, catalogue, locales
from cogs.locale.commands import CommandTranslator
from cogs.locale.extract import ROOT, calls

LIMIT = 100
"""Of a command's or an option's description, Discord's documentation, Application Command Object."""


@command(description="Start a server")
async def start(interaction: Interaction) -> None:
    raise NotImplementedError


CONTEXT: TranslationContext[Any, Any] = TranslationContext(TranslationContextLocation.command_description, start)


@pytest.mark.parametrize(
    ("locale", "text"),
    [(Locale.korean, "서버를 시작합니다"), (Locale.american_english, None), (Locale.japanese, None)],
    ids=str,
)
async def test_a_description_is_translated_where_we_speak_the_language(locale: Locale, text: str | None) -> None:
    found = await CommandTranslator().translate(locale_str("Start a server"), locale, CONTEXT)
    assert found == text


async def test_an_unknown_text_stays_english() -> None:
    found = await CommandTranslator().translate(locale_str("no such text"), Locale.korean, CONTEXT)
    assert found is None


def described() -> list[str]:
    found = []
    for path in ROOT.rglob("*.py"):
        with path.open("rb") as source:
            found += [args[0] for _, _, args, _ in calls(source, {"locale_str": None}, (), {}) if args and args[0]]
    return found


@pytest.mark.parametrize("locale", [locale for locale in locales() if locale != SOURCE_LOCALE])
def test_no_description_is_too_long_for_discord(locale: str) -> None:
    texts = described()
    assert texts
    shown = [*texts, *(catalogue(locale).text(text) for text in texts)]
    assert [text for text in shown if len(text) > LIMIT] == []
