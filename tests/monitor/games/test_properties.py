"""Minecraft's `server.properties`, as Java reads it; what is wrong in it is told by line and quotes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import GameFileError
from monitor.games.properties import MinecraftSettings, parse_properties, read_minecraft
from monitor.games.settings_text import MAX_BYTES
from monitor.spec import Secret
from tests.monitor.games.mutations import mutated

CANARY = "canary-19cc"
WHOLE = f"""\
#Minecraft server properties
#Thu Jan 01 00:00:00 UTC 2026
enable-query=true
enable-rcon=true
level-name=world
motd=A Minecraft Server\\: \\u00A7aWelcome
query.port=25566
rcon.password={CANARY}
rcon.port=25580
server-ip=10.0.0.5
server-port=25567
"""
SETTINGS = MinecraftSettings(
    server_ip="10.0.0.5",
    server_port=25567,
    rcon=True,
    rcon_port=25580,
    rcon_password=Secret(CANARY),
    query=True,
    query_port=25566,
)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(WHOLE.encode(), id="as_written"),
        pytest.param(b"\xef\xbb\xbf" + WHOLE.encode(), id="fault-50-bom", marks=pytest.mark.fault(50)),
        pytest.param(WHOLE.replace("\n", "\r\n").encode(), id="fault-50-crlf", marks=pytest.mark.fault(50)),
        pytest.param(WHOLE.replace("\n", "\r").encode(), id="cr"),
        pytest.param(WHOLE.encode("utf-16"), id="utf-16"),
        pytest.param(WHOLE.replace("world", "wörld").encode("latin-1"), id="latin-1"),
        pytest.param(WHOLE.replace("=", " : ").encode(), id="colons_and_blanks"),
    ],
)
def test_the_file_is_read(data: bytes) -> None:
    assert read_minecraft(data, "x") == SETTINGS


def test_an_empty_file_means_the_defaults() -> None:
    assert read_minecraft(b"", "x") == MinecraftSettings()


FORMS = {
    "blank": ("a b", {"a": "b"}),
    "colon": ("a:b", {"a": "b"}),
    "equals_in_value": ("a=b=c", {"a": "b=c"}),
    "no_value": ("a", {"a": ""}),
    "blanks_around": ("  a \t=\t b ", {"a": "b "}),
    "comment": ("! a=b\n#c=d\n", {}),
    "escaped_key": (r"a\ b\=\:=c", {"a b=:": "c"}),
    "continued": ("a=b\\\n   c", {"a": "bc"}),
    "continued_by_nothing": ("a=b\\\n\\\n", {"a": "b"}),
    "continued_at_the_end": ("a=b\\", {"a": "b"}),
    "not_continued": ("a=b\\\\\nc=d", {"a": "b\\", "c": "d"}),
    "comment_sign_in_a_continued_line": ("a=b\\\n#c", {"a": "b#c"}),
    "last_one_wins": ("a=1\na=2", {"a": "2"}),
    "escapes": (r"a=\t\n\r\f\q\\", {"a": "\t\n\r\fq\\"}),
    "unicode": (r"a=\ud55c\uAE00", {"a": "한글"}),
    "surrogates": (r"a=\ud83c\udfae", {"a": "🎮"}),
    "half_a_character": (r"a=\ud83c", {"a": "�"}),
}


@pytest.mark.parametrize(("text", "values"), FORMS.values(), ids=FORMS.keys())
def test_the_format_is_javas(text: str, values: dict[str, str]) -> None:
    found, problems = parse_properties(text)
    assert {key: value.text for key, value in found.items()} == values
    assert problems == []


def test_fault_50_everything_wrong_is_told_by_line_and_key_and_no_value_is_quoted() -> None:
    text = f"\nenable-rcon={CANARY}\n# x\nrcon.port=99999\nserver-port=abc\nx=\\u00g0{CANARY}\nquery.port=-1\n"
    with pytest.raises(GameFileError) as caught:
        read_minecraft(text.encode(), "/srv/server.properties")
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [
        (2, "enable-rcon"),
        (4, "rcon.port"),
        (5, "server-port"),
        (6, ""),
        (7, "query.port"),
    ]
    assert caught.value.source == "/srv/server.properties"
    assert CANARY not in repr(caught.value)


@pytest.mark.parametrize("port", ["65536", "00000165536", "000001999999", "0" * 9 + "1" * 5000, "0", "²"])
def test_fault_50_a_port_is_one_whatever_zeros_it_begins_with(port: str) -> None:
    with pytest.raises(GameFileError):
        read_minecraft(f"rcon.port={port}".encode(), "x")


@pytest.mark.parametrize("data", [b"a=1\nb=\0", b"x" * (MAX_BYTES + 1)], ids=["nul", "huge"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(GameFileError) as caught:
        read_minecraft(data, "x")
    assert len(caught.value.problems) == 1


@settings(max_examples=100)
@given(st.integers(0, 2**32))
def test_fault_50_any_of_ten_thousand_mutations_is_settings_or_a_typed_error(seed: int) -> None:
    for text in mutated(WHOLE, seed, 100):
        read, wrong = MinecraftSettings(), None
        try:
            read = read_minecraft(text.encode(), "x")
        except GameFileError as error:
            wrong = error
        assert wrong is None or (wrong.problems and CANARY not in repr(wrong))
        assert 1 <= read.rcon_port <= 65_535


def escaped(text: str) -> str:
    """Write a value as Java does."""
    special = "".join(rf"\{character}" if character in "\\=:#! " else character for character in text)
    return special.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t").replace("\f", "\\f")


@settings(max_examples=500)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12))
def test_any_password_comes_back_as_it_was(password: str) -> None:
    data = f"rcon.password={escaped(password)}\nenable-rcon=true\n".encode()
    assert read_minecraft(data, "x").rcon_password.reveal() == password
