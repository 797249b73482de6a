from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.filelines import Path, json_lines, line_of, toml_lines

TOML = """\
# [[servers]] in a comment

[[servers]]
id = "one" # id = 2
argv = [
  "a",
]
env = { A = "{ B = 1", "C" = "x" }

[servers.restart]
policy = "never"

[[servers]]
'id' = "two"
name = '''
[[servers]]
id = "spoof"
'''
stop.save_s = 3
  [servers.hang]
  probes = 1
"""

JSON = """\
{
  "servers": [
    {"id": "one",
     "argv": ["a",
       "b"]},
    {
      "hang": {
        "probes": 1
      }
    }
  ]
}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("servers", 0), 3),
        (("servers", 0, "id"), 4),
        (("servers", 0, "argv", 0), 5),
        (("servers", 0, "env", "A"), 8),
        (("servers", 0, "env", "C"), 8),
        (("servers", 0, "restart"), 10),
        (("servers", 0, "restart", "policy"), 11),
        (("servers", 0, "restart", "missing"), 10),
        (("servers", 1), 13),
        (("servers", 1, "id"), 14),
        (("servers", 1, "name"), 15),
        (("servers", 1, "stop", "save_s"), 19),
        (("servers", 1, "hang", "probes"), 21),
        (("servers", 1, "missing"), 13),
        (("nothing", "near"), None),
    ],
    ids=str,
)
def test_where_a_toml_key_stands(path: Path, line: int | None) -> None:
    assert tomllib.loads(TOML)["servers"][1]["id"] == "two"
    assert line_of(toml_lines(TOML), path) == line


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("servers",), 2),
        (("servers", 0), 3),
        (("servers", 0, "id"), 3),
        (("servers", 0, "argv", 1), 5),
        (("servers", 1), 6),
        (("servers", 1, "hang", "probes"), 8),
        (("servers", 1, "hang", "missing"), 7),
        (("elsewhere",), None),
    ],
    ids=str,
)
def test_where_a_json_key_stands(path: Path, line: int | None) -> None:
    assert json.loads(JSON)["servers"][1]["hang"]["probes"] == 1
    assert line_of(json_lines(JSON), path) == line


@given(st.text())
def test_any_text_can_be_scanned_as_toml(text: str) -> None:
    assert all(1 <= line <= text.count("\n") + 1 for line in toml_lines(text).values())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


def _paths(value: object, here: Path = ()) -> list[Path]:
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [here, *(path for key, item in items for path in _paths(item, (*here, key)))]


@given(_JSON, st.sampled_from([None, 0, 2]))
def test_every_key_of_any_json_is_found(value: object, indent: int | None) -> None:
    lines = json_lines(json.dumps(value, indent=indent))
    assert lines.keys() == set(_paths(value))
