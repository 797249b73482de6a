"""A server's description as texts that anybody may read, and what differs between two of them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import pairwise

from monitor.spec import Secret, ServerSpec

MASK = "***"

_SECRET_NAME = r"(?:password|passwd|pwd|secret|token|apikey|authkey)"  # noqa: S105  # what such a name has in it
_ASSIGNED = re.compile(rf"({_SECRET_NAME}\w*[=:])[^?&\s]+", re.IGNORECASE)
_OPTION = re.compile(rf"[-+/][\w.-]*{_SECRET_NAME}[\w.-]*", re.IGNORECASE)


def masked(argv: Sequence[str]) -> tuple[str, ...]:
    """Give a command without what passwords it seems to hold: `-password x`, `?ServerPassword=x`."""
    words: list[str] = []
    for word in argv:
        hidden = bool(words) and _OPTION.fullmatch(words[-1]) is not None
        words.append(MASK if hidden else _ASSIGNED.sub(rf"\1{MASK}", word))
    return tuple(words)


def secrets_in(spec: ServerSpec) -> Iterator[str]:
    """Give every text of a description that is, or by its name seems to be, for nobody's eyes."""
    if spec.admin is not None:
        yield spec.admin.password.reveal()
    for name, value in spec.env.items():
        if re.search(_SECRET_NAME, name, re.IGNORECASE):
            yield value
    for option, word in pairwise(("", *spec.argv)):
        if _OPTION.fullmatch(option):
            yield word
        for assigned in _ASSIGNED.finditer(word):
            yield assigned[0].removeprefix(assigned[1])


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
