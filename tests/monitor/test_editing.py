"""Changes of a description by typed texts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.arguments import split
from monitor.editing import (
    Basics,
    Connection,
    Program,
    shown_arguments,
    with_basics,
    with_connection,
    with_program,
)
from monitor.errors import BadArguments, BadValue, GamekeeperError, PathFault, PathRefused
from monitor.spec import AdminEndpoint, Endpoint, HangPolicy, RestartMode, Secret, ServerSpec
from tests.fakes.house import RESTARTS, spec_of

SPEC = spec_of(admin=AdminEndpoint("10.0.0.5", 25575, Secret("hunter2")), query=Endpoint("10.0.0.5", 25565))
BASICS = Basics("New Name", True, RestartMode.ALWAYS, "7", "3")  # noqa: FBT003
CONNECTION = Connection("", "25580", "", "25566", "stop")


def test_the_basics_are_put_in_and_the_rest_stays() -> None:
    after = with_basics(SPEC, BASICS)
    assert after == replace(
        SPEC,
        name="New Name",
        autostart=True,
        restart=replace(RESTARTS, policy=RestartMode.ALWAYS, budget=7),
        hang=HangPolicy(probes=3),
    )


@pytest.mark.parametrize("number", ["1001", "000000000000001001", "0" * 9 + "1" * 5000, "-1", "²"])
def test_a_number_is_never_above_the_most(number: str) -> None:
    with pytest.raises(BadValue):
        with_basics(SPEC, replace(BASICS, budget=number))


@pytest.mark.parametrize("name", ["", "  ", "\u202e"])
def test_a_name_that_is_none_is_left_as_it_was(name: str) -> None:
    assert with_basics(SPEC, replace(BASICS, name=name)).name == SPEC.name


def test_a_connection_is_put_in_and_an_empty_password_stays() -> None:
    after = with_connection(SPEC, CONNECTION)
    assert after.admin == AdminEndpoint("127.0.0.1", 25580, Secret("hunter2"))
    assert (after.query, after.stop.command) == (Endpoint("10.0.0.5", 25566), "stop")
    changed = with_connection(SPEC, replace(CONNECTION, host="h", password="other"))
    assert changed.admin == AdminEndpoint("h", 25580, Secret("other"))


def test_what_is_left_empty_is_for_the_games_own_files() -> None:
    after = with_connection(SPEC, Connection("", " ", "", "", ""))
    assert (after.admin, after.query, after.stop.command) == (None, None, None)


WRONG: dict[str, tuple[Callable[[ServerSpec], ServerSpec], str]] = {
    "budget": (lambda spec: with_basics(spec, replace(BASICS, budget="many")), "restart.budget"),
    "budget_high": (lambda spec: with_basics(spec, replace(BASICS, budget="1001")), "restart.budget"),
    "probes": (lambda spec: with_basics(spec, replace(BASICS, probes="-1")), "hang.probes"),
    "port": (lambda spec: with_connection(spec, replace(CONNECTION, port="65536")), "admin.port"),
    "port_missing": (lambda spec: with_connection(spec, replace(CONNECTION, host="h", port="")), "admin.port"),
    "port_digits": (lambda spec: with_connection(spec, replace(CONNECTION, port="²5")), "admin.port"),
    "host": (lambda spec: with_connection(spec, replace(CONNECTION, host="a b")), "admin.host"),
    "query": (lambda spec: with_connection(spec, replace(CONNECTION, query_port="0")), "query.port"),
    "password": (lambda spec: with_connection(replace(spec, admin=None), CONNECTION), "admin.password"),
}


@pytest.mark.parametrize(("change", "key"), WRONG.values(), ids=WRONG.keys())
def test_fault_50_a_value_that_is_none_is_named(change: Callable[[ServerSpec], ServerSpec], key: str) -> None:
    with pytest.raises(BadValue) as caught:
        change(SPEC)
    assert caught.value.key == key


@pytest.fixture
def typed(tmp_path: Path) -> Program:
    program = tmp_path / ("run.bat" if sys.platform == "win32" else "run.sh")
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return Program(program.name, '-name "My Server"', f' "{tmp_path}" ')


def test_a_program_is_put_in(typed: Program, tmp_path: Path) -> None:
    after = with_program(SPEC, typed, (tmp_path,))
    assert (after.cwd, Path(after.argv[0]).name, after.argv[1:]) == (tmp_path, typed.program, ("-name", "My Server"))
    assert replace(after, cwd=SPEC.cwd, argv=SPEC.argv) == SPEC


BAD: dict[str, tuple[dict[str, str], type[GamekeeperError]]] = {
    "folder": ({"folder": "/no/such"}, PathRefused),
    "program": ({"program": "./none"}, PathRefused),
    "arguments": ({"arguments": '"open'}, BadArguments),
}


@pytest.mark.parametrize(("changed", "error"), BAD.values(), ids=BAD.keys())
def test_fault_15_a_program_that_is_none_is_refused(
    typed: Program, changed: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        with_program(SPEC, replace(typed, **changed), ())


def test_fault_58_a_program_outside_is_refused(typed: Program, tmp_path: Path) -> None:
    with pytest.raises(PathRefused) as caught:
        with_program(SPEC, typed, (tmp_path / "games",))
    assert caught.value.fault is PathFault.OUTSIDE


def test_fault_64_a_password_among_the_arguments_is_neither_shown_nor_lost(typed: Program) -> None:
    spec = replace(SPEC, argv=("run", "-password", "hunter2", "-rcon_token", "hunter3", "-port", "1"))
    shown = shown_arguments(spec)
    assert shown == "-password *** -rcon_token *** -port 1"
    after = with_program(spec, replace(typed, arguments=shown.replace("-port 1", "-port 2")), ())
    assert after.argv[1:] == ("-password", "hunter2", "-rcon_token", "hunter3", "-port", "2")
    after = with_program(spec, replace(typed, arguments="-password new"), ())
    assert after.argv[1:] == ("-password", "new")


MOVED = {
    "the other way round": ("-token *** -password ***", ("-token", "hunter3", "-password", "hunter2")),
    "another option": ("-passwd *** -token ***", ("-passwd", "hunter2", "-token", "hunter3")),
    "one between": (
        "-key *** -token *** -password ***",
        ("-key", "***", "-token", "hunter3", "-password", "hunter2"),
    ),
}


@pytest.mark.parametrize(("line", "words"), MOVED.values(), ids=MOVED.keys())
def test_fault_64_a_password_stays_with_its_option(typed: Program, line: str, words: tuple[str, ...]) -> None:
    spec = replace(SPEC, argv=("run", "-password", "hunter2", "-token", "hunter3"))
    assert with_program(spec, replace(typed, arguments=line), ()).argv[1:] == words


WORDS = st.lists(
    st.sampled_from(["-password", "a b", "x?Password=1?y=2", "-p", "-token=a b", "'q'", "z", "+set"]), max_size=6
)


@settings(max_examples=100)
@given(WORDS)
def test_what_is_sent_back_as_it_was_shown_changes_nothing(words: list[str]) -> None:
    spec = replace(SPEC, argv=(sys.executable, *words), cwd=Path(sys.executable).parent)
    typed = Program(sys.executable, shown_arguments(spec), str(spec.cwd))
    assert with_program(spec, typed, ()) == spec
    assert len(split(typed.arguments)) == len(words)
