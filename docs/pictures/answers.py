"""Shows what commands answer: `python -m docs.pictures.answers FOLDER` writes two pictures there.

It needs a Chromium. The pictures are for looking at, and no part of the documentation.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import discord

from cogs.locale.catalogue import Words, catalogue
from cogs.render.limit_list import Shown, limits_embed
from cogs.render.outcome import outcome
from cogs.render.plans import announced, called_off
from cogs.render.routes import Standing, routes_embed
from cogs.render.server import server_embed
from cogs.render.status import status_embed
from cogs.render.thresholds import where
from docs.pictures.page import picture
from monitor.alerting import Filter
from monitor.events import Severity
from monitor.limit_watch import Held
from monitor.limits import CROSSED
from monitor.model import Evidence, EvidenceKind, ExitReport, ExitStatus, IntentAction, Plan, Rung, State, Verdict
from storage.routes import Record, Route, RouteKind
from tests.cogs.render.limited import GIB, HEAP, RESTARTED
from tests.cogs.render.samples import ALICE, AT_MS, server

NAMES = {"en": "Survival", "ko": "야생"}
LOST = (Evidence(EvidenceKind.NOT_SAVED, "unproven"), Evidence(EvidenceKind.FORCED, "kill"))
KILLED = ExitStatus(signal=9)
HEIGHT = 2400


def answers(words: Words, name: str) -> Iterator[str | discord.Embed]:
    """What commands answer: a plan, its end, a stop that went badly, and `/status` in both forms."""
    plan = Plan(IntentAction.RESTART, ALICE, AT_MS + 300_000, "update")
    planned = replace(server(name=name), planned=plan, last_exit=ExitReport(Verdict.STOPPED, KILLED, LOST, ALICE))
    yield announced(planned, plan, replace(plan, action=IntentAction.STOP), words)
    yield called_off(planned, words)
    yield outcome(replace(planned, called_off_by=ALICE), words, [Rung.SAVE])
    yield outcome(replace(planned, state=State.STOPPED), words, list(Rung))
    yield status_embed([planned, server(State.UNRESPONSIVE, name=name), server(State.BACKOFF, name=name)], words)
    everywhere = replace(HEAP, server_id=None, restart=RESTARTED.restart)
    standings = [
        ("a", name, 8.2 * GIB, Held(everywhere, "a", position=CROSSED, crossed_ms=AT_MS)),
        ("b", "ARK", GIB, None),
    ]
    yield limits_embed([Shown(everywhere, where(everywhere, "", words), standings)], 1, words)
    yield routes_embed(_routes(), words)
    yield server_embed(planned, words)


def _routes() -> Standing:
    ops = Route(1, RouteKind.CHANNEL, Filter("survival", min_severity=Severity.CRITICAL), channel_id=55, id=1)
    hook = Route(1, RouteKind.JSON, Filter(kinds=frozenset({"server_crashed"})), label="status.example.org", id=2)
    records = {
        "route:1": Record(12, 0, 0, AT_MS),
        "route:2": Record(3, 2, 4, AT_MS, "HTTP 503"),
        "alerts": Record(40, 0, 0, AT_MS),
    }
    return Standing([ops, hook], records, [], [], 77)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for locale, name in NAMES.items():
        said = answers(catalogue(locale), name)
        asyncio.run(picture(said, folder / f"answers-{locale}.png", "PID 4321", HEIGHT))


if __name__ == "__main__":
    main()
