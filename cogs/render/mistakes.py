"""What is wrong with a description of a server, or with a file of them: the thing, the reason, the next step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from cogs.locale.catalogue import Words, mark
from cogs.render.text import code_block, escape
from monitor.errors import (
    BadArguments,
    BadValue,
    GameFileError,
    PathFault,
    PathRefused,
    PathRole,
    Problem,
    ServerExists,
    ServerFileError,
)

PATH_AT_MOST = 300
PROBLEMS_SHOWN = 20
PROBLEMS_AT_MOST = 1_500

ROLES: dict[PathRole, str] = {
    PathRole.FOLDER: mark("The folder"),
    PathRole.PROGRAM: mark("The program"),
}

PATH_FAULTS: dict[PathFault, str] = {
    PathFault.EMPTY: mark("{role} is missing. Write it whole, such as {example}."),
    PathFault.TOO_LONG: mark("{role} {path} is too long for a path. Shorten it."),
    PathFault.CHARACTER: mark(
        "{role} {path} holds a character that no path should hold, such as `<>|?*` or one that cannot be seen. "
        "Write it without."
    ),
    PathFault.NETWORK: mark(
        "{role} {path} is on another machine, or is a device. Use a folder on a disk of this machine."
    ),
    PathFault.DRIVE_RELATIVE: mark("{role} {path} lacks the backslash after the drive. Write it as `D:\\games`."),
    PathFault.STREAM: mark(
        "{role} {path} has a colon in a name, which names a hidden part of a file. Write it without."
    ),
    PathFault.PARENT: mark("{role} {path} has `..` in it. Write where that leads."),
    PathFault.TRAILING: mark("{role} {path} has a name in it that ends in a dot or a blank. Write it without."),
    PathFault.DEVICE: mark("{role} {path} has a name in it that Windows keeps for a device. Give it another name."),
    PathFault.SHORT_NAME: mark("{role} {path} has a short name in it, such as `PROGRA~1`. Write the whole name."),
    PathFault.RELATIVE: mark("{role} {path} does not say where it begins. Write it whole, such as {example}."),
    PathFault.NOT_FOUND: mark("{role} {path} does not exist. Check how it is written."),
    PathFault.NOT_A_FOLDER: mark("{role} {path} is no folder, or I may not enter it. Check its permissions."),
    PathFault.NOT_EXECUTABLE: mark(
        "{role} {path} is nothing that may be run. Check its permissions; for a `.jar` the program is `java`, "
        "with `-jar` and the file among the arguments."
    ),
    PathFault.OUTSIDE: mark(
        "{role} {path} leads to outside the allowed folders: {roots}. Move it there, or whoever runs me can add a "
        "folder to `GAMEKEEPER_ALLOWED_ROOTS`."
    ),
}

EXAMPLE = r"`/srv/games/ark`, `D:\games\ark`"

VALUES: dict[str, str] = {
    "restart.budget": mark("How many restarts"),
    "hang.probes": mark("How many unanswered questions"),
    "admin.port": mark("The admin port"),
    "query.port": mark("The query port"),
}


def mistake(error: BaseException, words: Words) -> str | None:
    """Give the words; `None` for an error of another sort."""
    match error:
        case PathRefused():
            return _path(error, words)
        case ServerExists():
            return words.text(
                "There is a server `{id}` already. Give this one another name, or change that one by `/server edit`.",
                id=error.server_id,
            )
        case BadArguments():
            return words.text("A quotation mark among the arguments is not closed. Close it, or leave it out.")
        case BadValue():
            return _value(error, words)
        case ServerFileError():
            return _with_problems(
                words.plural(
                    "{source} has {n} mistake in it, so nothing was taken. Mend it, then give it to me again.",
                    "{source} has {n} mistakes in it, so nothing was taken. Mend them, then give it to me again.",
                    len(error.problems),
                    source=escape(error.source, PATH_AT_MOST),
                ),
                error.problems,
            )
        case GameFileError():
            source = escape(error.source, PATH_AT_MOST)
            text = words.text("The game's own file {source} cannot be understood. Mend it.", source=source)
            return _with_problems(text, error.problems)
        case _:
            return None


def problem_lines(problems: Sequence[Problem]) -> list[str]:
    """Say each with its line and key, as it stands in the file."""
    return [
        ": ".join(part for part in (f"line {p.line}" if p.line is not None else "", p.key, p.message) if part)
        for p in problems
    ]


def _with_problems(text: str, problems: Sequence[Problem]) -> str:
    lines = list(islice(problem_lines(problems), PROBLEMS_SHOWN))
    more = len(problems) - len(lines)
    return f"{text}\n{code_block([*lines, f'… +{more}'] if more else lines, PROBLEMS_AT_MOST)}"


def _path(error: PathRefused, words: Words) -> str:
    return words.text(
        PATH_FAULTS[error.fault],
        role=words.text(ROLES[error.role]),
        path=escape(error.path, PATH_AT_MOST),
        roots=", ".join(escape(root, PATH_AT_MOST) for root in error.roots),
        example=EXAMPLE,
    )


def _value(error: BadValue, words: Words) -> str:
    if error.lowest is not None and error.key in VALUES:
        return words.text(
            "{what} should be a whole number from {lowest} to {highest}. Nothing was changed: try again.",
            what=words.text(VALUES[error.key]),
            lowest=error.lowest,
            highest=error.highest,
        )
    if error.key == "admin.password":
        return words.text("The admin port needs a password, as games take no commands without one. Write it, too.")
    return words.text("The admin host should be a name or an address, such as `127.0.0.1`. Nothing was changed.")
