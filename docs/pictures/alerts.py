"""Shows every kind of alert, as Discord shows it: `python -m docs.pictures.alerts` writes docs/images/alerts-*.png.

It needs a Chromium. Another folder can be given.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import discord

from cogs.locale.catalogue import Words, catalogue
from cogs.render.alerts import alert_embed
from cogs.render.incident import call_embed, developments, looked_after, return_embed
from cogs.render.storms import Storm, storm_embed
from docs.pictures.page import picture
from monitor.events import (
    DatabaseRestored,
    Event,
    HostRebooted,
    RestartsExhausted,
    ServerHung,
    ServerReady,
    ServerRecovered,
    ServerStarted,
    StartFailed,
)
from monitor.model import Actor, ActorKind, Evidence, EvidenceKind, ExitReport, ExitStatus, ProcessId, Verdict
from tests.cogs.render.limited import CLEARED, CROSSING, DISK, FORESEEN, RESTARTED
from tests.cogs.render.samples import ALICE, AT_MS, SAMPLE, SEGV, SILENCE, crash

IMAGES = Path(__file__).parents[1] / "images"
NAMES = {"en": "Survival", "ko": "야생"}
OTHERS = {"survival": NAMES, "ark": {"en": "Ark", "ko": "아크"}}
LOG = ("[12:00:01 INFO]: Saved the game", "[12:00:07 WARN]: Can't keep up! Running 5120ms behind")
OOM_LINE = "Out of memory: Killed process 4321 (java) total-vm:9182736kB, anon-rss:7654321kB"
KILLED = ExitStatus(signal=9)
POLICY = Actor(ActorKind.POLICY, "restart", "restart")
HERE = "9f86d081"
HEIGHT = 3560

STARTED = ServerStarted(server_id="survival", at_ms=AT_MS + 20_000, run_id=8, process=ProcessId(4321, 1), by=POLICY)
READY = ServerReady(server_id="survival", at_ms=AT_MS + 40_000, run_id=8, after_s=20)


def events() -> list[Event]:
    """Of each kind one or two, as they are told at first."""
    oom = ExitReport(
        Verdict.OUT_OF_MEMORY, KILLED, (Evidence(EvidenceKind.SIGNAL, "9"), Evidence(EvidenceKind.OOM_KILL, OOM_LINE))
    )
    failed = StartFailed(
        server_id="survival", at_ms=AT_MS, reason="port_held", subject="25565", by=ALICE, holder="java, pid 4711"
    )
    return [
        crash(oom, log_tail=LOG),
        failed,
        ServerHung(server_id="survival", at_ms=AT_MS, run_id=7, evidence=SILENCE, last=SAMPLE, log_tail=LOG),
        ServerRecovered(server_id="survival", at_ms=AT_MS, run_id=7, after_s=200),
        crash(ExitReport(Verdict.HUNG, KILLED, SILENCE), log_tail=LOG),
        RestartsExhausted(server_id="survival", at_ms=AT_MS, failures=5, window_s=600, report=SEGV, last=SAMPLE),
        CROSSING,
        replace(CROSSING, limit=RESTARTED),
        replace(CROSSING, server_id="", limit=DISK, target="/srv", value=4.2, players=None),
        FORESEEN,
        replace(CLEARED, target="/srv"),
        HostRebooted(at_ms=AT_MS, servers=("survival", "ark"), last_seen_ms=AT_MS - 300_000),
        DatabaseRestored(at_ms=AT_MS, set_aside="gamekeeper.db.damaged", backup_ms=AT_MS - 3_600_000),
    ]


def messages(words: Words, locale: str) -> Iterator[discord.Embed]:
    """An alert that has grown, one of each kind, and what refers to them."""
    name = NAMES[locale]
    then = [*developments([STARTED, READY], AT_MS, words), looked_after(ALICE, AT_MS + 50_000, words)]
    yield alert_embed(crash(log_tail=LOG), 1, name, words, installation=HERE, then=then)
    for number, event in enumerate(events(), 2):
        yield alert_embed(
            event, number, name, words, installation=HERE, delayed_s=240 * isinstance(event, StartFailed)
        )
    yield call_embed(crash(), 2, name, words, minutes=10, installation=HERE)
    back = replace(READY, at_ms=AT_MS + 720_000)
    yield return_embed(back, 20, name, words, opened_ms=AT_MS, installation=HERE)
    told = [
        (n, replace(crash(), server_id=("survival", "ark")[n % 2], at_ms=AT_MS + n * 2000)) for n in range(30, 53)
    ]
    yield storm_embed(Storm(told, up_again=11, before=9), lambda each: OTHERS[each][locale], words, installation=HERE)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    for locale in NAMES:
        said = messages(catalogue(locale), locale)
        asyncio.run(picture(said, folder / f"alerts-{locale}.png", f"#30–52 · {HERE}", HEIGHT, at_ms=AT_MS + 120_000))


if __name__ == "__main__":
    main()
