"""Takes secrets out of everything that leaves the program: the log, what Discord is told, exports.

There is one `Redaction`, made where the program begins, and everybody who writes something for others is handed it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
_SHORTEST = 4
_MADE_HARMLESS = "\\\u200b"
"""What is put before a character to take its meaning for Markdown away."""
_HARMLESS = r"[\\\u200b]*"
_ELLIPSIS = "…"
_TAIL = 400
"""How much of what was cut off is looked at: as much as any limit leaves of a name, and its escapes."""
_UNTOUCHED = frozenset({"timestamp", "level", "logger"})

_BOT_TOKEN = re.compile(r"[\w\\-]{23,36}\.[\w\\-]{6,9}\.[\w\\-]{27,}", re.ASCII)
"""A Discord bot token: id, time and signature in base64, with dots between; also as harmless Markdown."""
_CALLBACK = re.compile(r"(/(?:webhooks|interactions)/\d{1,20}/)[\w\\-]{20,}", re.ASCII)
"""The token inside the address of a webhook or of an interaction's answer; whoever has it may write there."""


def _spellings(secret: str) -> set[str]:
    """A secret as it stands in plain text, in a `repr`, in that of its bytes, in JSON and in an address."""
    quoted = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    in_bytes = repr(secret.encode("utf-8", "replace"))[2:-1]
    in_address = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return {secret, repr(secret)[1:-1], in_bytes, *in_address, *quoted}


def _bare(text: str) -> str:
    """Leave out what is looked past in a text, so that nothing is looked for where it is looked past."""
    return text.translate(dict.fromkeys(map(ord, _MADE_HARMLESS)))


def _as_shown(spelling: str) -> str:
    """Match it also where Markdown was made harmless; what is little but backslashes, to the letter.

    A backslash that is looked for between any number of them would be tried at each: that takes for ever.
    """
    bare = _bare(spelling)
    return _HARMLESS.join(map(re.escape, bare)) if len(bare) >= _SHORTEST else re.escape(spelling)


def _begun(spelling: str, text: str) -> int:
    """Count how many of its first characters a spelling has at the end of a text."""
    longest = min(len(spelling) - 1, len(text))
    return next((n for n in range(longest, _SHORTEST - 1, -1) if text.endswith(spelling[:n])), 0)


class Redaction:
    """Replaces known secrets, and what looks like one of Discord's, by `***`.

    A secret under four characters is left alone: it occurs in everything, and hiding it would only point at it.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._bare: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self.hide(secrets)

    def hide(self, secrets: Iterable[str]) -> None:
        """Hide these as well from now on."""
        for secret in secrets:
            if len(secret) >= _SHORTEST:
                self._secrets |= _spellings(secret)
        self._bare = frozenset(map(_bare, self._secrets))
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_as_shown, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
            *cut_off, last = text.split(_ELLIPSIS)
            text = _ELLIPSIS.join([*map(self._without_a_beginning, cut_off), last])
        return _CALLBACK.sub(rf"\1{MASK}", _BOT_TOKEN.sub(MASK, text))

    def _without_a_beginning(self, text: str) -> str:
        """Mask the beginning of a secret that was cut off: nothing else would know it."""
        tail = text[-_TAIL:]
        plain = _bare(tail)
        begun = max((_begun(secret, plain) for secret in self._bare), default=0)
        if not begun:
            return text
        shown = re.search(_HARMLESS.join(map(re.escape, plain[-begun:])) + _HARMLESS + "$", tail)
        return text if shown is None else text[: len(text) - len(tail) + shown.start()] + MASK

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
