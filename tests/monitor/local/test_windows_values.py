"""What Windows is told and tells, as far as it needs no Windows to be tried."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.local.windows_values import (
    MOST_CHARACTERS,
    MOST_CHARACTERS_FOR_BATCH,
    affinity_mask,
    command_line,
    console_event,
    environment,
    exit_status,
    filetime,
    find,
    priority_class,
    unfit_argument,
)
from monitor.model import ExitStatus
from monitor.spec import Priority

FILES = {
    "opt/game.exe",
    "opt/game.bat",
    "more/game.exe",
    "more/tool.cmd",
    "more/plain",
    "here/bin/game.bat",
    "game.exe",
}


@pytest.mark.parametrize(
    ("program", "found"),
    [
        pytest.param("game", "opt/game.EXE", id="the first suffix in the first folder"),
        pytest.param("game.bat", "opt/game.bat", id="its own suffix"),
        pytest.param("tool", "more/tool.CMD", id="in a later folder"),
        pytest.param("plain", None, id="not a program by its name"),
        pytest.param("bin/game", "here/bin/game.BAT", id="with a folder, from the server's"),
        pytest.param("bin/game.exe", None, id="with a folder, not there"),
        pytest.param("./game", None, id="neither from the bot's folder"),
        pytest.param("other", None, id="missing"),
    ],
)
def test_where_a_program_is_looked_for(program: str, found: str | None) -> None:
    def is_file(path: Path) -> bool:
        return path.as_posix().lower() in FILES

    env = {"Path": "opt;;more", "PATHEXT": ".EXE;.BAT;.CMD"}
    path = find(program, Path("here"), env, is_file)
    assert (path and Path(path).as_posix()) == found


def arguments_of(line: str) -> list[str]:
    """Read a command line as Microsoft's documentation of `CommandLineToArgvW` says that programs do."""
    words, word, quoted, backslashes, begun = list[str](), "", False, 0, False
    for character in line:
        if character == "\\":
            backslashes += 1
            begun = True
            continue
        if character == '"':
            word += "\\" * (backslashes // 2)
            if backslashes % 2:
                word += '"'
            else:
                quoted = not quoted
            begun = True
        else:
            word += "\\" * backslashes
            if character in " \t" and not quoted:
                if begun:
                    words.append(word)
                word, begun = "", False
            else:
                word += character
                begun = True
        backslashes = 0
    word += "\\" * backslashes
    return [*words, word] if begun else words


ARGUMENTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(st.lists(st.one_of(ARGUMENTS, st.text('a \\"\t', max_size=8)), max_size=5))
def test_a_program_reads_the_arguments_that_were_meant(arguments: list[str]) -> None:
    argv = ["C:\\a folder\\game.exe", *arguments]
    assert arguments_of(command_line(argv)) == argv


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        pytest.param(["g.bat", "a&b"], '"g.bat" "a&b"', id="an ampersand stays inside"),
        pytest.param(["C:\\x y\\g.CMD", "", "|"], '"C:\\x y\\g.CMD" "" "|"', id="every word is quoted"),
        pytest.param(["g.exe", "a&b"], "g.exe a&b", id="no shell, no quotes"),
    ],
)
def test_what_a_batch_file_is_given_is_out_of_cmds_reach(argv: list[str], line: str) -> None:
    assert command_line(argv) == line


@pytest.mark.parametrize(
    ("argv", "number"),
    [
        pytest.param(["g.bat", "a", "100%"], 2, id="percent"),
        pytest.param(["g.bat", 'say "hi"'], 1, id="quote"),
        pytest.param(["g.cmd", "a\nb"], 1, id="newline"),
        pytest.param(["C:\\100%\\g.bat"], 0, id="in the program's own path"),
        pytest.param(["g.BAT. ", "100%"], 1, id="by another spelling"),
        pytest.param(["g.bat", "a&b", "^", "한글", "!x!"], None, id="what quotes keep"),
        pytest.param(["g.exe", '100% "x"'], None, id="no batch file"),
    ],
)
def test_what_cmd_would_rewrite_is_named(argv: list[str], number: int | None) -> None:
    assert unfit_argument(argv) == number


@pytest.mark.parametrize(
    ("program", "most"), [("game.exe", MOST_CHARACTERS), ("game.bat", MOST_CHARACTERS_FOR_BATCH)], ids=["exe", "bat"]
)
def test_fault_15_a_line_that_is_too_long_is_refused_as_such(program: str, most: int) -> None:
    fits = "x" * (most - len(command_line([program, ""])) + (0 if program.endswith("bat") else 2))
    assert len(command_line([program, fits])) == most
    with pytest.raises(OSError, match="too long") as refusal:
        command_line([program, f"{fits}x"])
    assert refusal.value.errno == errno.E2BIG


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({"b": "2", "A": "1", "C": "3"}, [("A", "1"), ("b", "2"), ("C", "3")], id="sorted by no case"),
        pytest.param({"PATH": "x", "Path": "y"}, [("Path", "y")], id="the later spelling counts"),
        pytest.param({}, [], id="none"),
    ],
)
def test_an_environment_names_each_variable_once(variables: dict[str, str], expected: list[tuple[str, str]]) -> None:
    assert list(environment(variables).items()) == expected


def test_each_priority_is_another_class_and_none_is_real_time() -> None:
    classes = [priority_class(priority) for priority in Priority]
    assert classes == [0x4000, 0x20, 0x8000, 0x80]


@pytest.mark.parametrize(("cpus", "mask"), [((), 0), ((0,), 1), ((0, 2, 3), 0b1101), ((63,), 1 << 63)], ids=str)
def test_one_bit_a_processor(cpus: tuple[int, ...], mask: int) -> None:
    assert affinity_mask(cpus) == mask


@pytest.mark.parametrize(
    ("name", "event"),
    [("SIGINT", 0), ("CTRL_C_EVENT", 0), ("SIGTERM", 1), ("SIGBREAK", 1), ("CTRL_BREAK_EVENT", 1)],
)
def test_a_signal_is_an_event_of_the_console(name: str, event: int) -> None:
    assert console_event(name) == event


def test_a_signal_that_no_console_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="SIGUSR1"):
        console_event("SIGUSR1")


@pytest.mark.parametrize(
    ("told", "code"),
    [
        pytest.param(0, 0, id="clean"),
        pytest.param(259, 259, id="the code that means 'still active' to those who ask too early"),
        pytest.param(0xC0000005, 0xC0000005, id="fault-3-unsigned", marks=pytest.mark.fault(3)),
        pytest.param(-1073741819, 0xC0000005, id="fault-3-signed", marks=pytest.mark.fault(3)),
        pytest.param(-1, 0xFFFFFFFF, id="minus one"),
    ],
)
def test_an_exit_code_is_unsigned(told: int, code: int) -> None:
    assert exit_status(told) == ExitStatus(code=code)


@pytest.mark.parametrize(
    ("low", "high", "together"),
    [(0, 0, 0), (1, 0, 1), (0, 1, 1 << 32), (-1, 0, 0xFFFFFFFF), (0xD53E8000, 0x019DB1DE, 116444736000000000)],
    ids=["nothing", "low", "high", "signed", "1970"],
)
def test_a_filetime_is_one_number(low: int, high: int, together: int) -> None:
    assert filetime(low, high) == together
