"""Values as JSON text: the monitor's frozen dataclasses out and back in, by their own annotations."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from monitor.errors import StorageError, StorageFault

T = TypeVar("T")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def forget() -> None:
    """Let go of what is kept of each kind of value; it is made again when one is met."""
    _adapter.cache_clear()


def to_json(value: object) -> str:
    """Write a dataclass down, as `storable` text.

    Infinity and NaN are written as Python writes them, so that a float stays a float.
    """
    kind: Any = type(value)
    plain = _adapter(kind).dump_python(value, mode="json")
    return storable(json.dumps(plain, ensure_ascii=False, separators=(",", ":")))


def storable(text: str) -> str:
    """Half of a surrogate pair, which people can send and no file can hold, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def from_json(kind: type[T], text: str, source: str) -> T:
    """Read back what `to_json` wrote.

    Raises:
        StorageError: UNREADABLE, naming `source`; the detail quotes nothing of the text, which may hold a secret.
    """
    try:
        value: T = _adapter(cast("Any", kind)).validate_json(text)
    except ValidationError as err:
        places = (".".join(map(str, problem["loc"])) for problem in err.errors(include_input=False))
        # Not `from err`: pydantic's own words quote what they complain about.
        raise StorageError(StorageFault.UNREADABLE, source, f"{kind.__name__}: {', '.join(places)}") from None
    return value
