"""Which texts there are to translate: every marked one in `cogs/`, and the labels of what is measured."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

import cogs
from cogs.locale.catalogue import DOMAIN
from monitor.limits import MEASURES
from monitor.metrics import BY_KEY, METRICS

ROOT = Path(cogs.__file__).parent
KEYWORDS: dict[str, tuple[int, ...] | None] = {"text": None, "plural": (1, 2), "mark": None, "locale_str": None}
"""The functions whose literal arguments are texts: `words.text`, `words.plural`, `mark`, discord's `locale_str`."""
METHODS = [("**.py", f"{__name__}:calls")]
COMMENT = "Translators:"


def template(root: Path = ROOT) -> Catalog:
    """Read every marked text under `root`. Blocking."""
    catalog = Catalog(project=DOMAIN, charset="utf-8", fuzzy=False)
    found = extract_from_dir(str(root), METHODS, keywords=KEYWORDS, comment_tags=(COMMENT,), strip_comment_tags=True)
    for name, _, message, comments, context in found:
        place = f"{root.name}/{Path(name).as_posix()}"
        catalog.add(message, locations=[(place, 0)], auto_comments=comments, context=context)
    for metric in METRICS:
        # The monitor knows nothing of languages, so its table is read here instead of being marked there.
        catalog.add(metric.label, locations=[("monitor/metrics.py", 0)])
    for measure in MEASURES.values():
        if measure.key not in BY_KEY:
            catalog.add(measure.label, locations=[("monitor/limits.py", 0)])
    return catalog


Call = tuple[int, str, tuple[str | None, ...], list[str]]


def calls(
    source: BinaryIO, keywords: Mapping[str, object], comment_tags: Collection[str], options: Mapping[str, object]
) -> Iterator[Call]:
    """An extraction method for Babel: line, function, literal arguments, comments of every marked call.

    Babel's own reads tokens, and up to Python 3.11 an f-string is one token: the calls inside it are lost.
    """
    del options
    text = source.read().decode("utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and (name := _name(node.func)) in keywords:
            yield (
                node.lineno,
                name,
                tuple(_literal(a) for a in node.args),
                _comments(lines, node.lineno, comment_tags),
            )


def _name(function: ast.expr) -> str:
    return (
        function.attr
        if isinstance(function, ast.Attribute)
        else function.id
        if isinstance(function, ast.Name)
        else ""
    )


def _literal(argument: ast.expr) -> str | None:
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None


def _comments(lines: list[str], lineno: int, tags: Collection[str]) -> list[str]:
    above = lines[lineno - 2].strip().removeprefix("#").strip() if lineno > 1 else ""
    return [above] if above.startswith(tuple(tags)) else []
