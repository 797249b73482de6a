"""What a chart shows, as plain values: made by the bot, carried as JSON, drawn in another process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from monitor.metrics import Unit

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """A text to draw, and what is drawn where no font of the machine has its letters."""

    text: str
    plain: str
    """English, or an id: letters that every machine can draw."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line and its band: for each bucket the lowest, mean and highest value. `None` is a gap, never zero."""

    name: Label
    """Drawn only where a panel has more than one series."""
    at_s: tuple[float, ...]
    """Where each bucket begins, UTC epoch seconds, ascending; a bucket left out is a gap as well."""
    low: Values
    mean: Values
    high: Values


@dataclass(frozen=True, slots=True)
class Panel:
    """One metric on its own axis."""

    key: str
    """The metric's key; it picks the colour."""
    label: Label
    unit: Unit
    unit_label: Label
    """Such as "% of a core"; bytes are named by what their axis is scaled to instead."""
    series: tuple[Series, ...]


class MarkKind(StrEnum):
    STARTED = "started"
    READY = "ready"
    STOPPED = "stopped"
    CRASHED = "crashed"
    HUNG = "hung"
    SAVED = "saved"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at one moment."""

    at_s: float
    kind: MarkKind


@dataclass(frozen=True, slots=True)
class ChartRequest:
    """Everything that one picture needs."""

    title: Label
    """The server's name, and its id."""
    subtitle: Label
    locale: str
    """"en" or "ko": which language's font leads."""
    timezone: str
    """The IANA name of the zone the time axis is written in; UTC where the machine does not know it."""
    since_s: float
    until_s: float
    step_s: float
    """The width of a bucket: two further apart than one and a half of it have a gap between them."""
    panels: tuple[Panel, ...]
    marks: tuple[Mark, ...] = ()
    texts: Mapping[str, Label] = field(default_factory=dict)
    """`no_data`, `mean`, `peak`, `lowest`, `date`, `weekdays`, and one for each `MarkKind`."""
    width_px: int = 800
    panel_px: int = 190
    dpi: int = 100

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode()


def from_json(data: bytes) -> ChartRequest:
    """The request that `to_json` wrote.

    Raises:
        ValueError, KeyError, TypeError: it did not.
    """
    raw: dict[str, Any] = json.loads(data)
    raw["title"], raw["subtitle"] = Label(**raw["title"]), Label(**raw["subtitle"])
    raw["panels"] = tuple(_panel(panel) for panel in raw["panels"])
    raw["marks"] = tuple(Mark(mark["at_s"], MarkKind(mark["kind"])) for mark in raw["marks"])
    raw["texts"] = {key: Label(**label) for key, label in raw["texts"].items()}
    return ChartRequest(**raw)


def _panel(raw: dict[str, Any]) -> Panel:
    return Panel(
        key=raw["key"],
        label=Label(**raw["label"]),
        unit=Unit(raw["unit"]),
        unit_label=Label(**raw["unit_label"]),
        series=tuple(_series(series) for series in raw["series"]),
    )


def _series(raw: dict[str, Any]) -> Series:
    columns = {key: tuple(raw[key]) for key in ("at_s", "low", "mean", "high")}
    return Series(name=Label(**raw["name"]), **columns)
