"""What Windows is told and tells, as plain values: command lines, environments, classes, codes, times.

Nothing here needs Windows. Sources: the Win32 pages on CreateProcess, CommandLineToArgvW, SetPriorityClass,
SetProcessAffinityMask and GenerateConsoleCtrlEvent, and `cmd /?`.
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PureWindowsPath

from monitor.model import ExitStatus
from monitor.spec import Priority

MOST_CHARACTERS = 32_766
"""Of a command line; the NUL at its end is the 32,767th."""
MOST_CHARACTERS_FOR_BATCH = 8_191
_SUFFIXES = ".COM;.EXE;.BAT;.CMD"
_BATCH = (".bat", ".cmd")
_READ_BY_CMD = frozenset('"%\r\n')
"""What cmd.exe understands as its own even between quotes."""
_CLASSES = {
    Priority.BELOW_NORMAL: 0x4000,
    Priority.NORMAL: 0x20,
    Priority.ABOVE_NORMAL: 0x8000,
    Priority.HIGH: 0x80,
}
_EVENTS = {"SIGINT": 0, "CTRL_C_EVENT": 0, "SIGTERM": 1, "SIGBREAK": 1, "CTRL_BREAK_EVENT": 1}
_CODES = 1 << 32


def find(program: str, cwd: Path, env: Mapping[str, str], is_file: Callable[[Path], bool]) -> str | None:
    """Look for a program as Windows' own shell does, with the suffixes of `PATHEXT`, but never in the bot's folder.

    One with a folder in it is taken from `cwd`, a bare name from the `PATH` of `env`.
    """
    variables = {name.upper(): value for name, value in env.items()}
    suffixes = [suffix for suffix in variables.get("PATHEXT", _SUFFIXES).split(";") if suffix]
    whole = program.lower().endswith(tuple(suffix.lower() for suffix in suffixes))
    spellings = [program] if whole else [program + suffix for suffix in suffixes]
    bare = PureWindowsPath(program).name == program
    folders = [Path(folder) for folder in variables.get("PATH", "").split(";") if folder] if bare else [cwd]
    paths = (folder / spelling for folder in folders for spelling in spellings)
    return next((str(path) for path in paths if is_file(path)), None)


def command_line(argv: Sequence[str]) -> str:
    """Give the one text from which the program reads the same arguments again.

    Raises:
        OSError: E2BIG, it is longer than Windows takes.
    """
    batch = _is_batch(argv)
    line = " ".join(f'"{word}"' for word in argv) if batch else subprocess.list2cmdline(argv)
    if len(line) > (MOST_CHARACTERS_FOR_BATCH if batch else MOST_CHARACTERS):
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
    return line


def unfit_argument(argv: Sequence[str]) -> int | None:
    """Give the number of the first argument that a batch file would not get as it is, for cmd.exe reads it first."""
    if not _is_batch(argv):
        return None
    return next((number for number, word in enumerate(argv) if _READ_BY_CMD & set(word)), None)


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Give the variables as Windows wants them: sorted, and each name once whatever its case: the last one."""
    named = {name.upper(): (name, value) for name, value in variables.items()}
    return dict(named[key] for key in sorted(named))


def priority_class(priority: Priority) -> int:
    """Give the number of the class, which is never the real-time one."""
    return _CLASSES[priority]


def affinity_mask(cpus: Iterable[int]) -> int:
    """Give one bit a logical processor."""
    mask = 0
    for cpu in cpus:
        mask |= 1 << cpu
    return mask


def console_event(signal_name: str) -> int:
    """Give the console's event that stands for a signal: 0 is Ctrl+C, 1 is Ctrl+Break.

    Raises:
        ValueError: a console knows no such signal.
    """
    try:
        return _EVENTS[signal_name]
    except KeyError as error:
        raise ValueError(signal_name) from error


def exit_status(code: int) -> ExitStatus:
    """Take an exit code as it comes, signed or not: an NTSTATUS is at home above 0x80000000."""
    return ExitStatus(code=code % _CODES)


def filetime(low: int, high: int) -> int:
    """Put the two halves of a FILETIME together: units of 100 ns since 1601."""
    return (high % _CODES) << 32 | (low % _CODES)


def _is_batch(argv: Sequence[str]) -> bool:
    return PureWindowsPath(argv[0].rstrip(" .")).suffix.lower() in _BATCH
