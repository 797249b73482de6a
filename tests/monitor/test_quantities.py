from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.metrics import Unit
from monitor.quantities import LARGEST, BadHours, BadQuantity, QuantityFault, hours, is_percent, quantity

GIB = 2.0**30


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("8 GiB", Unit.BYTES, 8 * GIB),
        ("8gb", Unit.BYTES, 8 * GIB),
        (" 8G ", Unit.BYTES, 8 * GIB),
        ("512 MiB", Unit.BYTES, 512 * 2.0**20),
        ("2,048 MB", Unit.BYTES, 2 * GIB),
        ("1.5 g", Unit.BYTES, 1.5 * GIB),
        ("1,5 GiB", Unit.BYTES, 1.5 * GIB),
        ("1,234,567 B", Unit.BYTES, 1_234_567),
        ("3 bytes", Unit.BYTES, None),
        ("20 MiB/s", Unit.BYTES_PER_SECOND, 20 * 2.0**20),
        ("20MB", Unit.BYTES_PER_SECOND, 20 * 2.0**20),
        ("90%", Unit.PERCENT, 90.0),
        ("90 %", Unit.PERCENT, 90.0),
        ("0.5", Unit.PERCENT, 0.5),
        ("250%", Unit.PERCENT_OF_CORE, 250.0),
        ("20", Unit.COUNT, 20.0),
        ("15", Unit.PER_SECOND, 15.0),
        ("15.5 TPS", Unit.PER_SECOND, 15.5),
    ],
)
def test_what_people_write(text: str, unit: Unit, value: float | None) -> None:
    if value is None:
        with pytest.raises(BadQuantity):
            quantity(text, unit)
    else:
        assert quantity(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit", "fault"),
    [
        ("", Unit.COUNT, QuantityFault.NO_NUMBER),
        ("many", Unit.COUNT, QuantityFault.NO_NUMBER),
        ("-3", Unit.COUNT, QuantityFault.NO_NUMBER),
        ("1e5", Unit.BYTES, QuantityFault.NO_NUMBER),
        ("nan", Unit.PERCENT, QuantityFault.NO_NUMBER),
        ("٣", Unit.COUNT, QuantityFault.NO_NUMBER),
        ("1.2.3", Unit.COUNT, QuantityFault.NO_NUMBER),
        ("8", Unit.BYTES, QuantityFault.UNIT_MISSING),
        ("8 GiB", Unit.COUNT, QuantityFault.WRONG_UNIT),
        ("8%", Unit.BYTES, QuantityFault.WRONG_UNIT),
        ("8 GiB/s", Unit.BYTES, QuantityFault.WRONG_UNIT),
        ("5 PiB", Unit.BYTES, QuantityFault.WRONG_UNIT),
        ("101%", Unit.PERCENT, QuantityFault.TOO_LARGE),
        ("9999999999 TiB", Unit.BYTES, QuantityFault.TOO_LARGE),
    ],
)
def test_what_is_no_value(text: str, unit: Unit, fault: QuantityFault) -> None:
    with pytest.raises(BadQuantity) as caught:
        quantity(text, unit)
    assert (caught.value.fault, caught.value.text, caught.value.unit) == (fault, text, unit)


@settings(max_examples=400)
@given(
    st.text(max_size=30) | st.from_regex(r"[0-9.,]{1,9} ?[kmgt]?i?b?(/s)?%?", fullmatch=True), st.sampled_from(Unit)
)
def test_whatever_is_typed_is_a_value_or_a_clear_fault(text: str, unit: Unit) -> None:
    try:
        value = quantity(text, unit)
    except BadQuantity:
        return
    assert 0 <= value <= LARGEST


def test_percent_is_told_by_its_sign() -> None:
    assert is_percent("5 % ")
    assert not is_percent("5 GiB")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("03:00-06:00", (180, 360)),
        ("22-6", (1320, 360)),
        ("22:30 - 24:00", (1350, 0)),
        ("3:05–4", (185, 240)),
        ("3 to 5", (180, 300)),
        ("", None),
        ("3", None),
        ("03:00-03:00", None),
        ("0-24", None),
        ("25:00-26:00", None),
        ("03:60-04:00", None),
        ("24:01-05:00", None),
        ("three-four", None),
    ],
)
def test_parts_of_the_day(text: str, span: tuple[int, int] | None) -> None:
    if span is None:
        with pytest.raises(BadHours):
            hours(text)
    else:
        assert hours(text) == span
