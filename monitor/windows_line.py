"""A line of arguments as programs on Windows take it apart."""

from __future__ import annotations

import re

_MARK = re.compile(r'(\\*)"')
_RUN = re.compile(r'\\+|[^\\" \t]+|[ \t]')


def split(line: str) -> tuple[str, ...]:
    """Take a line of arguments, without the program before them, apart as CommandLineToArgvW does. No line is wrong.

    Backslashes are themselves unless a quotation mark follows: then two are one, and one that is left over makes the
    mark itself a character. Two marks inside quotation marks are one as a character, and what was inside is over.

    Sources: https://learn.microsoft.com/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw, and for two marks
    https://daviddeley.com/autohotkey/parameters/parameters.htm.
    """
    words: list[list[str]] = []
    between, inside = True, False
    at = 0
    while at < len(line):
        if line[at] in " \t" and not inside:
            between = True
            at += 1
            continue
        if between:
            words.append([])
            between = False
        if mark := _MARK.match(line, at):
            at = mark.end()
            pairs, escaped = divmod(len(mark[1]), 2)
            doubled = inside and not escaped and line.startswith('"', at)
            words[-1].append("\\" * pairs + '"' * (escaped or doubled))
            inside = inside if escaped else not inside
            at += doubled
        elif run := _RUN.match(line, at):
            words[-1].append(run[0])
            at = run.end()
    return tuple("".join(word) for word in words)
