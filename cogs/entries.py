"""What an interaction is, read from what Discord sent: which way in, and with what. Pure, and afraid of nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import discord

ARGUMENT_AT_MOST = 200
ARGUMENTS_AT_MOST = 25
MASK = "***"
SECRET_NAMES = ("password", "passwd", "secret", "token", "webhook", "key")
"""What an option or a field has in its name when its value is for nobody's eyes."""
_INSIDE = (1, 2)
"""The types of an option that is a subcommand, or a group of them."""

Argument = str | int | float | bool | None


def entry_of(kind: discord.InteractionType, data: object) -> str:
    """Name the way in: `/access grant`, `button:stop`, `form:server_add`; `?` where it cannot be told.

    An id of a component is named by its first two parts, or, where it is none of ours, by nothing of it.
    """
    if not isinstance(data, Mapping):
        return "?"
    match kind:
        case discord.InteractionType.application_command | discord.InteractionType.autocomplete:
            return "/" + " ".join(str(name)[:32] for name in _path(data))
        case discord.InteractionType.component:
            return f"button:{_verb(data)}"
        case discord.InteractionType.modal_submit:
            return f"form:{_verb(data)}"
        case _:
            return "?"


def arguments_of(
    kind: discord.InteractionType, data: object, shown: Callable[[str], str] = str
) -> dict[str, Argument]:
    """Give what was filled in, by name.

    Args:
        kind: what Discord says it is.
        data: what it says of it.
        shown: takes known secrets out of a text. What is secret by its name is masked as a whole.
    """
    if not isinstance(data, Mapping):
        return {}
    given: Iterable[tuple[object, object]]
    match kind:
        case discord.InteractionType.application_command | discord.InteractionType.autocomplete:
            given = ((option.get("name"), option.get("value")) for option in _leaves(data))
        case discord.InteractionType.component:
            given = (("id", data.get("custom_id")), ("values", data.get("values")))
        case discord.InteractionType.modal_submit:
            given = _fields(data.get("components"))
        case _:
            return {}
    known = {str(name)[:64]: _argument(str(name), value, shown) for name, value in given if value is not None}
    return dict(list(known.items())[:ARGUMENTS_AT_MOST])


def secret_by_name(name: str) -> bool:
    """Whether what has this name is for nobody's eyes."""
    return any(word in name.casefold() for word in SECRET_NAMES)


def _argument(name: str, value: object, shown: Callable[[str], str]) -> Argument:
    if secret_by_name(name):
        return MASK
    if isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    # First this, then the cut: of a secret that was cut in two, nobody would know the first half.
    return shortened(shown(text))


def shortened(text: str) -> str:
    """Give as much of what somebody typed as is written down: of what is refused, too, and for ever."""
    return text if len(text) <= ARGUMENT_AT_MOST else text[:ARGUMENT_AT_MOST] + "…"


def _verb(data: Mapping[str, Any]) -> str:
    mine, _, rest = str(data.get("custom_id", "")).partition(":")
    verb = rest.partition(":")[0][:32]
    return verb if mine == "gk" and verb else "?"


def _path(data: Mapping[str, Any]) -> Iterator[str]:
    """The names from a command down to its innermost subcommand."""
    inner: Any = data
    for _ in range(3):
        yield inner.get("name", "?")
        below = [option for option in _options(inner) if option.get("type") in _INSIDE]
        if not below:
            return
        inner = below[0]


def _leaves(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    inner: Any = data
    for _ in range(3):
        below = [option for option in _options(inner) if option.get("type") in _INSIDE]
        if not below:
            break
        inner = below[0]
    yield from (option for option in _options(inner) if option.get("type") not in _INSIDE)


def _options(of: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    options = of.get("options")
    return [option for option in options if isinstance(option, Mapping)] if isinstance(options, list) else []


def _fields(components: object, depth: int = 4) -> Iterator[tuple[object, object]]:
    """The fields of a form, however deep they lie in rows and labels."""
    if not isinstance(components, Sequence) or isinstance(components, str) or depth == 0:
        return
    for component in components:
        if not isinstance(component, Mapping):
            continue
        if "custom_id" in component:
            yield component["custom_id"], component.get("value", component.get("values"))
        yield from _fields(component.get("components"), depth - 1)
        yield from _fields([component.get("component")], depth - 1)
