"""What `/export` says: how far it is, what came of it, and what else can be done where it is too large."""

from __future__ import annotations

from cogs.locale.catalogue import Words, mark
from cogs.render.plans import bold_name
from cogs.render.text import escape, number, percent, size
from monitor.metrics import BY_KEY
from monitor.model import Server
from storage.export import MOST_HOURS, MOST_S, ExportFault, ExportRefused, span_s
from storage.export_file import Written
from storage.exports import Made

REFUSALS: dict[ExportFault, str] = {
    ExportFault.BAD_RANGE: mark("“{subject}” is no length of time. Write one such as `90m`, `24h` or `7d`."),
    ExportFault.RANGE_TOO_LONG: mark(
        "“{subject}” is too long: single measurements are kept for {hours} hours. Ask for `{hours}h` or less."
    ),
    ExportFault.NO_SUCH_FIELD: mark("There is no field “{subject}”. Choose from {known}, with commas between them."),
}
NOTHING = mark(
    "⚠️ Nothing was measured of {name} in the last {span}. Ask for a longer `range`, or see `/status`: does it run?"
)
NOTHING_AT_ALL = mark("⚠️ Nothing was measured of {name} in the last {span}. See `/status`: does it run?")


def refused(error: ExportRefused, words: Words) -> str:
    known = ", ".join(f"`{key}`" for key in BY_KEY)
    return words.text(REFUSALS[error.fault], subject=escape(error.subject), hours=MOST_HOURS, known=known)


def on_its_way(server: Server, written: Written, words: Words) -> str:
    return words.text(
        "⏳ Exporting {name}: {done}, {rows} rows so far.",
        name=bold_name(server),
        done=percent(round(written.done * 100)),
        rows=number(written.rows),
    )


def exported(server: Server, made: Made, span: str, words: Words) -> str:
    return words.text(
        "📄 {name}, the last {span}: {rows} rows, one each measurement, times in UTC.",
        name=bold_name(server),
        span=f"`{span}`",
        rows=number(made.written.rows),
    )


def nothing_measured(server: Server, span: str, words: Words) -> str:
    longest = span_s(span) == MOST_S
    return words.text(NOTHING_AT_ALL if longest else NOTHING, name=bold_name(server), span=f"`{span}`")


def too_large(size_bytes: int, command: str, words: Words) -> str:
    """Say that Discord does not take the file, and how else to get it: `command` makes it on the machine itself."""
    told = words.text(
        "⚠️ The file is too large for Discord: {size} as it would be sent. Ask for a shorter `range` or for fewer "
        "`fields`. Or have whoever runs me type on that PC:",
        size=size(size_bytes),
    )
    return f"{told}\n```\n{command}\n```"
