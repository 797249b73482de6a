"""Puts the reader's words on a chart: the bot's side of a `ChartRequest`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cogs.locale.catalogue import SOURCE_LOCALE, Words, catalogue, mark
from cogs.render.chart_request import ChartRequest, Label, Mark, MarkKind, Panel, Series, Values
from cogs.render.text import cut, duration, tame
from monitor.metrics import Metric, Unit

NAME_AT_MOST = 40

UNITS: dict[Unit, str] = {
    Unit.PERCENT_OF_CORE: mark("% of a core"),
    Unit.BYTES: "",
    Unit.BYTES_PER_SECOND: "",
    Unit.COUNT: "",
    Unit.PER_SECOND: mark("per second"),
}

TEXTS: dict[str, str] = {
    "no_data": mark("No data in this time"),
    "mean": mark("mean {value}"),
    "peak": mark("peak {value}"),
    # Translators: a day on the time axis; {month} is its number, {month_name} its English short name.
    "date": mark("{month_name} {day}"),
    # Translators: seven short names, Monday first, separated by spaces.
    "weekdays": mark("Mon Tue Wed Thu Fri Sat Sun"),
    MarkKind.STARTED: mark("started"),
    MarkKind.READY: mark("ready"),
    MarkKind.STOPPED: mark("stopped"),
    MarkKind.CRASHED: mark("crashed"),
    MarkKind.SAVED: mark("saved"),
}


@dataclass(frozen=True, slots=True)
class Curve:
    """What one line of a panel shows; the fields are those of `Series`."""

    at_s: Sequence[float]
    low: Sequence[float | None]
    mean: Sequence[float | None]
    high: Sequence[float | None]
    name: str = ""
    """Whose or which time's it is, where a panel compares two; written by others, or already in words."""
    plain_name: str = ""


def chart_request(
    *,
    server_name: str,
    server_id: str,
    words: Words,
    timezone: str,
    since_s: float,
    until_s: float,
    step_s: float,
    curves: Sequence[tuple[Metric, Sequence[Curve]]],
    marks: Sequence[Mark] = (),
) -> ChartRequest:
    """The request for a server's chart: one panel a metric, in the order given."""
    return ChartRequest(
        title=name_label(server_name, server_id),
        subtitle=_subtitle(words, until_s - since_s, timezone),
        locale=words.locale,
        timezone=timezone,
        since_s=since_s,
        until_s=until_s,
        step_s=step_s,
        panels=tuple(_panel(metric, lines, words) for metric, lines in curves),
        marks=tuple(marks),
        texts={key: _label(text, words) for key, text in TEXTS.items()},
    )


def name_label(name: str, fallback: str) -> Label:
    """A name that others made, fit to be drawn; its fallback is the id."""
    return Label(cut(tame(name), NAME_AT_MOST) or fallback, fallback)


def _label(text: str, words: Words) -> Label:
    return Label(words.find(text) or text, text)


def _subtitle(words: Words, span_s: float, timezone: str) -> Label:
    def said(language: Words) -> str:
        return f"{language.text('The last {time}', time=duration(span_s, language))} · {timezone}"

    return Label(said(words), said(catalogue(SOURCE_LOCALE)))


def _panel(metric: Metric, lines: Sequence[Curve], words: Words) -> Panel:
    unit = UNITS[metric.unit]
    return Panel(
        key=metric.key,
        label=_label(metric.label, words),
        unit=metric.unit,
        unit_label=_label(unit, words) if unit else Label("", ""),
        series=tuple(_series(line) for line in lines),
    )


def _series(line: Curve) -> Series:
    return Series(
        name=name_label(line.name, line.plain_name),
        at_s=tuple(line.at_s),
        low=_values(line.low),
        mean=_values(line.mean),
        high=_values(line.high),
    )


def _values(values: Sequence[float | None]) -> Values:
    return tuple(values)
