"""Draws a `ChartRequest`. Runs in the worker process: never import this where Discord is."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from cogs.render import chart_data, fonts, time_axis
from cogs.render import chart_theme as theme
from cogs.render.chart_data import Line
from cogs.render.chart_request import ChartRequest, Label, Mark, MarkKind, Panel
from monitor.metrics import Unit

LEAST = 1.0
"""How far an axis reaches at least: what is next to nothing looks like it."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The figure being drawn, measured in pixels from its upper left corner."""

    figure: Figure
    request: ChartRequest
    say: Callable[[Label], str]
    """The words of a label in the language that this machine has a font for."""
    height_px: float

    def axes(self, top_px: float, bottom_px: float) -> Axes:
        left, right = theme.LEFT_PX / self.request.width_px, 1 - theme.RIGHT_PX / self.request.width_px
        return self.figure.add_axes((left, self._y(bottom_px), right - left, self._y(top_px) - self._y(bottom_px)))

    def write(self, x_px: float, y_px: float, text: str, size_px: float, **style: Any) -> Text:
        size = theme.points(size_px, self.request.dpi)
        return self.figure.text(*self.at(x_px, y_px), text, fontsize=size, va="baseline", **style)

    def fitting(self, text: str, size_px: float, room_px: float, **style: Any) -> str:
        """As much of a text as there is room for: how wide letters are, only their font knows."""
        drawn = self.write(0, 0, text, size_px, **style)
        while (width := drawn.get_window_extent().width) > room_px and len(text) > 2:  # noqa: PLR2004 - a letter and the ellipsis
            text = text[: max(1, min(len(text) - 2, int(len(text) * room_px / width) - 1))].rstrip() + "…"
            drawn.set_text(text)
        drawn.remove()
        return text

    def at(self, x_px: float, y_px: float) -> tuple[float, float]:
        """The place in matplotlib's fractions of the figure."""
        return x_px / self.request.width_px, self._y(y_px)

    def _y(self, px: float) -> float:
        return 1 - px / self.height_px


def draw(request: ChartRequest) -> bytes:
    """The picture as PNG. It warns of nothing and has no empty boxes, whatever the machine's fonts."""
    chosen = fonts.families(request.locale)
    with mpl.rc_context(theme.settings(chosen, request.dpi)):
        figure = _figure(request, chosen)
        png = io.BytesIO()
        figure.savefig(png, format="png", metadata={"Software": ""})
    return png.getvalue()


def _figure(request: ChartRequest, chosen: tuple[str, ...]) -> Figure:
    names = _compared(request, chosen)
    marks = _visible_marks(request)
    top = theme.HEADER_PX + (theme.NAMES_PX if names else 0)
    bottom = theme.TICKS_PX + (theme.LEGEND_PX if marks else 0)
    height = top + max(len(request.panels), 1) * request.panel_px + bottom
    figure = Figure(figsize=(request.width_px / request.dpi, height / request.dpi), dpi=request.dpi)
    canvas = Canvas(figure, request, _language(request, chosen), height)
    _header(canvas, chosen, names)
    for row, panel in enumerate(request.panels):
        _panel(canvas, panel, top + row * request.panel_px, marks)
    if not request.panels:
        canvas.write(request.width_px / 2, height / 2, canvas.say(request.texts["no_data"]), 17, ha="center")
    _legend(canvas, marks)
    return figure


def _language(request: ChartRequest, chosen: tuple[str, ...]) -> Callable[[Label], str]:
    """All of the reader's language or all English: a picture half in each looks broken."""
    labels = [request.subtitle, *request.texts.values()]
    labels += [label for panel in request.panels for label in (panel.label, panel.unit_label)]
    whole = all(fonts.drawable(label.text, chosen) for label in labels)
    return lambda label: label.text if whole else label.plain


def name_of(label: Label, chosen: tuple[str, ...]) -> str:
    """A name that people made, less what cannot be drawn; the id where nothing of it is left."""
    name = fonts.without_symbols(label.text, chosen)
    return name if name and fonts.drawable(name, chosen) else label.plain


def _compared(request: ChartRequest, chosen: tuple[str, ...]) -> list[str]:
    """The names of the series, where there is more than one to tell apart."""
    most = max((panel.series for panel in request.panels), key=len, default=())
    return [name_of(series.name, chosen) for series in most] if len(most) > 1 else []


def _header(canvas: Canvas, chosen: tuple[str, ...], names: list[str]) -> None:
    request = canvas.request
    room_px = request.width_px - 2 * theme.EDGE_PX
    title = canvas.fitting(name_of(request.title, chosen), 28, room_px, weight="bold")
    canvas.write(theme.EDGE_PX, 42, title, 28, color=theme.BRIGHT, weight="bold")
    canvas.write(theme.EDGE_PX, 70, canvas.say(request.subtitle), 18, color=theme.DIM)
    shown = [canvas.fitting(name, 18, room_px / len(names) - theme.NAME_GAP_PX) for name in names]
    styles = zip(shown, theme.OTHERS, strict=False)
    handles = [Line2D([], [], color=c, linestyle=dash, linewidth=2.5, label=name) for name, (c, dash) in styles]
    if handles:
        place = canvas.at(theme.EDGE_PX, theme.HEADER_PX - 2)
        canvas.figure.legend(handles=handles, loc="upper left", bbox_to_anchor=place, ncols=len(handles), borderpad=0)


def _panel(canvas: Canvas, panel: Panel, top: float, marks: list[Mark]) -> None:
    request = canvas.request
    axes = canvas.axes(top + theme.HEADING_PX, top + request.panel_px - theme.PANEL_GAP_PX)
    lines = [chart_data.line_of(series, request) for series in panel.series]
    _time_axis(canvas, axes, last=panel is request.panels[-1])
    _mark_lines(axes, marks, with_icons=panel is request.panels[0])
    if not any(line.known for line in lines):
        _heading(canvas, panel, top, "")
        axes.set_yticks([])
        empty = canvas.say(request.texts["no_data"])
        axes.text(0.5, 0.5, empty, transform=axes.transAxes, ha="center", va="center", color=theme.DIM)
        return
    highest = chart_data.top_of(lines)
    factor, unit = chart_data.scale(panel.unit, highest)
    _heading(canvas, panel, top, unit or canvas.say(panel.unit_label))
    _value_axis(axes, panel.unit, highest / factor)
    for place, line in enumerate(lines):
        _line(axes, line, factor, panel, place if len(lines) > 1 else None)
    if len(lines) == 1:
        _summary(canvas, top, panel.unit, lines[0], factor)


def _heading(canvas: Canvas, panel: Panel, top: float, unit: str) -> None:
    base = top + theme.HEADING_BASE_PX
    label = canvas.write(theme.EDGE_PX, base, canvas.say(panel.label), 21, color=theme.BRIGHT, weight="bold")
    if unit:
        canvas.write(label.get_window_extent().x1 + 10, base, unit, 18, color=theme.DIM)


def _summary(canvas: Canvas, top: float, unit: Unit, line: Line, factor: float) -> None:
    # Of a tick rate the worst moment is the lowest one.
    worst = ("lowest", np.nanmin(line.low)) if unit is Unit.PER_SECOND else ("peak", np.nanmax(line.high))
    values = dict([("mean", np.nanmean(line.mean)), worst])
    texts = {key: canvas.say(canvas.request.texts[key]) for key in values}
    told = [texts[key].format(value=chart_data.figure_text(float(value) / factor)) for key, value in values.items()]
    right = canvas.request.width_px - theme.RIGHT_PX
    canvas.write(right, top + theme.HEADING_BASE_PX, "   ".join(told), 18, color=theme.TEXT, ha="right")


def _line(axes: Axes, line: Line, factor: float, panel: Panel, place: int | None) -> None:
    colour, dash = theme.OTHERS[place % len(theme.OTHERS)] if place is not None else (theme.colour_of(panel.key), "-")
    stepped = panel.unit is Unit.COUNT
    low, mean, high = (part / factor for part in (line.low, line.mean, line.high))
    step: Literal["post"] | None = "post" if stepped else None
    axes.fill_between(line.at_s, low, high, color=colour, alpha=0.28, linewidth=0, step=step)
    style = "steps-post" if stepped else "default"
    axes.plot(line.at_s, mean, color=colour, linestyle=dash, linewidth=1.9, drawstyle=style, solid_capstyle="round")
    alone = chart_data.lonely(line)
    if alone.size:
        axes.plot(line.at_s[alone], mean[alone], color=colour, linestyle="none", marker="o", markersize=4)


def _time_axis(canvas: Canvas, axes: Axes, *, last: bool) -> None:
    request = canvas.request
    words = time_axis.DayWords(
        canvas.say(request.texts["date"]), tuple(canvas.say(request.texts["weekdays"]).split())
    )
    ticks = time_axis.ticks(request.since_s, request.until_s, time_axis.zone_of(request.timezone), words)
    axes.set_xlim(request.since_s, max(request.until_s, request.since_s + 1))
    axes.xaxis.set_major_locator(FixedLocator([tick.at_s for tick in ticks]))
    axes.xaxis.set_major_formatter(FixedFormatter([tick.text for tick in ticks]) if last else NullFormatter())


def _value_axis(axes: Axes, unit: Unit, top: float) -> None:
    axes.set_ylim(0, max(top, LEAST) * theme.HEADROOM)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=unit is Unit.COUNT, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))


def _visible_marks(request: ChartRequest) -> list[Mark]:
    """Those inside the time shown, and of one kind at most one in a few pixels."""
    column_s = theme.MARK_PX * (request.until_s - request.since_s) / request.width_px or 1.0
    inside = [mark for mark in request.marks if request.since_s <= mark.at_s <= request.until_s]
    return list({(mark.kind, int(mark.at_s // column_s)): mark for mark in inside}.values())


def _mark_lines(axes: Axes, marks: list[Mark], *, with_icons: bool) -> None:
    place = axes.get_xaxis_transform()
    for kind in {mark.kind for mark in marks}:
        look, times = theme.MARKS[kind], [mark.at_s for mark in marks if mark.kind is kind]
        axes.vlines(times, 0, 1, transform=place, color=look.colour, linewidth=1.1, alpha=0.75, zorder=1.5)
        if with_icons:
            axes.plot(times, [1.0] * len(times), transform=place, clip_on=False, zorder=5, **look.style())


def _legend(canvas: Canvas, marks: list[Mark]) -> None:
    present = {mark.kind for mark in marks}
    looks = [(kind, theme.MARKS[kind]) for kind in MarkKind if kind in present]
    handles = [Line2D([], [], label=canvas.say(canvas.request.texts[kind]), **look.style()) for kind, look in looks]
    if handles:
        canvas.figure.legend(handles=handles, loc="lower center", ncols=len(handles), borderaxespad=0.5)
