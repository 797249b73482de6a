"""Puts the reader's words on a chart: the bot's side of a `ChartRequest`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cogs.locale.catalogue import SOURCE_LOCALE, Words, catalogue, mark
from cogs.render.chart_request import ChartRequest, Label, Mark, MarkKind, Panel, Series, Values
from cogs.render.text import cut, tame
from monitor.metrics import Metric, Unit

NAME_AT_MOST = 40
HOUR_MINUTES = 60
DAY_MINUTES = 1440

UNITS: dict[Unit, str] = {
    Unit.PERCENT: "%",
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
    "lowest": mark("lowest {value}"),
    # Translators: a day on the time axis; {month} is its number, {month_name} its English short name.
    "date": mark("{month_name} {day}"),
    # Translators: seven short names, Monday first, separated by spaces.
    "weekdays": mark("Mon Tue Wed Thu Fri Sat Sun"),
    MarkKind.STARTED: mark("started"),
    MarkKind.READY: mark("ready"),
    MarkKind.STOPPED: mark("stopped"),
    MarkKind.CRASHED: mark("crashed"),
    MarkKind.HUNG: mark("not answering"),
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
    english = catalogue(SOURCE_LOCALE)
    return Label(*(f"{span_words(span_s, language)} · {timezone}" for language in (words, english)))


def span_words(span_s: float, words: Words) -> str:
    """How far back a chart reaches: "The last 24 hours"."""
    minutes = max(1, round(span_s / 60))
    if minutes % DAY_MINUTES == 0 and minutes > DAY_MINUTES:
        return words.plural("The last day", "The last {n} days", minutes // DAY_MINUTES)
    if minutes % HOUR_MINUTES == 0:
        return words.plural("The last hour", "The last {n} hours", minutes // HOUR_MINUTES)
    return words.plural("The last minute", "The last {n} minutes", minutes)


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
