from __future__ import annotations

import json
import re
import tomllib
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.errors import ServerFileError
from monitor.games.registry import ADAPTERS
from monitor.serverfile import MAX_BYTES, parse_servers
from monitor.serverformat import TABLES
from monitor.spec import (
    AdminEndpoint,
    Endpoint,
    HangPolicy,
    Priority,
    ReadyPolicy,
    RestartMode,
    RestartPolicy,
    Secret,
    ServerSpec,
    StopPolicy,
)

ROOT = Path(__file__).parents[2]
BASE = ROOT / "somewhere"
GAMES = ("generic", "minecraft", "palworld")
CANARY = "canary-77ab-password"

SAVING = 'save = "save-all flush", saved_log = "Saved the game", saved_file = "world/*.dat"'
MINIMAL = """\
[[servers]]
id = "a"
name = "A"
argv = ["x"]
cwd = "a"
"""
FULL = f"""\
[[servers]]
id = "survival"
name = "생존"
game = "minecraft"
argv = ["java", "-jar", "server.jar"]
cwd = "sub/survival"
env = {{ TZ = "UTC" }}
autostart = true
admin = {{ host = "127.0.0.1", port = 25575, password = "{CANARY}" }}
query = {{ host = "::1", port = 25565 }}
ready = {{ log = "Done \\\\(", timeout_s = 120 }}
stop = {{ command = "stop", signal = "SIGTERM", save_s = 30, polite_s = 0, terminate_s = 2.5, {SAVING} }}
clean_exit_codes = [0, 143, 3221225786]
restart = {{ policy = "always", budget = 0, window_s = 60, backoff_s = 1, backoff_max_s = 1 }}
hang = {{ probes = 3, interval_s = 10, restart = true }}
priority = "below-normal"
cpus = [2, 3]
"""
FULL_SPEC = ServerSpec(
    id="survival",
    name="생존",
    game="minecraft",
    argv=("java", "-jar", "server.jar"),
    cwd=BASE / "sub" / "survival",
    env={"TZ": "UTC"},
    autostart=True,
    admin=AdminEndpoint("127.0.0.1", 25575, Secret(CANARY)),
    query=Endpoint("::1", 25565),
    ready=ReadyPolicy(log=r"Done \(", timeout_s=120),
    stop=StopPolicy(
        command="stop",
        signal="SIGTERM",
        save="save-all flush",
        saved_log="Saved the game",
        saved_file="world/*.dat",
        save_s=30,
        polite_s=0,
        terminate_s=2.5,
    ),
    clean_exit_codes=(0, 143, 3221225786),
    restart=RestartPolicy(policy=RestartMode.ALWAYS, budget=0, window_s=60, backoff_s=1, backoff_max_s=1),
    hang=HangPolicy(probes=3, interval_s=10, restart=True),
    priority=Priority.BELOW_NORMAL,
    cpus=(2, 3),
)


def parse(text: bytes | str) -> tuple[ServerSpec, ...]:
    return parse_servers(text, source="servers.toml", base=BASE, adapters=GAMES)


def refused(text: bytes | str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(ServerFileError) as caught:
        parse(text)
    assert caught.value.source == "servers.toml"
    return [(problem.line, problem.key, problem.message) for problem in caught.value.problems]


def test_what_is_left_out_takes_the_nouns_own_defaults() -> None:
    assert parse(MINIMAL) == (ServerSpec(id="a", name="A", game="generic", argv=("x",), cwd=BASE / "a"),)


def test_every_key_is_read() -> None:
    assert parse(FULL) == (FULL_SPEC,)


def test_the_same_in_json_is_the_same() -> None:
    assert parse(json.dumps(tomllib.loads(FULL))) == (FULL_SPEC,)


def test_the_order_of_the_file_is_kept() -> None:
    assert [spec.id for spec in parse(MINIMAL.replace('"a"', '"z"') + MINIMAL)] == ["z", "a"]


def test_a_folder_is_relative_to_the_file_unless_absolute(tmp_path: Path) -> None:
    (spec,) = parse(MINIMAL.replace('cwd = "a"', f"cwd = {str(tmp_path)!r}"))
    assert spec.cwd == tmp_path


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_fault_50_a_byte_order_mark_and_crlf_are_no_fault(prefix: bytes, newline: bytes) -> None:
    data = prefix + FULL.encode().replace(b"\n", newline)
    assert parse(data) == parse(data.decode()) == (FULL_SPEC,)


def test_fault_50_a_byte_order_mark_before_json_is_no_fault() -> None:
    assert parse(b"\xef\xbb\xbf" + json.dumps(tomllib.loads(FULL)).encode()) == (FULL_SPEC,)


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "said"),
    [
        ('id = "survival"', 'id = "Survival"', 2, "id", "1 to 32 of a-z, 0-9 and -"),
        ('id = "survival"', 'id = "-a"', 2, "id", "not begin with -"),
        ('id = "survival"', f'id = "{"a" * 33}"', 2, "id", "1 to 32"),
        ('id = "survival"', 'id = ""', 2, "id", "1 to 32"),
        ('id = "survival"\n', "", 1, "id", "missing"),
        ('name = "생존"', 'name = " "', 3, "name", "not empty"),
        ('name = "생존"', 'name = "a\\u0007"', 3, "name", "control characters"),
        ('"minecraft"', '"minecraf"', 4, "game", "the games are generic, minecraft, palworld"),
        ('["java", "-jar", "server.jar"]', "[]", 5, "argv", "at least 1 item"),
        ('["java", "-jar", "server.jar"]', '[" "]', 5, "argv", "the program to run"),
        ('["java", "-jar", "server.jar"]', '["a", 3]', 5, "argv[1]", "valid string"),
        ('["java", "-jar", "server.jar"]', '["a\\u0000"]', 5, "argv[0]", "NUL"),
        ('["java", "-jar", "server.jar"]', '"java -jar"', 5, "argv", "valid list"),
        ('name = "생존"', f'name = "{"x" * 101}"', 3, "name", "at most 100 characters"),
        ('cwd = "sub/survival"', 'cwd = ""', 6, "cwd", "at least 1 character"),
        ("TZ =", "GAMEKEEPER_RUN =", 7, "env", "set by gamekeeper itself"),
        ("TZ =", '"A=B" =', 7, "env", "hold no ="),
        ('TZ = "UTC"', "TZ = 1", 7, "env.TZ", "valid string"),
        ("autostart = true", 'autostart = "yes"', 8, "autostart", "valid boolean"),
        ("port = 25575", "port = 0", 9, "admin.port", "greater than or equal to 1"),
        ("port = 25575", "port = 65536", 9, "admin.port", "less than or equal to 65535"),
        ("port = 25575", 'port = "25575"', 9, "admin.port", "valid integer"),
        ("port = 25575", "port = true", 9, "admin.port", "valid integer"),
        ('host = "127.0.0.1"', 'host = "http://h"', 9, "admin.host", "such as 127.0.0.1"),
        (f'"{CANARY}"', '""', 9, "admin.password", "not be empty"),
        (f', password = "{CANARY}"', "", 9, "admin.password", "missing"),
        ("Done \\\\(", "Done (", 11, "ready.log", "regular expression: missing ), unterminated subpattern"),
        ("Done \\\\(", "a{99999999999999999999}", 11, "ready.log", "simpler"),
        ("Done \\\\(", "(" * 600 + ")" * 400, 11, "ready.log", "regular expression"),
        ("Done \\\\(", "x" * 1001, 11, "ready.log", "at most 1000"),
        ("timeout_s = 120", "timeout_s = 0", 11, "ready.timeout_s", "greater than 0"),
        ("timeout_s = 120", "timeout_s = nan", 11, "ready.timeout_s", "finite number"),
        ("SIGTERM", "SIGKILL", 12, "stop.signal", "'SIGINT', 'SIGTERM' or 'CTRL_BREAK_EVENT'"),
        ("save_s = 30", "save_s = -1", 12, "stop.save_s", "greater than or equal to 0"),
        ('"save-all flush"', '""', 12, "stop.save", "a line of text"),
        ('"save-all flush"', '"a\\nb"', 12, "stop.save", "without control characters"),
        ('"Saved the game"', '"Saved ("', 12, "stop.saved_log", "regular expression: missing )"),
        ('"Saved the game"', '""', 12, "stop.saved_log", "at least 1 character"),
        ('"world/*.dat"', '"/etc/passwd"', 12, "stop.saved_file", "inside the server's folder"),
        ('"world/*.dat"', '"../world"', 12, "stop.saved_file", "inside the server's folder"),
        ('"world/*.dat"', '"a/../../b"', 12, "stop.saved_file", "inside the server's folder"),
        ('"world/*.dat"', "'C:\\world'", 12, "stop.saved_file", "inside the server's folder"),
        ('"world/*.dat"', "'\\\\host\\share'", 12, "stop.saved_file", "inside the server's folder"),
        ('"world/*.dat"', '"a\\u0000"', 12, "stop.saved_file", "NUL"),
        ('"world/*.dat"', '""', 12, "stop.saved_file", "at least 1 character"),
        ('"world/*.dat"', '"./"', 12, "stop.saved_file", "name a file"),
        ('"world/*.dat"', '"world/**.dat"', 12, "stop.saved_file", "as in world/**/*.dat"),
        ("saved_log", "saved_logs", 12, "stop.saved_logs", "did you mean saved_log?"),
        ("[0, 143, 3221225786]", "[-6]", 13, "clean_exit_codes[0]", "greater than or equal to 0"),
        ('"always"', '"sometimes"', 14, "restart.policy", "'never', 'on-crash' or 'always'"),
        ("budget = 0", "budget = -1", 14, "restart.budget", "greater than or equal to 0"),
        ("budget = 0", "budget = 1.5", 14, "restart.budget", "valid integer"),
        ("window_s = 60", "window_s = 0", 14, "restart.window_s", "greater than 0"),
        ("backoff_s = 1,", "backoff_s = 2,", 14, "restart.backoff_max_s", "at least backoff_s, which is 2"),
        ("probes = 3", "probes = -1", 15, "hang.probes", "greater than or equal to 0"),
        ("interval_s = 10", "interval_s = inf", 15, "hang.interval_s", "finite"),
        ('"below-normal"', '"realtime"', 16, "priority", "'below-normal', 'normal', 'above-normal' or 'high'"),
        ('"below-normal"', "1", 16, "priority", "'below-normal', 'normal', 'above-normal' or 'high'"),
        ("[2, 3]", "[-1]", 17, "cpus[0]", "greater than or equal to 0"),
        ("[2, 3]", "[0, 4096]", 17, "cpus[1]", "less than 4096"),
        ("[2, 3]", '["0"]', 17, "cpus[0]", "valid integer"),
        ("[2, 3]", "3", 17, "cpus", "valid list"),
        ("priority =", "prio =", 16, "prio", "did you mean priority?"),
        ("autostart", "auto_start", 8, "auto_start", "no such key; did you mean autostart?"),
        ("probes", "zzz", 15, "hang.zzz", "no such key; the keys here are interval_s, probes, restart"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_fault_50_one_wrong_key_is_told_by_line_and_key(old: str, new: str, line: int, key: str, said: str) -> None:
    assert old in FULL
    ((at, path, message),) = refused(FULL.replace(old, new, 1))
    assert (at, path) == (line, f"servers[0].{key}")
    assert said in message


@pytest.mark.parametrize(
    ("key", "value", "meant"),
    [
        ("priority", '"high"', {"priority": Priority.HIGH}),
        ("cpus", "[]", {"cpus": ()}),
        ("cpus", "[0, 63]", {"cpus": (0, 63)}),
        ("restart", "{ backoff_s = 0, backoff_max_s = 0 }", {"restart": RestartPolicy(backoff_s=0, backoff_max_s=0)}),
        ("stop", '{ save = "/save-all" }', {"stop": StopPolicy(save="/save-all")}),
        ("stop", "{ saved_file = './world/**/*.dat' }", {"stop": StopPolicy(saved_file="./world/**/*.dat")}),
        ("stop", "{ saved_file = 'world\\level.dat' }", {"stop": StopPolicy(saved_file="world\\level.dat")}),
    ],
)
def test_what_may_stand_at_an_end_is_taken(key: str, value: str, meant: dict[str, Any]) -> None:
    assert parse(MINIMAL + f"{key} = {value}\n") == (replace(parse(MINIMAL)[0], **meant),)


def test_the_default_of_one_key_is_held_against_another() -> None:
    ((line, key, _),) = refused(MINIMAL + "restart = { backoff_s = 301 }\n")
    assert (line, key) == (6, "servers[0].restart.backoff_max_s")


def test_fault_50_everything_wrong_is_told_at_once_in_order() -> None:
    text = MINIMAL.replace("argv", "args") + FULL.replace("25565", "0") + MINIMAL.replace('name = "A"', "name = 1")
    assert [(line, key) for line, key, _ in refused(text)] == [
        (1, "servers[0].argv"),
        (4, "servers[0].args"),
        (15, "servers[1].query.port"),
        (24, "servers[2].id"),
        (25, "servers[2].name"),
    ]


def test_fault_50_an_id_used_twice_names_the_first() -> None:
    ((line, key, message),) = refused(MINIMAL + FULL.replace('"survival"', '"a"', 1))
    assert (line, key) == (7, "servers[1].id")
    assert "servers[0] has this id already" in message


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        pytest.param("[[servers]]\nid = \n", 2, "not TOML: Invalid value", id="no-value"),
        pytest.param('[[servers]]\nname = "x', 2, "not TOML: ", id="ends-in-a-string"),
        pytest.param("[[servers]]\nid = 1\nid = 2\n", 3, "not TOML: Cannot overwrite a value", id="key-twice"),
        pytest.param("a = " + "[" * 5000, None, "nested too deeply", id="deep"),
        pytest.param("a = " + "9" * 5000, None, "too many digits", id="digits"),
        pytest.param(b"# x\nname = '\xff'\n", 2, "not UTF-8 text", id="latin-1"),
        pytest.param(MINIMAL.encode("utf-16"), 1, "not UTF-8 text", id="utf-16"),
        pytest.param("# \ud800", 1, "not UTF-8 text", id="surrogate"),
        pytest.param("#" * (MAX_BYTES + 1), None, "larger than 1024 KiB", id="huge"),
        pytest.param('{"servers": [\n}', 2, "not JSON as it should be: ", id="json-syntax"),
        pytest.param('{"a":' + "[" * 100_000, None, "nested too deeply", id="json-deep"),
        pytest.param('{"a": ' + "9" * 5000 + "}", None, "too many digits", id="json-digits"),
        pytest.param('{"servers": [], "servers": []}', None, "the key servers stands twice", id="json-key-twice"),
        pytest.param('{"servers": "\\ud800"}', None, "half a character", id="json-surrogate"),
    ],
)
def test_fault_50_what_cannot_even_be_read_is_told(text: bytes | str, line: int | None, said: str) -> None:
    ((at, key, message),) = refused(text)
    assert (at, key) == (line, "")
    assert said in message


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_a_file_without_servers_says_how_they_begin(text: str) -> None:
    assert refused(text) == [(None, "servers", "there are no servers; each begins with [[servers]]")]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("[servers]\nid = 'a'\n", ["servers"]),
        ("servers = [1]\n", ["servers[0]"]),
        ("server = []\n", ["servers", "server"]),
        ('{"servers": null}', ["servers"]),
    ],
)
def test_a_file_of_another_shape_is_told(text: str, keys: list[str]) -> None:
    assert [key for _, key, _ in refused(text)] == keys


def test_fault_64_no_error_holds_a_password() -> None:
    text = FULL.replace("port = 25575", "port = 0") + MINIMAL.replace('name = "A"', f"admin = '{CANARY}'")
    with pytest.raises(ServerFileError) as caught:
        parse(text)
    assert CANARY not in f"{caught.value!r} {caught.value} {''.join(traceback.format_exception(caught.value))}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert CANARY not in repr(parse(FULL))


_PIECES = st.sampled_from(
    ["[[servers]]", "[", "]", "{", "}", '"', "'''", "=", "\n", "\\", "\r", "\0", "-1", "nan", "servers"]
)


@settings(max_examples=300)
@given(st.sampled_from([FULL, json.dumps(tomllib.loads(FULL), indent=1)]), st.data())
def test_fault_50_a_mutated_file_is_read_or_refused_and_nothing_else(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(_PIECES | st.text(max_size=3)) + text[end:]
    try:
        specs = parse(text)
    except ServerFileError as err:
        found = err.problems
    else:
        found = ()
        assert len(specs) >= 1
    assert all(problem.message for problem in found)


@given(st.binary())
@example(b"\xef\xbb\xbf")
def test_fault_50_any_bytes_are_refused_in_words(data: bytes) -> None:
    assert all(message for _, _, message in refused(data))


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in _keys(item)}
    return {key for item in value for key in _keys(item)} if isinstance(value, list) else set()


def _example() -> Mapping[str, Any]:
    return tomllib.loads((ROOT / "servers.example.toml").read_text(encoding="utf-8"))


def test_the_example_file_can_be_taken_in_with_the_games_that_there_are() -> None:
    text = (ROOT / "servers.example.toml").read_bytes()
    specs = parse_servers(text, source="servers.example.toml", base=BASE, adapters=ADAPTERS.keys())
    assert [spec.id for spec in specs] == ["survival", "creative", "palworld"]


def test_the_example_file_shows_every_key_of_the_format() -> None:
    format_keys = {"servers"} | {name for table in TABLES.values() for name in table.model_fields}
    assert _keys(_example()) - {"TZ"} == format_keys


def test_the_example_file_tells_the_default_of_every_optional_key() -> None:
    text = (ROOT / "servers.example.toml").read_text(encoding="utf-8")
    optional = [name for name, f in TABLES["servers"].model_fields.items() if not f.is_required()]
    for name in optional:
        heading = rf"\[servers\.{name}\]"
        before = re.search(rf"((?:^#.*\n)*)^(?:{name} =.*|{heading})", text, re.MULTILINE)
        assert before is not None, name
        told = re.sub(rf"^(?:{heading}|{name} = \[[^]]*\])", "", before[0], flags=re.MULTILINE)
        assert re.search(r"\[.+\]\.?", told), name
