"""The program list of an old monitor becomes servers, whole or not at all, and no secret of it is ever shown."""

from __future__ import annotations

import json
import re
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import ServerFileError
from monitor.oldmonitor import id_of
from monitor.serverfile import ServerFile, parse_servers, read_servers
from monitor.spec import RestartMode, ServerSpec

BASE = Path(__file__).parent
CANARY = "canary-19c2-webhook"
PAL = {
    "name": "Pal World",
    "path": "C:\\Games\\PalServer\\PalServer.exe",
    "args": '-port=8211 -log="C:\\My Logs\\pal.txt"',
    "auto_restart": True,
    "webhook_urls": [f"https://discord.com/api/webhooks/1/{CANARY}"],
    "pid": 4711,
}
TOOL = {"name": "Tool", "path": "/srv/tool/run.sh", "args": "--motd 'Hello there' -v"}


def read(raw: object, text: str | None = None) -> ServerFile:
    text = json.dumps(raw, ensure_ascii=False, indent=1) if text is None else text
    return read_servers(text, source="programs.json", base=BASE, adapters=("generic", "palworld"))


def one(**changes: Any) -> ServerSpec:
    [spec] = read([{**PAL, **changes}]).servers
    return spec


def refused(raw: object) -> list[tuple[str, str]]:
    with pytest.raises(ServerFileError) as caught:
        read(raw)
    return [(problem.key, problem.message) for problem in caught.value.problems]


# What is taken


def test_a_program_becomes_a_server() -> None:
    assert read([PAL]).servers == (
        ServerSpec(
            id="pal-world",
            name="Pal World",
            game="palworld",
            argv=("C:\\Games\\PalServer\\PalServer.exe", "-port=8211", "-log=C:\\My Logs\\pal.txt"),
            cwd=Path("C:\\Games\\PalServer"),
            restart=one().restart,
        ),
    )
    assert one().restart.policy is RestartMode.ALWAYS


def test_a_program_of_this_system_too() -> None:
    [spec] = read([TOOL]).servers
    assert (spec.argv, spec.cwd) == (("/srv/tool/run.sh", "--motd", "Hello there", "-v"), Path("/srv/tool"))
    assert (spec.game, spec.restart.policy, spec.autostart) == ("generic", RestartMode.ON_CRASH, False)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param([PAL, TOOL], id="a-list"),
        pytest.param({"programs": [PAL, TOOL]}, id="programs"),
        pytest.param({"version": 3, "Program-List": [PAL, TOOL]}, id="among-other-things"),
        pytest.param({"processes": {"Pal World": {**PAL, "name": "Pal World"}, "Tool": TOOL}}, id="by-name"),
    ],
)
def test_the_list_is_known_in_many_shapes(raw: object) -> None:
    assert [spec.id for spec in read(raw).servers] == ["pal-world", "tool"]


def test_the_key_of_a_program_is_its_name() -> None:
    [spec] = read({"programs": {"Night": {"path": "/srv/night/run"}}}).servers
    assert (spec.name, spec.id) == ("Night", "night")


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ({"exePath": "C:\\A\\b.exe"}, ("C:\\A\\b.exe",)),
        ({"Exe-Path": "C:\\A\\b.exe", "Arguments": "x y"}, ("C:\\A\\b.exe", "x", "y")),
        ({"EXECUTABLE": "C:/A/b.exe", "params": ["-p", 8211, 1.5]}, ("C:/A/b.exe", "-p", "8211", "1.5")),
        ({"path": ' "C:\\A B\\c.exe" ', "args": None}, ("C:\\A B\\c.exe",)),
    ],
)
def test_its_keys_are_known_in_many_spellings(spelled: dict[str, object], meant: tuple[str, ...]) -> None:
    [spec] = read([{"name": "x", **spelled}]).servers
    assert spec.argv == meant


@pytest.mark.parametrize(
    ("value", "policy"),
    [
        (True, RestartMode.ALWAYS),
        (1, RestartMode.ALWAYS),
        ("yes", RestartMode.ALWAYS),
        (False, RestartMode.NEVER),
        ("off", RestartMode.NEVER),
        (None, RestartMode.ON_CRASH),
    ],
)
def test_whether_it_restarts_by_itself(value: object, policy: RestartMode) -> None:
    assert one(auto_restart=value).restart.policy is policy


def test_its_folder_is_that_of_the_program_unless_it_says_another() -> None:
    assert one().cwd == Path("C:\\Games\\PalServer")
    assert one(working_dir="D:\\Worlds").cwd == Path("D:\\Worlds")


def test_it_starts_with_the_bot_where_it_did_with_the_monitor() -> None:
    assert one(autoStart=True).autostart


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (["Pal World!", "Pal  World", "pal-world"], ["pal-world", "pal-world-2", "pal-world-3"]),
        (["팰월드", "팰월드 2", "アーク"], ["palserver", "2", "palserver-2"]),
        (["Café Ümläut", "x" * 40, "x" * 50], ["cafe-umlaut", "x" * 32, "x" * 30 + "-2"]),
        (["-_-", "a" * 31 + " b"], ["palserver", "a" * 31]),
    ],
)
def test_each_gets_an_id_of_its_own_made_of_its_name(names: list[str], ids: list[str]) -> None:
    assert [spec.id for spec in read([{**PAL, "name": name} for name in names]).servers] == ids


def test_an_id_is_made_where_neither_name_nor_program_has_letters_for_it() -> None:
    assert (id_of("서버", "서버", ()), id_of("서버", "서버", {"server"})) == ("server", "server-2")


@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=5)), max_size=20))
def test_any_names_give_ids_that_are_valid_and_differ(names: list[tuple[str, str]]) -> None:
    taken: set[str] = set()
    for name, stem in names:
        made = id_of(name, stem, taken)
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", made)
        assert made not in taken
        taken.add(made)


def test_a_servers_file_is_still_one() -> None:
    ours = {"servers": [{"id": "a", "name": "A", "argv": ["x"], "cwd": "a"}], "programs": [PAL]}
    assert refused(ours) == [("programs", "there is no such key; the keys here are servers")]
    del ours["programs"]
    assert [spec.id for spec in read(ours).servers] == ["a"]
    assert read(ours).left_out == ()


def test_the_example_in_the_documentation_is_taken() -> None:
    page = (Path(__file__).parents[2] / "docs" / "old-monitor.md").read_text(encoding="utf-8")
    example = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    assert example is not None
    said = read(None, example[1])
    assert said.servers[0] == one()
    assert [problem.key for problem in said.left_out] == ["programs[0].webhook_urls"]


# What is left out


def test_fault_64_what_is_left_out_is_told_by_its_key_and_never_shown() -> None:
    said = read({"webhook": CANARY, "theme": CANARY, "programs": [{**PAL, "rconPassword": CANARY}]})
    assert [(problem.line, problem.key) for problem in said.left_out] == [
        (2, "webhook"),
        (3, "theme"),
        (10, "programs[0].webhook_urls"),
        (13, "programs[0].pid"),
        (14, "programs[0].rconPassword"),
    ]
    assert [problem.message.split(":")[1] for problem in said.left_out] == [
        " add it by /alerts add",
        " gamekeeper needs no such thing",
        " add it by /alerts add",
        " gamekeeper needs no such thing",
        " tell it as admin in a servers file",
    ]
    assert CANARY not in repr(said)


def test_of_two_spellings_the_first_counts_and_the_other_is_told() -> None:
    said = read([{"name": "x", "exe": "C:\\a.exe", "path": "C:\\b.exe", "Path": "C:\\c.exe"}])
    assert said.servers[0].argv == ("C:\\b.exe",)
    assert [problem.key for problem in said.left_out] == ["[0].exe", "[0].Path"]


# What is refused


@pytest.mark.parametrize(
    ("raw", "key", "said"),
    [
        ([], "", "there are no programs"),
        ({"programs": []}, "programs", "there are no programs"),
        ({"programs": 3}, "programs", "it should be a list"),
        ({"programs": None}, "programs", "it should be a list"),
        ([TOOL, "PalServer.exe"], "[1]", "an object with a name and a path"),
        ([{"path": "/a/b"}], "[0].name", "it is missing"),
        ([{"name": "x"}], "[0].path", "it is missing"),
        ([{**TOOL, "name": ""}], "[0].name", "not empty"),
        ([{**TOOL, "name": "a\nb"}], "[0].name", "without control characters"),
        ([{**TOOL, "name": "x" * 101}], "[0].name", "at most 100 characters"),
        ([{**TOOL, "name": 3}], "[0].name", "valid string"),
        ([{**TOOL, "path": "PalServer.exe"}], "[0].path", "a whole path, such as C:\\Games\\PalServer.exe"),
        ([{**TOOL, "path": "C:PalServer.exe"}], "[0].path", "a whole path"),
        ([{**TOOL, "path": "/a\x00"}], "[0].path", "a whole path"),
        ([{**TOOL, "path": None}], "[0].path", "valid string"),
        ([{**TOOL, "args": 8211}], "[0].args", "a line of arguments, or a list of them"),
        ([{**TOOL, "args": ["a", ["b"]]}], "[0].args[1]", "valid string"),
        ([{**TOOL, "args": ["a", True]}], "[0].args[1]", "valid string"),
        ([{**TOOL, "args": "'a"}], "[0].args", "an end to each quotation mark"),
        ([{**TOOL, "args": "a\x00"}], "[0].args[0]", "NUL"),
        ([{**TOOL, "args": ["x"] * 1000}], "[0].args", "at most 999 items"),
        ([{**TOOL, "Auto-Restart": "maybe"}], "[0].Auto-Restart", "it should be a valid boolean"),
        ([{**TOOL, "cwd": "worlds"}], "[0].cwd", "a whole path"),
        ({"programs": {"Night": {}}}, "programs.Night.path", "it is missing"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else None,
)
def test_fault_50_one_wrong_key_is_told_by_key(raw: object, key: str, said: str) -> None:
    [(told_key, message)] = refused(raw)
    assert told_key == key
    assert said in message


def test_fault_50_everything_wrong_is_told_at_once_and_nothing_taken() -> None:
    assert [key for key, _ in refused([PAL, {"name": 1, "args": 2}, TOOL, 3])] == [
        "[1].path",
        "[1].name",
        "[1].args",
        "[3]",
    ]


def test_fault_64_no_error_holds_what_stands_in_the_list() -> None:
    bad = {
        "name": CANARY + "\n",
        "path": CANARY,
        "args": f"'{CANARY}",
        "webhook_urls": CANARY,
        "auto_restart": CANARY,
    }
    with pytest.raises(ServerFileError) as caught:
        read([bad, CANARY])
    assert CANARY not in f"{caught.value!r} {''.join(traceback.format_exception(caught.value))}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# How the file is written


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_fault_50_a_byte_order_mark_and_crlf_are_fine(mark: bytes, newline: str) -> None:
    text = json.dumps([PAL, TOOL], indent=1).replace("\n", newline)
    data = mark + text.encode()
    assert len(parse_servers(data, source="p.json", base=BASE, adapters=("generic",))) == 2


def test_fault_50_utf_16_is_refused_as_in_a_servers_file() -> None:
    with pytest.raises(ServerFileError) as caught:
        parse_servers(json.dumps([TOOL]).encode("utf-16"), source="p.json", base=BASE, adapters=("generic",))
    assert "save the file as UTF-8" in caught.value.problems[0].message


def test_a_list_in_toml_is_no_list_in_json() -> None:
    for text in ("[[servers]]\nid = 1", "[servers]\nid = 1", "\n [ servers ]\n"):
        with pytest.raises(ServerFileError) as caught:
            read(None, text)
        assert "JSON" not in caught.value.problems[0].message


KEYS = st.sampled_from([*PAL, "exe", "Arguments", "cwd", "autoStart", "Auto Restart", "x"]) | st.text(max_size=5)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(list(PAL.values())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300)
@given(
    st.lists(st.dictionaries(KEYS, VALUES, max_size=5).map(lambda changes: {**PAL, **changes}) | VALUES, max_size=3)
)
def test_fault_50_any_list_is_taken_whole_or_refused_in_words(raw: list[object]) -> None:
    with suppress(ServerFileError):
        said = read(raw)
        assert len(said.servers) == len(raw)
        assert len({spec.id for spec in said.servers}) == len(raw)
