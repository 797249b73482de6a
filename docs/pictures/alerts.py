"""Shows what people read, as Discord shows it: `python -m docs.pictures.alerts FOLDER` writes two pictures there.

It needs a Chromium. The pictures are for looking at, and no part of the documentation.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import discord
import simcord
from playwright.async_api import async_playwright

from cogs.locale.catalogue import Words, catalogue
from cogs.render.alerts import alert_embed
from cogs.render.limit_list import Shown, limits_embed
from cogs.render.outcome import outcome
from cogs.render.plans import announced, called_off
from cogs.render.server import server_embed
from cogs.render.status import status_embed
from cogs.render.thresholds import where
from monitor.events import Event, ServerHung, ServerRecovered, StartFailed
from monitor.limit_watch import Held
from monitor.limits import CROSSED
from monitor.model import Evidence, EvidenceKind, ExitReport, ExitStatus, IntentAction, Plan, Rung, State, Verdict
from tests.bot.demo.browser import CHROMIUM, FLAGS
from tests.cogs.render.limited import CLEARED, CROSSING, DISK, FORESEEN, GIB, HEAP, RESTARTED
from tests.cogs.render.samples import ALICE, AT_MS, SAMPLE, SILENCE, crash, server

NAMES = {"en": "Survival", "ko": "야생"}
LOG = ("[12:00:01 INFO]: Saved the game", "[12:00:07 WARN]: Can't keep up! Running 5120ms behind")
OOM_LINE = "Out of memory: Killed process 4321 (java) total-vm:9182736kB, anon-rss:7654321kB"
KILLED = ExitStatus(signal=9)
LOST = (Evidence(EvidenceKind.NOT_SAVED, "unproven"), Evidence(EvidenceKind.FORCED, "kill"))


def events() -> list[Event]:
    oom = ExitReport(
        Verdict.OUT_OF_MEMORY, KILLED, (Evidence(EvidenceKind.SIGNAL, "9"), Evidence(EvidenceKind.OOM_KILL, OOM_LINE))
    )
    failed = StartFailed(
        server_id="survival", at_ms=AT_MS, reason="port_held", subject="25565", by=ALICE, holder="java, pid 4711"
    )
    return [
        ServerHung(server_id="survival", at_ms=AT_MS, run_id=7, evidence=SILENCE, last=SAMPLE, log_tail=LOG),
        ServerRecovered(server_id="survival", at_ms=AT_MS, run_id=7, after_s=200),
        crash(ExitReport(Verdict.HUNG, KILLED, SILENCE), log_tail=LOG),
        crash(oom, log_tail=LOG),
        failed,
        replace(failed, reason="already_running", subject="/opt/java"),
        CROSSING,
        replace(CROSSING, limit=RESTARTED),
        replace(CROSSING, server_id="", limit=DISK, target="/srv", value=4.2, players=None),
        FORESEEN,
        replace(CLEARED, target="/srv"),
    ]


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
    yield server_embed(planned, words)


async def picture(locale: str, path: Path) -> None:
    words, client = catalogue(locale), discord.Client(intents=discord.Intents(guilds=True))
    async with simcord.run(client) as env:
        guild = env.create_guild("gamekeeper")
        there = guild.create_text_channel("alerts")
        viewer = guild.add_member(env.create_user("you"))
        await env.settle()
        channel = client.get_channel(there.id)
        if not isinstance(channel, discord.TextChannel):
            raise TypeError(channel)
        for number, event in enumerate(events(), 1):
            await channel.send(embed=alert_embed(event, number, NAMES[locale], words))
        for said in answers(words, NAMES[locale]):
            await (channel.send(said) if isinstance(said, str) else channel.send(embed=said))
        async with env.preview(there, viewers=[viewer], layout="channel", timezone="Asia/Seoul") as preview:
            await _take(preview.url, path)


async def _take(url: str, path: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = await browser.new_page(viewport={"width": 900, "height": 4400})
        await page.goto(url)
        await page.locator("main").get_by_text("PID 4321").last.wait_for()
        await page.screenshot(path=path)
        await browser.close()


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for locale in NAMES:
        asyncio.run(picture(locale, folder / f"alerts-{locale}.png"))


if __name__ == "__main__":
    main()
