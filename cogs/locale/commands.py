"""Command names and descriptions in Discord's own localisation."""

from __future__ import annotations

from discord import Locale, app_commands

from cogs.locale.catalogue import SOURCE_LOCALE, catalogue


class CommandTranslator(app_commands.Translator):
    """Looks each `locale_str` of a command up in the catalogues while the command tree is synced."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """The translation, or `None`: Discord then shows the English."""
        del context  # a name and a description never share an English text
        words = catalogue(locale.value)
        return None if words.locale == SOURCE_LOCALE else words.find(string.message)
