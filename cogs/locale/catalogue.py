"""Words in the reader's language. The English text in the code is the key; the catalogue holds its translation."""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent
DOMAIN = "gamekeeper"
SOURCE_LOCALE = "en"


def mark(message: str) -> str:
    """Give `message` back as it is: it stands in a table, and is translated when it is shown."""
    return message


class Words:
    """The texts of one language. What has no translation comes out in English."""

    def __init__(self, locale: str, translations: gettext.NullTranslations) -> None:
        self.locale = locale
        """"en" or "ko"."""
        self._translations = translations

    def text(self, message: str, **values: object) -> str:
        """Translate, then fill the `{name}` places. The values are taken as they are: escape them first."""
        return self._translations.gettext(message).format_map(values)

    def plural(self, one: str, many: str, n: int, **values: object) -> str:
        """As `text`, in the form that `n` of a thing has; `{n}` is filled with it."""
        return self._translations.ngettext(one, many, n).format_map({"n": n, **values})

    def find(self, message: str) -> str | None:
        """The translation alone, unfilled; `None` where there is none."""
        found = self._translations.gettext(message)
        return None if found == message else found


@cache
def locales() -> tuple[str, ...]:
    """Every language there is a catalogue for, English included."""
    translated = sorted(path.parent.parent.name for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))
    return (SOURCE_LOCALE, *translated)


def path_of(locale: str) -> Path:
    return FOLDER / locale / "LC_MESSAGES" / f"{DOMAIN}.po"


def catalogue(locale: str) -> Words:
    """The words for one of Discord's locale codes ("ko", "en-US", …). A language we do not speak is English."""
    language = locale.replace("_", "-").split("-")[0].lower()
    return _words(language if language in locales() else SOURCE_LOCALE)


@cache
def _words(language: str) -> Words:
    if language == SOURCE_LOCALE:
        return Words(language, gettext.NullTranslations())
    with path_of(language).open("rb") as po:
        catalog = read_po(po, locale=language, domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Words(language, gettext.GNUTranslations(compiled))


def forget() -> None:
    """Let go of the words that nobody holds; they are read again when somebody wants them."""
    _words.cache_clear()
