"""What is found out about a program before it is started."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from monitor.errors import LaunchFault, LaunchRefused
from monitor.local.program import check, fault_of, log_fault_of
from monitor.ports import LaunchRequest


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def request(cwd: Path, *argv: str) -> LaunchRequest:
    return LaunchRequest("survival", argv, cwd, {}, "run-1", cwd / "log")


def test_a_bare_name_comes_from_the_path_of_the_server_and_not_from_its_folder(tmp_path: Path) -> None:
    found = program(tmp_path / "opt" / "game.cmd")
    program(tmp_path / "game.cmd")
    argv = check(request(tmp_path, "game.cmd", "-x"), {"PATH": str(tmp_path / "opt")})
    assert argv == (str(found), "-x")


def test_a_name_with_a_folder_comes_from_the_servers_folder(tmp_path: Path) -> None:
    found = program(tmp_path / "bin" / "game.cmd")
    program(tmp_path / "opt" / "bin" / "game.cmd")
    relative = os.path.join("bin", "game.cmd")  # noqa: PTH118 - as an owner writes it
    assert check(request(tmp_path, relative), {"PATH": str(tmp_path / "opt")}) == (str(found),)


def test_an_absolute_program_is_taken_as_it_is(tmp_path: Path) -> None:
    found = program(tmp_path / "elsewhere" / "game.cmd")
    assert check(request(tmp_path, str(found)), {}) == (str(found),)


@pytest.mark.parametrize("name", ["./game.cmd", "sub/game.cmd"])
def test_the_refusal_names_the_file_that_was_looked_for(tmp_path: Path, name: str) -> None:
    with pytest.raises(LaunchRefused) as refusal:
        check(request(tmp_path, name), {})
    assert refusal.value.subject == str(tmp_path / name)


def test_a_bad_argument_is_named_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(LaunchRefused) as refusal:
        check(request(tmp_path, "game", "-password", "hunter2\0"), {})
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("number", "program_fault", "log_fault"),
    [
        (errno.ENOENT, LaunchFault.NOT_FOUND, LaunchFault.NO_LOG),
        (errno.EACCES, LaunchFault.NOT_EXECUTABLE, LaunchFault.NO_LOG),
        (errno.ENOEXEC, LaunchFault.NOT_EXECUTABLE, LaunchFault.NO_LOG),
        (errno.EMFILE, LaunchFault.NO_RESOURCES, LaunchFault.NO_RESOURCES),
        (errno.ENFILE, LaunchFault.NO_RESOURCES, LaunchFault.NO_RESOURCES),
        (errno.EAGAIN, LaunchFault.NO_RESOURCES, LaunchFault.NO_LOG),
        (errno.ENOMEM, LaunchFault.NO_RESOURCES, LaunchFault.NO_RESOURCES),
        (errno.ENOSPC, LaunchFault.OTHER, LaunchFault.NO_LOG),
        (errno.E2BIG, LaunchFault.BAD_ARGUMENT, LaunchFault.NO_LOG),
    ],
    ids=lambda value: errno.errorcode[value] if isinstance(value, int) else value.value,
)
def test_what_the_system_says_is_named(number: int, program_fault: LaunchFault, log_fault: LaunchFault) -> None:
    error = OSError(number, os.strerror(number))
    assert (fault_of(error), log_fault_of(error)) == (program_fault, log_fault)


@pytest.mark.parametrize(
    ("number", "called", "fault"),
    [
        pytest.param(1455, errno.EINVAL, LaunchFault.NO_RESOURCES, id="the paging file is too small"),
        pytest.param(1450, errno.EINVAL, LaunchFault.NO_RESOURCES, id="no system resources"),
        pytest.param(8, errno.ENOMEM, LaunchFault.NO_RESOURCES, id="no memory"),
        pytest.param(740, errno.EINVAL, LaunchFault.OTHER, id="it wants to be elevated"),
        pytest.param(225, errno.EINVAL, LaunchFault.OTHER, id="taken for a virus"),
        pytest.param(14001, errno.EINVAL, LaunchFault.OTHER, id="a library is missing"),
        pytest.param(206, errno.ENOENT, LaunchFault.OTHER, id="a path is too long"),
        pytest.param(87, errno.EINVAL, LaunchFault.BAD_ARGUMENT, id="an invalid parameter"),
        pytest.param(193, errno.ENOEXEC, LaunchFault.NOT_EXECUTABLE, id="no program"),
        pytest.param(5, errno.EACCES, LaunchFault.NOT_EXECUTABLE, id="access denied"),
    ],
)
def test_fault_15_what_windows_says_is_named(number: int, called: int, fault: LaunchFault) -> None:
    error = OSError(called, "it says", None, number)
    vars(error)["winerror"] = number  # other systems drop it
    if sys.platform == "win32":
        assert error.errno == called
    assert fault_of(error) is fault
