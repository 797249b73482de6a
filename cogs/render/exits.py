"""Exit codes and signals in words.

Sources: signal(7) for Linux's numbers; Microsoft's [MS-ERREF] 2.3.1 for NTSTATUS values. A history may be read on
another machine than the one it happened on, so neither table asks the operating system.
"""

from __future__ import annotations

from cogs.locale.catalogue import Words, mark

SHELL_BASE = 128
"""A shell reports a child ended by signal n as exit code 128 + n."""
U32 = 1 << 32
NTSTATUS_ERRORS = range(0xC0000000, 0xF0000000)
"""What Windows itself, .NET and C++ end a process with; above are the small negative codes of programs."""

SIGNALS: dict[int, tuple[str, str]] = {
    1: ("SIGHUP", mark("its terminal went away")),
    2: ("SIGINT", mark("interrupted from the keyboard")),
    3: ("SIGQUIT", mark("told to quit and dump its memory")),
    4: ("SIGILL", mark("an instruction this processor does not know")),
    5: ("SIGTRAP", mark("it hit a breakpoint")),
    6: ("SIGABRT", mark("it aborted itself")),
    7: ("SIGBUS", mark("memory that cannot be read")),
    8: ("SIGFPE", mark("a calculation with no result")),
    9: ("SIGKILL", mark("killed from outside")),
    10: ("SIGUSR1", mark("a signal it did not handle")),
    11: ("SIGSEGV", mark("invalid memory access")),
    12: ("SIGUSR2", mark("a signal it did not handle")),
    13: ("SIGPIPE", mark("it wrote to something that was closed")),
    14: ("SIGALRM", mark("its own alarm went off")),
    15: ("SIGTERM", mark("told to end from outside")),
    24: ("SIGXCPU", mark("its limit of processor time was reached")),
    25: ("SIGXFSZ", mark("its limit of file size was reached")),
    31: ("SIGSYS", mark("a system call that is not allowed")),
}

NTSTATUSES: dict[int, str] = {
    0x40010004: mark("ended by a debugger"),
    0x80000003: mark("it hit a breakpoint"),
    0xC0000005: mark("access violation"),
    0xC0000006: mark("a file it used could not be read"),
    0xC0000017: mark("no memory left"),
    0xC000001D: mark("an instruction this processor does not know"),
    0xC0000025: mark("an error it could not continue from"),
    0xC000008E: mark("a calculation with no result"),
    0xC0000094: mark("a division by zero"),
    0xC00000FD: mark("stack overflow"),
    0xC000012D: mark("no memory left, page file included"),
    0xC0000135: mark("a DLL it needs is missing"),
    0xC0000139: mark("a DLL it needs has the wrong version"),
    0xC000013A: mark("console closed"),
    0xC0000142: mark("a DLL it needs could not start"),
    0xC000026B: mark("a DLL it needs could not start: Windows was shutting down"),
    0xC0000374: mark("heap corruption"),
    0xC0000409: mark("stack buffer overrun"),
    0xC0000417: mark("a library function was called wrongly"),
    0xC0000602: mark("it ended itself after a fatal error"),
    0xE0434352: mark("a .NET error nobody handled"),
    0xE06D7363: mark("a C++ error nobody handled"),
}

_BY_NAME = dict(SIGNALS.values())


def signal_name(number: int) -> str:
    """11 as "SIGSEGV"; a signal with no name here by its number."""
    return SIGNALS[number][0] if number in SIGNALS else f"SIG{number}"


def name_signal(name: str, words: Words) -> str:
    """A name such as "SIGSEGV" with its meaning: "SIGSEGV (invalid memory access)"."""
    return f"{name} ({words.text(_BY_NAME[name])})" if name in _BY_NAME else name


def code_text(code: int) -> str:
    """A code as people search for it: NTSTATUS values in hexadecimal, signed ones made unsigned."""
    unsigned = code % U32
    if unsigned in NTSTATUSES or unsigned in NTSTATUS_ERRORS:
        return f"0x{unsigned:08X}"
    return str(unsigned - U32 if unsigned >= NTSTATUS_ERRORS.stop else code)


def name_code(code: int, words: Words) -> str:
    """-1073741819 as "0xC0000005 (access violation)", 137 as "137 (SIGKILL, killed from outside)"."""
    shown = code_text(code)
    if (meaning := NTSTATUSES.get(code % U32)) is not None:
        return f"{shown} ({words.text(meaning)})"
    if (signal := SIGNALS.get(code - SHELL_BASE)) is not None:
        return f"{shown} ({signal[0]}, {words.text(signal[1])})"
    return shown


def parse_code(detail: str) -> int | None:
    """The code in a piece of evidence: decimal or 0x…, signed or not; `None` where there is none."""
    try:
        return int(detail, 0)
    except ValueError:
        return None
