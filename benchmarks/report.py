"""How a benchmark says what it found: a table for people, and one JSON object for programs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured, beside the plain way of doing the same work, measured in the same run."""

    key: str
    value: float
    unit: str
    goal: float | None
    """The most that it should be; `None` where none was set."""
    baseline: float | None = None
    ratio: float | None = None
    """How many times the baseline is the value."""

    @property
    def met(self) -> bool:
        return self.goal is None or self.value <= self.goal


def figure(key: str, value: float, unit: str, goal: float | None, baseline: float | None = None) -> Figure:
    """Make a figure, with its ratio where there is one, in four digits: more would be noise."""
    ratio = baseline / value if baseline is not None and value > 0 else None
    return Figure(key, _rounded(value), unit, goal, _optional(baseline), _optional(ratio))


def as_json(figures: Sequence[Figure]) -> str:
    """Give one line: key → value, unit, goal, baseline, ratio."""
    return json.dumps({each.key: {k: v for k, v in asdict(each).items() if k != "key"} for each in figures})


def as_table(figures: Sequence[Figure]) -> str:
    """Give a row a figure. A goal that was missed is marked."""
    head = ("figure", "value", "unit", "goal", "baseline", "ratio")
    rows = [head, *(_row(each) for each in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def wants_json(arguments: Sequence[str] | None, description: str) -> bool:
    """Read the command line of a benchmark: `--json` or nothing."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    return bool(parser.parse_args(arguments).json)


def show(figures: Sequence[Figure], notes: str = "", *, with_json: bool) -> None:
    """Print the table, what is to be known about it, and, as the last line, the JSON object where it is wanted."""
    print(as_table(figures))
    if notes:
        print(f"\n{notes}")
    if with_json:
        print(as_json(figures))


def _row(each: Figure) -> tuple[str, ...]:
    goal = "" if each.goal is None else f"≤ {each.goal:g}" + ("" if each.met else "  missed")
    ratio = "" if each.ratio is None else f"{each.ratio:.3g}×"
    return each.key, f"{each.value:g}", each.unit, goal, "" if each.baseline is None else f"{each.baseline:g}", ratio


def _optional(number: float | None) -> float | None:
    return None if number is None else _rounded(number)


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
