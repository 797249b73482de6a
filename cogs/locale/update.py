"""Bring the catalogues up to the texts in the code: `python -m cogs.locale.update`."""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from cogs.locale.catalogue import DOMAIN, SOURCE_LOCALE, locales, path_of
from cogs.locale.extract import template


def update(path: Path, locale: str, source: Catalog) -> list[str]:
    """Add what is new, drop what is gone, keep each translation; write the file. Blocking.

    Returns:
        The texts that still wait for a translation.
    """
    with path.open("rb") as po:
        catalog = read_po(po, locale=locale, domain=DOMAIN)
    # A guessed translation is worse than an empty one, which a test finds.
    catalog.update(source, no_fuzzy_matching=True, update_creation_date=False)
    with path.open("wb") as po:
        write_po(po, catalog, width=100, ignore_obsolete=True, include_lineno=False, sort_by_file=True)
    return waiting(catalog)


def waiting(catalog: Catalog) -> list[str]:
    """The texts of a catalogue that have no translation, or only a guessed one."""
    return [_source(m.id) for m in catalog if m.id and (m.fuzzy or not _whole(m.string))]


def _source(message_id: str | list[str] | tuple[str, ...]) -> str:
    return message_id if isinstance(message_id, str) else message_id[0]


def _whole(string: str | list[str] | tuple[str, ...] | None) -> bool:
    return bool(string) if isinstance(string, str) else bool(string) and all(string or ())


def main() -> int:
    """Update every catalogue and say what is missing; exit code 1 where something is."""
    source = template()
    missing = {locale: update(path_of(locale), locale, source) for locale in locales() if locale != SOURCE_LOCALE}
    for locale, texts in missing.items():
        sys.stdout.write(f"{locale}: {len(texts)} to translate\n")
        sys.stdout.writelines(f"  {text!r}\n" for text in texts)
    return 1 if any(missing.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
