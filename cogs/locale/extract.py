"""Which texts there are to translate: every marked one in `cogs/`, and the labels of the metrics."""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

import cogs
from cogs.locale.catalogue import DOMAIN
from monitor.metrics import METRICS

ROOT = Path(cogs.__file__).parent
KEYWORDS: dict[str, tuple[int, ...] | None] = {"text": None, "plural": (1, 2), "mark": None, "locale_str": None}
"""The functions whose literal arguments are texts: `words.text`, `words.plural`, `mark`, discord's `locale_str`."""
METHODS = [("**.py", "python")]


def template(root: Path = ROOT) -> Catalog:
    """Read every marked text under `root`. Blocking."""
    catalog = Catalog(project=DOMAIN, charset="utf-8", fuzzy=False)
    found = extract_from_dir(
        str(root), METHODS, keywords=KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    )
    for name, _, message, comments, context in found:
        catalog.add(
            message, locations=[(f"{root.name}/{Path(name).as_posix()}", 0)], auto_comments=comments, context=context
        )
    for metric in METRICS:
        # The monitor knows nothing of languages, so its table is read here instead of being marked there.
        catalog.add(metric.label, locations=[("monitor/metrics.py", 0)])
    return catalog
