"""A server's description as texts that anybody may read, and what differs between two of them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass

from monitor.spec import Secret, ServerSpec

MASK = "***"

_SECRET_NAME = (
    r"(?:password|passwd|passphrase|(?<!by)(?<!com)pass(?![a-z])|pwd|secret|token|setsteamaccount"  # noqa: S105
    r"|(?:api|auth|access|private)[-_.]?key)"
)
"""What such a name has in it."""
_NAME = rf"[\w.-]*{_SECRET_NAME}[\w.-]*"
_OPTION = re.compile(rf"[-+/]{_NAME}[=:]?", re.IGNORECASE)
_SET = re.compile(r"\+set[asu]?", re.IGNORECASE)
"""How the games that descend from Quake are told a variable: `+set rcon_password x`."""
_VARIABLE = re.compile(_NAME, re.IGNORECASE)
_WHOLE = re.compile(rf"[-+/]{{0,2}}{_NAME}[=:](.+)", re.IGNORECASE | re.DOTALL)
_INSIDE = re.compile(
    rf"""{_SECRET_NAME}\w*["']?\s*[=:]\s*(?:["']([^"']+)["']|([^?&]+))"""
    rf"""|(?<!\S)[-+/]{_NAME}\s+(?:"([^"]+)"|'([^']+)'|(\S+))"""
    r"|://[^\s/:@]*:([^\s/@]+)(?=@)",
    re.IGNORECASE,
)
"""An assignment among others, an option in a line for a shell, and the password in an address."""


def masked(argv: Sequence[str]) -> tuple[str, ...]:
    """Give a command without what passwords it seems to hold: `-password x`, `?ServerPassword=x`."""
    words: list[str] = []
    for word, spans in _marked(argv):
        shown, end = "", 0
        for start, stop in spans:
            shown, end = shown + word[end:start] + MASK, stop
        words.append(shown + word[end:])
    return tuple(words)


def secrets_in(spec: ServerSpec) -> Iterator[str]:
    """Give every text of a description that is, or by its name seems to be, for nobody's eyes."""
    if spec.admin is not None:
        yield spec.admin.password.reveal()
    for name, value in spec.env.items():
        if _VARIABLE.search(name):
            yield value
    alone = [marked for value in spec.env.values() for marked in _marked((value,))]
    for word, spans in (*_marked(spec.argv), *alone):
        for start, stop in spans:
            yield word[start:stop]
            yield word[start:stop].strip("\"'")
            # In a line for a shell it ends at the blank.
            yield from word[start:stop].split()[:1]


def _marked(argv: Sequence[str]) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Give each word, and where in it a password seems to be."""
    for first, option, word in zip(("", "", *argv), ("", *argv), argv, strict=False):
        named = _OPTION.fullmatch(option) or (_SET.fullmatch(first) and _VARIABLE.fullmatch(option))
        whole = _WHOLE.fullmatch(word)
        if named:
            yield word, [(0, len(word))]
        elif whole:
            yield word, [whole.span(1)]
        else:
            yield word, [found.span(found.lastindex or 0) for found in _INSIDE.finditer(word)]


def described(spec: ServerSpec) -> dict[str, str]:
    """Give every key of a description that says something, by its dotted name; secrets are masked."""
    texts = {key: MASK if isinstance(value, Secret) else _text(value) for key, value in _leaves(spec)}
    return texts | {key: MASK for key in texts if key.startswith("env.")} | {"argv": _text(list(masked(spec.argv)))}


def _text(value: object) -> str:
    """Write flags and lists as a servers file does."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (bool, list)) else str(value)


def changes(before: ServerSpec | None, after: ServerSpec | None) -> tuple[str, ...]:
    """Say what differs, a line each: `name: Old → New`. A secret's value stays out; that it changed does not.

    `None` stands for no server.
    """
    was, now = _values(before), _values(after)
    told_before, told_now = _told(before), _told(after)
    lines = []
    for key in [*was, *(key for key in now if key not in was)]:
        if was.get(key) == now.get(key):
            continue
        old, new = told_before.get(key, "–"), told_now.get(key, "–")
        lines.append(f"{key}: {old} → {new}" if old != new else f"{key}: {old}, changed")
    return tuple(lines)


def _values(spec: ServerSpec | None) -> dict[str, object]:
    return {} if spec is None else dict(_leaves(spec))


def _told(spec: ServerSpec | None) -> dict[str, str]:
    return {} if spec is None else described(spec)


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Walk down to what is no table any more. What is left open is left out."""
    if isinstance(value, Secret) or value is None:
        if value is not None:
            yield name, value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _leaves(getattr(value, field.name), f"{name}.{field.name}" if name else field.name)
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield f"{name}.{key}", value[key]
    elif isinstance(value, tuple):
        yield name, list(value)
    else:
        yield name, value
