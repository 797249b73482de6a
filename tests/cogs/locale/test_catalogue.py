from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from discord import Locale

from cogs.locale.catalogue import DOMAIN, SOURCE_LOCALE, catalogue, locales, mark, path_of
from cogs.locale.extract import template
from cogs.locale.update import waiting

TRANSLATED = [locale for locale in locales() if locale != SOURCE_LOCALE]


def catalog_of(locale: str) -> Catalog:
    with path_of(locale).open("rb") as po:
        return read_po(po, locale=locale, domain=DOMAIN)


def forms(text: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def places(text: str) -> list[str]:
    return sorted(re.findall(r"\{[^}]*\}", text))


def translations(locale: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for message in catalog_of(locale):
        if message.id:
            yield forms(message.id), forms(message.string or "")


@pytest.fixture(scope="module")
def source() -> Catalog:
    return template()


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("ko", "ko"),
        ("ko-KR", "ko"),
        ("ko_KR", "ko"),
        ("KO", "ko"),
        ("en-US", "en"),
        ("en-GB", "en"),
        ("ja", "en"),
        ("", "en"),
        ("../ko", "en"),
    ],
)
def test_a_locale_code_finds_its_language_or_english(locale: str, language: str) -> None:
    assert catalogue(locale).locale == language


@pytest.mark.parametrize("locale", list(Locale), ids=str)
def test_every_locale_of_discord_has_words(locale: Locale) -> None:
    assert catalogue(locale.value).text(mark("stopped"))


def test_text_is_translated_and_its_places_are_filled() -> None:
    assert catalogue("ko").text("{name} crashed", name="Survival") == "Survival 서버가 비정상 종료되었습니다"
    assert catalogue("en-US").text("{name} crashed", name="Survival") == "Survival crashed"


def test_a_text_without_translation_comes_out_in_english() -> None:
    unknown = "never {translated}"
    assert catalogue("ko").text(unknown, translated="so far") == "never so far"
    assert catalogue("ko").find(unknown) is None


def test_braces_in_a_value_are_left_alone() -> None:
    assert catalogue("en").text("{name} crashed", name="{0.__class__} {x}") == "{0.__class__} {x} crashed"


@pytest.mark.parametrize(("n", "english"), [(0, "0 players"), (1, "1 player"), (2, "2 players")])
def test_plurals_follow_the_language(n: int, english: str) -> None:
    assert catalogue("en").plural("{n} player", "{n} players", n) == english
    assert catalogue("ko").plural("{n} player", "{n} players", n) == f"플레이어 {n}명"


def test_a_language_is_read_once() -> None:
    assert catalogue("ko") is catalogue("ko-KR")


@pytest.mark.parametrize("locale", TRANSLATED)
def test_every_marked_text_is_in_the_catalogue_and_nothing_else(locale: str, source: Catalog) -> None:
    wanted = {forms(message.id) for message in source if message.id}
    there = {message for message, _ in translations(locale)}
    assert there - wanted == set(), "run python -m cogs.locale.update"
    assert wanted - there == set(), "run python -m cogs.locale.update, then translate what it lists"


@pytest.mark.parametrize("locale", TRANSLATED)
def test_every_text_is_translated_and_none_is_a_guess(locale: str) -> None:
    catalog = catalog_of(locale)
    assert waiting(catalog) == []
    assert not catalog.obsolete


@pytest.mark.parametrize("locale", TRANSLATED)
def test_a_translation_has_the_places_of_its_source(locale: str) -> None:
    wrong = []
    for source, translated in translations(locale):
        # A date is written with the month's number in one language and its name in another.
        allowed = [places(form) for form in source] + (
            [["{day}", "{month}"]] if "{month_name} {day}" in source else []
        )
        wrong += [form for form in translated if places(form) not in allowed]
    assert wrong == []


@pytest.mark.parametrize("locale", TRANSLATED)
def test_code_in_a_text_is_code_in_its_translation(locale: str) -> None:
    def code(text: str) -> list[str]:
        return sorted(re.findall(r"`[^`]+`", text))

    pairs = [(source[0], form) for source, translated in translations(locale) for form in translated]
    assert [form for source, form in pairs if code(source) != code(form)] == []


def test_weekdays_are_seven_in_every_language() -> None:
    for locale in locales():
        assert len(catalogue(locale).text("Mon Tue Wed Thu Fri Sat Sun").split()) == 7
