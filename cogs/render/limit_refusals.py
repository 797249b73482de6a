"""Why what was typed for a limit cannot be one, and what would be right."""

from __future__ import annotations

from cogs.locale.catalogue import Words, mark
from cogs.render.text import escape
from monitor.limit_terms import LimitFault, LimitRefused, UnknownLimit
from monitor.metrics import Unit
from monitor.quantities import BadHours, BadQuantity, QuantityFault

TYPED_AT_MOST = 60

EXAMPLES: dict[Unit, str] = {
    Unit.BYTES: "`8 GiB`, `512 MiB`",
    Unit.BYTES_PER_SECOND: "`20 MiB/s`",
    Unit.PERCENT: "`90%`",
    Unit.PERCENT_OF_CORE: "`250%`",
    Unit.COUNT: "`20`",
    Unit.PER_SECOND: "`15`",
}
QUANTITY_FAULTS: dict[QuantityFault, str] = {
    QuantityFault.NO_NUMBER: mark("“{typed}” is no value. Write one such as {examples}."),
    QuantityFault.UNIT_MISSING: mark("“{typed}” lacks its unit. Write it with one, such as {examples}."),
    QuantityFault.WRONG_UNIT: mark("“{typed}” has a unit that this is not measured in. Write it such as {examples}."),
    QuantityFault.TOO_LARGE: mark("“{typed}” is more than there can be. Write a value such as {examples}."),
}
LIMIT_FAULTS: dict[LimitFault, str] = {
    LimitFault.OF_THE_MACHINE: mark("That is measured of the whole machine. Leave out `server`."),
    LimitFault.NOTHING_TO_RESTART: mark(
        "No server can be restarted for that: it is of a drive or the machine. Leave out `then`."
    ),
    LimitFault.BACK_BEYOND: mark("At that `back_at` the limit would still be crossed. Choose one on its other side."),
    LimitFault.CEILING_SHORT: mark("That `ceiling` comes before the limit itself. Choose one beyond it."),
    LimitFault.ONLY_FOR_RESTART: mark(
        "`ceiling`, `at_most` and `hours` say when a server is restarted. Choose that in `then`, or leave them out."
    ),
    LimitFault.TOO_MANY: mark(
        "There are {most} limits already, and no more are taken. Take one back with `/limit remove` first."
    ),
}


def limit_refusal(error: BaseException, words: Words) -> str | None:
    """Give the words; `None` for an error of another sort."""
    match error:
        case BadQuantity():
            examples = EXAMPLES[error.unit]
            return words.text(
                QUANTITY_FAULTS[error.fault], typed=escape(error.text, TYPED_AT_MOST), examples=examples
            )
        case BadHours():
            return words.text(
                "“{typed}” is no part of a day. Write it such as `03:00-06:00`.",
                typed=escape(error.text, TYPED_AT_MOST),
            )
        case LimitRefused():
            return words.text(LIMIT_FAULTS[error.fault], most=error.most)
        case UnknownLimit():
            return words.text(
                "There is no limit “{typed}”. `{list}` shows them all.",
                typed=escape(error.typed, TYPED_AT_MOST),
                list="/limit list",
            )
        case _:
            return None
