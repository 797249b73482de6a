"""How a chart looks: colours, sizes in pixels, the settings of matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from cogs.render import palette
from cogs.render.chart_request import MarkKind

BACKGROUND = "#1e1f22"
PLOT = "#2b2d31"
GRID = "#3f4248"
DIM = "#a3a6ad"
TEXT = "#d3d6db"
BRIGHT = "#f5f6f7"

Dash = Literal["-", "--", ":", "-."]

EDGE_PX = 22
LEFT_PX = 84
RIGHT_PX = 30
HEADER_PX = 84
NAMES_PX = 28
NAME_GAP_PX = 80
"""What a name in the legend has beside it: its line, and the room to the next."""
HEADING_PX = 42
HEADING_BASE_PX = 30
PANEL_GAP_PX = 8
TICKS_PX = 64
LEGEND_PX = 38
MARK_PX = 4
HEADROOM = 1.18


def _hex(colour: int) -> str:
    return f"#{colour:06x}"


COLOURS = {
    "cpu": _hex(palette.SKY),
    "memory": _hex(palette.PURPLE),
    "players": "#2fc79a",
    "tick_rate": _hex(palette.ORANGE),
    "read": "#8fb4ff",
    "write": "#ff9d6c",
    "threads": "#c9cdd4",
}
OTHERS: tuple[tuple[str, Dash], ...] = (
    (_hex(palette.SKY), "-"),
    (_hex(palette.ORANGE), "--"),
    ("#2fc79a", ":"),
    (_hex(palette.PURPLE), "-."),
)
"""Where a panel compares: colour and dash of each series, so that colour is not all that tells them apart."""


def colour_of(key: str) -> str:
    return COLOURS.get(key, _hex(palette.SKY))


@dataclass(frozen=True, slots=True)
class MarkLook:
    colour: str
    marker: str

    def style(self) -> dict[str, Any]:
        return {
            "color": self.colour,
            "marker": self.marker,
            "markersize": 8,
            "markeredgecolor": BACKGROUND,
            "markeredgewidth": 0.8,
            "linestyle": "none",
        }


MARKS: dict[MarkKind, MarkLook] = {
    MarkKind.STARTED: MarkLook(_hex(palette.SKY), "^"),
    MarkKind.READY: MarkLook("#2fc79a", "o"),
    MarkKind.STOPPED: MarkLook("#b5b9c0", "s"),
    MarkKind.CRASHED: MarkLook("#ff6a3d", "X"),
    MarkKind.HUNG: MarkLook("#d7b3ff", "v"),
    MarkKind.SAVED: MarkLook(_hex(palette.YELLOW), "D"),
}


def points(size_px: float, dpi: int) -> float:
    return size_px * 72 / dpi


def settings(families: tuple[str, ...], dpi: int) -> dict[Any, Any]:
    """The rc settings of one drawing. Names are never read as formulas, however many dollar signs they have."""
    return {
        "font.family": list(families),
        "font.size": points(18, dpi),
        "text.color": TEXT,
        "text.parse_math": False,
        "axes.unicode_minus": False,
        "figure.facecolor": BACKGROUND,
        "axes.facecolor": PLOT,
        "axes.edgecolor": GRID,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "xtick.color": GRID,
        "ytick.color": GRID,
        "xtick.labelcolor": DIM,
        "ytick.labelcolor": DIM,
        "xtick.labelsize": points(18, dpi),
        "ytick.labelsize": points(18, dpi),
        "ytick.major.size": 0,
        "legend.frameon": False,
        "legend.fontsize": points(18, dpi),
        "legend.handletextpad": 0.3,
        "legend.columnspacing": 1.6,
    }
