"""Shows panels and buttons, as Discord shows them: `python -m docs.pictures.panels` writes docs/images/panel-*.png.

It needs a Chromium. Another folder can be given.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cogs.locale.catalogue import Words, catalogue
from cogs.offers import AlertOffers, panel_controls, server_buttons
from cogs.render.alerts import alert_embed
from cogs.render.panel import face, off_embed, panel_embed
from cogs.render.pressing import question
from cogs.render.server import server_embed
from docs.pictures.page import Said, picture
from monitor.model import Players, Sample, Server, State
from monitor.redaction import Redaction
from storage.incidents import Incident
from storage.outbox import OutboxItem
from tests.cogs.render.samples import crash, server

IMAGES = Path(__file__).parents[1] / "images"
NAMES = {"en": ("Survival", "Creative", "Ark: The Island", "Old world"), "ko": ("야생", "건축", "아크 섬", "옛 세계")}
GIB = 1 << 30
NOW_MS = 1_767_225_600_000
"""What time it is in the page."""
HEIGHT = 1500


@dataclass(frozen=True, slots=True)
class Four:
    """The servers of a guild, as `Control` gives them."""

    all: Sequence[Server]

    def server(self, server_id: str) -> Server:
        return next(server for server in self.all if server.id == server_id)


def four(names: Sequence[str]) -> list[Server]:
    """Two that are up, one that comes back by itself, and one that is down."""
    survival, creative, ark, old = names
    busy = Sample("survival", NOW_MS // 1000, cpu_pct=143.0, rss_bytes=round(6.34 * GIB))
    calm = Sample("creative", NOW_MS // 1000, cpu_pct=11.0, rss_bytes=round(2.12 * GIB))
    up: dict[str, Any] = {"started_ms": NOW_MS - 11_520_000, "since_ms": NOW_MS - 11_500_000, "last_exit": None}
    down: dict[str, Any] = {"latest": None, "players": None, "since_ms": NOW_MS - 172_800_000}
    return [
        replace(server(name=survival), players=Players(12, 20), latest=busy, **up),
        replace(server(server_id="creative", name=creative), players=Players(0, 10), latest=calm, **up),
        replace(server(State.BACKOFF, server_id="ark", name=ark), next_start_ms=NOW_MS + 20_000, **down),
        replace(server(State.STOPPED, server_id="old", name=old), **down),
    ]


def messages(words: Words, names: Sequence[str]) -> Iterator[Said]:
    """A panel of four, one of one server, a status, a question, an alert, and a panel of a bot that is off."""
    servers = four(names)
    first, redaction = servers[0], Redaction()
    yield panel_embed(face(servers, words), words, NOW_MS - 40_000), panel_controls(servers, words, redaction)
    yield (
        panel_embed(face(servers[2:3], words), words, NOW_MS - 40_000),
        panel_controls(servers[2:3], words, redaction),
    )
    yield server_embed(first, words), server_buttons(first, words, in_place=True)
    yield question(first, words, restart=False)
    event = replace(crash(), server_id="ark", at_ms=NOW_MS)
    control: Any = Four(servers)
    item, incident = OutboxItem(1, 1, event, "alerts", 0, NOW_MS, ""), Incident(1, "ark", NOW_MS, False, None)  # noqa: FBT003
    yield alert_embed(event, 1, names[2], words), AlertOffers(control, words)(item, incident)
    yield off_embed(face(servers, words), words, NOW_MS - 40_000), None


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    for locale, names in NAMES.items():
        words = catalogue(locale)
        last = off_embed(face([], words), words, NOW_MS - 40_000).title or ""
        said = messages(words, names)
        asyncio.run(picture(said, folder / f"panel-{locale}.png", last.partition(" ")[2], HEIGHT))


if __name__ == "__main__":
    main()
