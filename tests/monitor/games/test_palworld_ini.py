"""Palworld's settings: one line, with commas, parentheses and quotation marks inside texts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import GameFileError
from monitor.games.palworld_ini import PalworldSettings, parse_options, read_palworld
from monitor.spec import Secret
from tests.monitor.games.mutations import mutated

CANARY = "canary-4e1d"
OPTIONS = (
    'Difficulty=None,DayTimeSpeedRate=1.000000,ServerName="My (best), server",ServerDescription="",'
    f'AdminPassword="{CANARY}",ServerPassword="",PublicPort=8299,PublicIP="",RCONEnabled=True,RCONPort=25599,'
    'Region="",RESTAPIEnabled=True,RESTAPIPort=8222,CrossplayPlatforms=(Steam,Xbox,PS5,Mac),LogFormatType=Text'
)
WHOLE = f"[/Script/Pal.PalGameWorldSettings]\nOptionSettings=({OPTIONS})\n"
SETTINGS = PalworldSettings(
    admin_password=Secret(CANARY), public_port=8299, rest=True, rest_port=8222, rcon=True, rcon_port=25599
)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(WHOLE.encode(), id="as_written"),
        pytest.param(b"\xef\xbb\xbf" + WHOLE.encode(), id="fault-50-bom", marks=pytest.mark.fault(50)),
        pytest.param(WHOLE.replace("\n", "\r\n").encode(), id="fault-50-crlf", marks=pytest.mark.fault(50)),
        pytest.param(WHOLE.replace("best", "최고").encode("utf-16"), id="utf-16"),
        pytest.param(("; a comment\n\n" + WHOLE.replace(",", " ,\n ")).encode(), id="in_lines"),
        pytest.param(WHOLE.replace("True", "true").encode(), id="small_letters"),
    ],
)
def test_the_file_is_read(data: bytes) -> None:
    assert read_palworld(data, "x") == SETTINGS


@pytest.mark.parametrize("text", ["", "[/Script/Pal.PalGameWorldSettings]\n", "OptionSettings=()"])
def test_a_file_with_nothing_in_it_means_the_defaults(text: str) -> None:
    assert read_palworld(text.encode(), "x") == PalworldSettings()


FORMS = {
    "plain": ("A=1,B=None", {"A": "1", "B": "None"}),
    "comma_in_text": ('A="x,y",B=1', {"A": "x,y", "B": "1"}),
    "parentheses_in_text": ('A="x)(",B=1', {"A": "x)(", "B": "1"}),
    "escaped_quote": (r'A="x\"y",B="\\"', {"A": 'x"y', "B": "\\"}),
    "struct": ("A=(x,(y,z)),B=1", {"A": "(x,(y,z))", "B": "1"}),
    "blanks": (" A = 1 , B = x ", {"A": "1", "B": "x"}),
    "empty": ("A=,B=", {"A": "", "B": ""}),
    "comma_at_the_end": ("A=1,", {"A": "1"}),
    "equals_in_value": ('A="x=y"', {"A": "x=y"}),
}


@pytest.mark.parametrize(("options", "values"), FORMS.values(), ids=FORMS.keys())
def test_the_options_are_taken_apart(options: str, values: dict[str, str]) -> None:
    found, problems = parse_options(f"OptionSettings=({options})")
    assert {key: value.text for key, value in found.items()} == values
    assert problems == []


WRONG = {
    "not_closed": ("\nOptionSettings=(A=1", 2, ""),
    "quote_not_closed": ('OptionSettings=(A=1,\nAdminPassword="x)', 2, "AdminPassword"),
    "quote_in_a_password": (f'OptionSettings=(AdminPassword="a"{CANARY}=",RCONEnabled=True)', 1, "AdminPassword"),
    "what_may_be_a_password_is_no_key": (f'OptionSettings=(AdminPassword="a",{CANARY}=",B=1)', 1, ""),
    "no_parenthesis": ("x\nOptionSettings=A", 2, "OptionSettings"),
    "no_equals": ("OptionSettings=(A=1,\n\nB,C=1)", 3, ""),
    "port": ("OptionSettings=(A=1,RESTAPIPort=0)", 1, "RESTAPIPort"),
    "flag": ("OptionSettings=(RCONEnabled=perhaps)", 1, "RCONEnabled"),
}


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [pytest.param(*case, id=f"fault-50-{name}", marks=pytest.mark.fault(50)) for name, case in WRONG.items()],
)
def test_what_is_wrong_is_told_by_line_and_key(text: str, line: int, key: str) -> None:
    with pytest.raises(GameFileError) as caught:
        read_palworld(text.encode(), "x")
    first = caught.value.problems[0]
    assert (first.line, first.key, CANARY in repr(caught.value)) == (line, key, False)


@settings(max_examples=100)
@given(st.integers(0, 2**32))
def test_fault_50_any_of_ten_thousand_mutations_is_settings_or_a_typed_error(seed: int) -> None:
    for text in mutated(WHOLE, seed, 100):
        read, wrong = PalworldSettings(), None
        try:
            read = read_palworld(text.encode(), "x")
        except GameFileError as error:
            wrong = error
        assert wrong is None or (wrong.problems and CANARY not in repr(wrong))
        assert 1 <= read.rest_port <= 65_535


@settings(max_examples=500)
@given(st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=12))
def test_any_password_comes_back_as_it_was(password: str) -> None:
    written = password.replace("\\", "\\\\").replace('"', '\\"')
    data = f'OptionSettings=(A=1,AdminPassword="{written}",RCONEnabled=True)'.encode()
    read = read_palworld(data, "x")
    assert (read.admin_password.reveal(), read.rcon) == (password, True)
