from __future__ import annotations

import signal

import pytest

from cogs.locale.catalogue import catalogue
from cogs.render import exits

EN, KO = catalogue("en"), catalogue("ko")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "0"),
        (1, "1"),
        (3, "3"),
        (-1, "-1"),
        (0xFFFFFFFF, "-1"),
        (139, "139 (SIGSEGV, invalid memory access)"),
        (137, "137 (SIGKILL, killed from outside)"),
        (0xC0000005, "0xC0000005 (access violation)"),
        (-1073741819, "0xC0000005 (access violation)"),
        (0xC0000409, "0xC0000409 (stack buffer overrun)"),
        (-1073740791, "0xC0000409 (stack buffer overrun)"),
        (0xC000013A, "0xC000013A (console closed)"),
        (-1073741510, "0xC000013A (console closed)"),
        (0xC00000FD, "0xC00000FD (stack overflow)"),
        (0xC0000017, "0xC0000017 (no memory left)"),
        (0xC0000BAD, "0xC0000BAD"),
        (0xE06D7363, "0xE06D7363 (a C++ error nobody handled)"),
    ],
)
def test_fault_3_an_exit_code_is_named(code: int, words: str) -> None:
    assert exits.name_code(code, EN) == words


def test_fault_3_a_signal_is_named() -> None:
    assert exits.name_signal(exits.signal_name(11), EN) == "SIGSEGV (invalid memory access)"
    assert exits.name_signal(exits.signal_name(11), KO) == "SIGSEGV (잘못된 메모리 접근)"
    assert exits.name_signal(exits.signal_name(50), EN) == "SIG50"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no POSIX signals to compare with")
@pytest.mark.parametrize("number", exits.SIGNALS)
def test_the_table_agrees_with_the_system(number: int) -> None:
    assert signal.Signals(number).name == exits.SIGNALS[number][0]


@pytest.mark.parametrize(
    ("detail", "code"),
    [("139", 139), ("0xC0000005", 0xC0000005), ("-1073741819", -1073741819), ("SIGSEGV", None), ("", None)],
)
def test_a_code_is_read_from_evidence(detail: str, code: int | None) -> None:
    assert exits.parse_code(detail) == code
