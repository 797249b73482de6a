"""The check against Discord's description: on a small one of our own, and on the real one where it is at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.standin.openapi import Schema

SMALL: dict[str, Any] = {
    "paths": {
        "/users/@me": {"get": {}},
        "/users/{user_id}": {
            "post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/a/Body"}}}}}
        },
    },
    "a": {
        "Body": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 4},
                "kind": {"type": "integer", "enum": [1, 2]},
                "share": {"type": "number", "minimum": 0, "maximum": 1},
                "on": {"type": ["boolean", "null"]},
                "tags": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
                "part": {"oneOf": [{"$ref": "#/a/One"}, {"$ref": "#/a/Two"}]},
                "both": {"allOf": [{"required": ["x"]}, {"required": ["y"]}]},
            },
        },
        "One": {"type": "object", "properties": {"type": {"const": 1}, "size": {"type": "integer"}}},
        "Two": {"type": "object", "properties": {"type": {"const": 2}}},
    },
}


@pytest.fixture
def small(tmp_path: Path) -> Schema:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(SMALL), "utf-8")
    return Schema(path)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": "a"}, []),
        ({}, ["body.name: missing"]),
        ({"name": 1}, ["body.name: int where string is wanted"]),
        ({"name": ""}, ["body.name: 0 is under minLength 1"]),
        ({"name": "abcde"}, ["body.name: 5 is over maxLength 4"]),
        ({"name": "a", "kind": 3}, ["body.kind: 3 is none of [1, 2]"]),
        ({"name": "a", "kind": True}, ["body.kind: bool where integer is wanted"]),
        ({"name": "a", "share": 0.5}, []),
        ({"name": "a", "share": 2}, ["body.share: 2 is over maximum 1"]),
        ({"name": "a", "on": None}, []),
        ({"name": "a", "tags": ["x", 2]}, ["body.tags.1: int where string is wanted"]),
        ({"name": "a", "tags": ["x"] * 3}, ["body.tags: 3 is over maxItems 2"]),
        ({"name": "a", "part": {"type": 2}}, []),
        ({"name": "a", "part": {"type": 3}}, ["body.part.type: 3 where 1 is wanted"]),
        ({"name": "a", "both": {"x": 1, "y": 2}}, []),
        ({"name": "a", "both": {"x": 1}}, ["body.both.y: missing"]),
        ([], ["body: list where object is wanted"]),
    ],
    ids=json.dumps,
)
def test_a_body_is_judged(small: Schema, body: Any, wrong: list[str]) -> None:
    small.check("POST", "/users/1", body)
    assert small.violations == [f"POST /users/1: {fault}" for fault in wrong]


@pytest.mark.parametrize(
    ("method", "path", "known"),
    [("GET", "/users/@me", True), ("POST", "/users/7", True), ("POST", "/users/@me", False), ("GET", "/x", False)],
    ids=["literal", "parameter", "literal first", "unknown"],
)
def test_path_and_method_must_exist(small: Schema, method: str, path: str, *, known: bool) -> None:
    small.check(method, path, None)
    assert (small.violations == []) is known


def test_without_the_description_nothing_is_checked_and_the_reason_is_told(tmp_path: Path) -> None:
    schema = Schema(tmp_path / "none.json")
    schema.check("GET", "/nowhere", None)
    assert schema.violations == []
    assert str(tmp_path) in (schema.skipped or "")


@pytest.fixture
def real() -> Schema:
    schema = Schema()
    if schema.skipped:
        pytest.skip(schema.skipped)
    return schema


MESSAGES = "/channels/1/messages"


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        (MESSAGES, {"content": "x" * 4001}, "body.content"),
        (MESSAGES, {"nonce": "x" * 26}, "body.nonce"),
        (MESSAGES, {"embeds": [{"title": "x" * 257}]}, "body.embeds.0.title"),
        (MESSAGES, {"embeds": [{}] * 11}, "body.embeds"),
        (MESSAGES, {"components": [{"type": 1, "components": [{"type": 2}]}]}, "body.components.0"),
        ("/interactions/1/t/callback", {"type": 8, "data": {"choices": [{"name": "a"}]}}, "body.data.choices.0"),
        ("/users/@me/nothing", {}, "no such path"),
    ],
    ids=["content", "nonce", "title", "embeds", "button", "choice", "path"],
)
def test_the_real_description_finds_what_is_wrong(real: Schema, path: str, body: Any, where: str) -> None:
    real.check("POST", path, body)
    assert len(real.violations) >= 1
    assert any(where in violation for violation in real.violations)
