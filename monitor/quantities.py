"""What people type for a value or for a part of the day, read by pure functions."""

from __future__ import annotations

import re
from enum import StrEnum

from monitor.errors import GamekeeperError
from monitor.metrics import Unit

STEPS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
LARGEST = 2.0**60
WRITTEN: dict[Unit, tuple[str, ...]] = {
    Unit.PERCENT: ("%",),
    Unit.PERCENT_OF_CORE: ("%",),
    Unit.PER_SECOND: ("/s", "tps", "hz", "fps"),
}
"""What may stand behind a number, and need not."""
HOURS = 24
MINUTES = 60
WHOLE_PERCENT = 100.0

_QUANTITY = re.compile(
    r"(?P<number>\d{1,18}(?:[.,]\d{1,9})?|\d{1,3}(?:,\d{3}){2,5})\s*(?P<unit>[^\d\s.,-][^\d.,-]*)?", re.ASCII
)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_BYTES = re.compile(r"(?P<step>[kmgt]?)(?:i?b)?", re.ASCII)
_SPAN = re.compile(
    r"(?P<from_h>\d{1,2})(?::(?P<from_m>\d{2}))?\s*(?:-|–|~|to)\s*(?P<to_h>\d{1,2})(?::(?P<to_m>\d{2}))?", re.ASCII
)


class QuantityFault(StrEnum):
    """Why what was typed is no value."""

    NO_NUMBER = "no_number"
    UNIT_MISSING = "unit_missing"
    """A bare number where the unit has to be said."""
    WRONG_UNIT = "wrong_unit"
    TOO_LARGE = "too_large"


class BadQuantity(GamekeeperError):
    """What was typed is no value of that unit."""

    def __init__(self, fault: QuantityFault, text: str, unit: Unit) -> None:
        super().__init__(fault, text, unit)
        self.fault = fault
        self.text = text
        self.unit = unit


class BadHours(GamekeeperError):
    """What was typed is no part of the day."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def quantity(text: str, unit: Unit) -> float:
    """Read a value as people write it: "8 GiB", "8g", "90%", "1.5", "2,048 MB".

    1024 is a step for bytes however they are written, as it is for `java -Xmx8G`. A comma before three digits parts
    thousands; any other is a decimal point.

    Raises:
        BadQuantity: it is none, or not of that unit.
    """
    typed = " ".join(text.casefold().split())
    match = _QUANTITY.fullmatch(typed)
    if match is None or not typed.isascii():
        raise BadQuantity(QuantityFault.NO_NUMBER, text, unit)
    value = _number(match["number"]) * _factor((match["unit"] or "").replace(" ", ""), text, unit)
    if value > (WHOLE_PERCENT if unit is Unit.PERCENT else LARGEST):
        raise BadQuantity(QuantityFault.TOO_LARGE, text, unit)
    return value


def is_percent(text: str) -> bool:
    """Whether what was typed is meant in percent."""
    return text.rstrip().endswith("%")


def hours(text: str) -> tuple[int, int]:
    """Read a part of the day, "03:00-06:00" or "22-6", as minutes since midnight.

    Raises:
        BadHours: it is none, or it is as long as nothing.
    """
    match = _SPAN.fullmatch(text.strip().casefold())
    if match is None:
        raise BadHours(text)
    begin, end = (_minute(match[f"{part}_h"], match[f"{part}_m"], text) for part in ("from", "to"))
    if begin == end:
        raise BadHours(text)
    return begin, end


def _number(typed: str) -> float:
    return float(typed.replace(",", "") if _THOUSANDS.fullmatch(typed) else typed.replace(",", "."))


def _factor(written: str, text: str, unit: Unit) -> float:
    """How much one of the unit that was written is in the unit that is wanted."""
    if unit in (Unit.BYTES, Unit.BYTES_PER_SECOND):
        return _bytes(written, text, unit)
    if written not in ("", *WRITTEN.get(unit, ())):
        raise BadQuantity(QuantityFault.WRONG_UNIT, text, unit)
    return 1.0


def _bytes(written: str, text: str, unit: Unit) -> float:
    if not written:
        raise BadQuantity(QuantityFault.UNIT_MISSING, text, unit)
    match = _BYTES.fullmatch(written.removesuffix("/s") if unit is Unit.BYTES_PER_SECOND else written)
    if match is None or not match[0]:
        raise BadQuantity(QuantityFault.WRONG_UNIT, text, unit)
    return float(1024 ** STEPS[match["step"]])


def _minute(hour: str, minute: str | None, text: str) -> int:
    of_day = int(hour) * MINUTES + int(minute or 0)
    if int(minute or 0) >= MINUTES or of_day > HOURS * MINUTES:
        raise BadHours(text)
    return of_day % (HOURS * MINUTES)
