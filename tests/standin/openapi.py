"""Checks requests against Discord's own description of its API, where that file lies beside the checkout.

Of JSON Schema (OpenAPI 3.1) it knows what the description uses for requests: `$ref`, `type`, `required`,
`properties`, `items`, `enum`, `const`, the bounds of texts, lists and numbers, `allOf`, `oneOf`, `anyOf`. One
matching branch of the last two is enough. Snowflakes may be integers: Discord accepts them, discord.py sends them.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any

from tests.standin.record import Json

DESCRIPTION = Path(__file__).parents[3] / "shared" / "discord" / "openapi.json"
MEDIA = "application/json"
MULTIPART = "multipart/form-data"
KINDS: dict[str, tuple[type, ...]] = {
    "null": (NoneType,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
SNOWFLAKE = "#/components/schemas/SnowflakeType"


@cache
def _load(path: Path) -> Json | None:
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


@cache
def _paths(path: Path) -> list[tuple[re.Pattern[str], str]]:
    """Every path of the description, those with the fewest parameters first: `/users/@me` before `/users/{id}`."""
    spec = _load(path) or {"paths": {}}
    templates = sorted(spec["paths"], key=lambda template: template.count("{"))
    return [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(t))), t) for t in templates]


class Schema:
    """Collects what requests do that the description does not allow."""

    def __init__(self, path: Path = DESCRIPTION) -> None:
        self._path = path
        self._spec = _load(path)
        self.violations: list[str] = []
        """One line each: the request, where in its body, what is wrong."""

    @property
    def skipped(self) -> str | None:
        """Why nothing is checked, if so."""
        return None if self._spec is not None else f"Discord's description is not at {self._path}"

    def check(self, method: str, path: str, body: Any) -> None:
        """Judge one request: that its path and method exist, and its body's shape."""
        if self._spec is None:
            return
        template = next((t for pattern, t in _paths(self._path) if pattern.fullmatch(path)), None)
        operation = self._spec["paths"].get(template, {}).get(method.lower())
        if operation is None:
            self.violations.append(f"{method} {path}: no such path and method")
            return
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get(MEDIA, content.get(MULTIPART, {})).get("schema")
        if schema is not None and body is not None:
            self.violations += [f"{method} {path}: {fault}" for fault in self._faults(schema, body, "body")]

    def _faults(self, schema: Json, value: Any, where: str) -> list[str]:
        if schema.get("$ref") == SNOWFLAKE and isinstance(value, int):
            return []
        if "$ref" in schema:
            return self._faults(self._resolve(schema["$ref"]), value, where)
        faults = _scalar_faults(schema, value, where)
        if faults:
            return faults
        for part in schema.get("allOf", ()):
            faults += self._faults(part, value, where)
        for union in ("oneOf", "anyOf"):
            if union in schema:
                faults += self._nearest([self._faults(branch, value, where) for branch in schema[union]])
        return faults + self._inner_faults(schema, value, where)

    def _nearest(self, branches: list[list[str]]) -> list[str]:
        """The complaints of the branch that comes closest: none if one matches."""
        return min(branches, key=lambda faults: (len(faults), -max((f.count(".") for f in faults), default=0)))

    def _inner_faults(self, schema: Json, value: Any, where: str) -> list[str]:
        faults = []
        if isinstance(value, dict):
            faults += [f"{where}.{name}: missing" for name in schema.get("required", ()) if name not in value]
            for name, inner in schema.get("properties", {}).items():
                if name in value:
                    faults += self._faults(inner, value[name], f"{where}.{name}")
        if isinstance(value, list):
            for number, entry in enumerate(value):
                faults += self._faults(schema.get("items", {}), entry, f"{where}.{number}")
        return faults

    def _resolve(self, reference: str) -> Json:
        found: Any = self._spec
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        resolved: Json = found
        return resolved


def _scalar_faults(schema: Json, value: Any, where: str) -> list[str]:
    kinds = schema.get("type")
    if kinds is not None and not any(_is(kind, value) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return [f"{where}: {type(value).__name__} where {kinds} is wanted"]
    if "const" in schema and value != schema["const"]:
        return [f"{where}: {value!r} where {schema['const']!r} is wanted"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} is none of {schema['enum']}"]
    return _bound_faults(schema, value, where)


def _bound_faults(schema: Json, value: Any, where: str) -> list[str]:
    bounds: tuple[str, str] | None = None
    size: float = 0
    if isinstance(value, str):
        bounds, size = ("minLength", "maxLength"), len(value)
    elif isinstance(value, list):
        bounds, size = ("minItems", "maxItems"), len(value)
    elif isinstance(value, int | float):
        bounds, size = ("minimum", "maximum"), value
    if bounds is None:
        return []
    low, high = schema.get(bounds[0]), schema.get(bounds[1])
    faults = [f"{where}: {size} is under {bounds[0]} {low}"] if low is not None and size < low else []
    return faults + ([f"{where}: {size} is over {bounds[1]} {high}"] if high is not None and size > high else [])


def _is(kind: str, value: Any) -> bool:
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))
