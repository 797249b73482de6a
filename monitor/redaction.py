"""Takes secrets out of everything that leaves the program: the log, what Discord is told, exports.

There is one `Redaction`, made where the program begins, and everybody who writes something for others is handed it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

MASK = "***"
_SHORTEST = 4
_UNTOUCHED = frozenset({"timestamp", "level", "logger"})

_BOT_TOKEN = re.compile(r"[\w-]{23,30}\.[\w-]{6,7}\.[\w-]{27,}", re.ASCII)
"""A Discord bot token: id, time and signature in base64, with dots between."""
_CALLBACK = re.compile(r"(/(?:webhooks|interactions)/\d{1,20}/)[\w-]{20,}", re.ASCII)
"""The token inside the address of a webhook or of an interaction's answer; whoever has it may write there."""


def _spellings(secret: str) -> set[str]:
    """A secret as it stands in plain text, in a `repr`, in JSON and in an address."""
    quoted = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return {secret, repr(secret)[1:-1], quote(secret, safe=""), *quoted}


def _as_shown(spelling: str) -> str:
    """Match it also where Markdown was made harmless, by a backslash or a space of no width before a character."""
    return r"[\\\u200b]*".join(map(re.escape, spelling))


class Redaction:
    """Replaces known secrets, and what looks like one of Discord's, by `***`.

    A secret under four characters is left alone: it occurs in everything, and hiding it would only point at it.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.hide(secrets)

    def hide(self, secrets: Iterable[str]) -> None:
        """Hide these as well from now on."""
        for secret in secrets:
            if len(secret) >= _SHORTEST:
                self._secrets |= _spellings(secret)
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_as_shown, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        return _CALLBACK.sub(rf"\1{MASK}", _BOT_TOKEN.sub(MASK, text))

    def value(self, value: object) -> object:
        """Give the value with every text in it redacted; what is no plain data becomes its redacted `repr`."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(repr(value))

    def __call__(self, _logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Work as one of structlog's processors."""
        return {key: item if key in _UNTOUCHED else self.value(item) for key, item in event.items()}
