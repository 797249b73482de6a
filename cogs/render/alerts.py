"""Alerts as embeds. Everything stands in the description, one thing a line: on a phone, fields pile up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import discord

from cogs.locale.catalogue import Words, mark
from cogs.render import database, thresholds
from cogs.render.evidence import actor, after, cause, phrases, quotes, readings
from cogs.render.footer import footer
from cogs.render.limits import DESCRIPTION, fit
from cogs.render.palette import EVENTS, VERDICTS, Look
from cogs.render.refusals import refusal
from cogs.render.server import VERDICT_WORDS
from cogs.render.text import code_block, duration, escape, length, timestamp
from monitor.events import (
    Aftermath,
    DatabaseRestored,
    Event,
    HostRebooted,
    NextStep,
    RestartsExhausted,
    ServerCrashed,
    ServerHung,
    ServerRecovered,
    StartFailed,
    StorageDegraded,
    StorageRecovered,
)
from monitor.limit_events import LimitEvent
from monitor.model import ExitReport, Sample, Verdict

LOG_LINES = 15
LOG_AT_MOST = 2400
LISTED = 20
"""Of many servers, so many are named."""
SHOWN_LAST = ("cpu", "memory", "players", "tick_rate")

HEADLINES: dict[Verdict, str] = {
    Verdict.STOPPED: mark("{name} was stopped"),
    Verdict.STOPPED_IN_GAME: mark("{name} was stopped in game"),
    Verdict.UNEXPECTED_EXIT: mark("{name} ended by itself"),
    Verdict.FAILED_TO_START: mark("{name} failed to start"),
    Verdict.CRASHED: mark("{name} crashed"),
    Verdict.CONSOLE_CLOSED: mark("{name} ended: its console was closed"),
    Verdict.OUT_OF_MEMORY: mark("{name} ran out of memory"),
    Verdict.HOST_REBOOTED: mark("{name} went down: the machine was restarted"),
    Verdict.ENDED_UNSEEN: mark("{name} ended while the bot was away"),
    Verdict.HUNG: mark("{name} did not answer and was ended"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What an alert says, before it is an embed."""

    look: Look
    headline: str
    lines: Sequence[str]
    log_tail: Sequence[str] = ()
    whole: bool = False
    """Whether the headline is in words already."""


def alert_embed(
    event: Event,
    event_id: int,
    server_name: str,
    words: Words,
    *,
    delayed_s: float = 0,
    installation: str = "",
    then: Sequence[str] = (),
    also: Sequence[int] = (),
) -> discord.Embed:
    """The embed of an alerting event, within Discord's limits whatever is in it.

    Args:
        event: what happened.
        event_id: under which it is written down.
        server_name: what people call its server.
        words: of the reader.
        delayed_s: how late it is told.
        installation: which of the bots in a channel tells it.
        then: what has happened since, a line each.
        also: further events that the message tells of.

    Raises:
        TypeError: this kind of event is not one that alerts.
    """
    told = (
        _told_of_limit(event, server_name, words) if isinstance(event, LimitEvent) else _told(event, words, delayed_s)
    )
    embed = _embed(told, server_name, words)
    embed.description = _with_log([*told.lines, *then], told.log_tail)
    embed.timestamp = datetime.fromtimestamp(event.at_ms / 1000, UTC)
    return fit(embed.set_footer(text=footer((event_id, *also), words, installation, delayed_s)))


def _told(event: Event, words: Words, delayed_s: float) -> Told:
    match event:
        case ServerCrashed():
            verdict = event.report.verdict
            return Told(VERDICTS[verdict], HEADLINES[verdict], _crash(event, words, delayed_s), event.log_tail)
        case ServerHung():
            return Told(EVENTS[event.kind], mark("{name} does not answer"), _hung(event, words), event.log_tail)
        case ServerRecovered():
            return Told(EVENTS[event.kind], mark("{name} answers again"), [_recovered(event, words)])
        case StartFailed():
            return Told(EVENTS[event.kind], HEADLINES[Verdict.FAILED_TO_START], _start_failed(event, words))
        case RestartsExhausted():
            return Told(EVENTS[event.kind], mark("{name} keeps failing: given up"), _exhausted(event, words))
        case HostRebooted():
            return Told(EVENTS[event.kind], mark("The machine was restarted"), _rebooted(event, words))
        case DatabaseRestored():
            return Told(EVENTS[event.kind], database.RESTORED, [database.restored(event, words)])
        case StorageDegraded():
            return Told(EVENTS[event.kind], database.degraded_headline(event), [database.degraded(event, words)])
        case StorageRecovered():
            return Told(EVENTS[event.kind], database.RECOVERED, [database.recovered(event, words)])
        case _:
            raise TypeError(event.kind)


def _told_of_limit(event: LimitEvent, server_name: str, words: Words) -> Told:
    lines = thresholds.told(event, words)
    return Told(EVENTS[event.kind], thresholds.headline(event, server_name, words), lines, whole=True)


def _embed(told: Told, server_name: str, words: Words) -> discord.Embed:
    headline = told.headline if told.whole else words.text(told.headline, name=escape(server_name))
    return discord.Embed(title=f"{told.look.icon} {headline}", colour=told.look.colour)


def _crash(event: ServerCrashed, words: Words, delayed_s: float) -> list[str]:
    facts = [*cause(event.report, words), after(event.uptime_s, words)]
    parts = [f"**{', '.join(facts)}**", *quotes(event.report)]
    return [*parts, _next(event, words, delayed_s), *_last(event.last, words)]


def _with_log(parts: Sequence[str], log_tail: Sequence[str]) -> str:
    """The lines of an alert, and under them as much of the log's end as fits."""
    told = "\n".join(parts)
    log = code_block(log_tail[-LOG_LINES:], min(LOG_AT_MOST, DESCRIPTION - length(told) - 1))
    return f"{told}\n{log}" if log else told


def _next(event: ServerCrashed, words: Words, delayed_s: float) -> str:
    aftermath = event.aftermath
    match aftermath.step:
        case NextStep.RESTART:
            return f"🔁 {_restart(aftermath, event.at_ms, words, delayed_s)}"
        case NextStep.STAY_DOWN:
            return "⏹️ " + words.text("It stays down, as its restart policy says. {hint}", hint=_hint(event, words))
        case NextStep.GIVE_UP:
            given_up = words.plural("Given up after {n} restart.", "Given up after {n} restarts.", aftermath.budget)
            return f"🛑 {given_up} {_hint(event, words)}"


def _restart(aftermath: Aftermath, at_ms: int, words: Words, delayed_s: float) -> str:
    due_ms = at_ms + round(aftermath.delay_s * 1000)
    if delayed_s > aftermath.delay_s:
        return words.text(
            "Restart {attempt} of {budget} was due {when}",
            attempt=aftermath.attempt,
            budget=aftermath.budget,
            when=timestamp(due_ms),
        )
    return words.text(
        "Restart {attempt} of {budget} in {time}",
        attempt=aftermath.attempt,
        budget=aftermath.budget,
        time=duration(aftermath.delay_s, words),
    )


def _hint(event: Event, words: Words) -> str:
    return words.text("Start it again with `{command}`.", command=f"/start server:{event.server_id}")


def _last(sample: Sample | None, words: Words) -> list[str]:
    if sample is None:
        return []
    told = readings(sample, words, SHOWN_LAST)
    return ["📊 " + " · ".join(f"{label} **{value}**" for label, value in told)] if told else []


def _start_failed(event: StartFailed, words: Words) -> list[str]:
    who = words.text("Asked for by {name}", name=actor(event.by, words))
    why = refusal(event.reason, event.subject, event.holder, words)
    return [f"**{why}**", who, _hint(event, words)]


def _hung(event: ServerHung, words: Words) -> list[str]:
    advice = words.text(
        "It still runs and is left alone. `{command}` restarts it.", command=f"/restart server:{event.server_id}"
    )
    return [f"**{', '.join(phrases(event.evidence, words))}**", f"⚠️ {advice}", *_last(event.last, words)]


def _recovered(event: ServerRecovered, words: Words) -> str:
    time = duration(event.after_s, words)
    return f"**{words.text('By itself, after {time}. It was not restarted.', time=time)}**"


def _exhausted(event: RestartsExhausted, words: Words) -> list[str]:
    failed = words.plural(
        "Failed {n} time in {time}.",
        "Failed {n} times in {time}.",
        event.failures,
        time=duration(event.window_s, words),
    )
    advice = words.text("It is left down until somebody starts it. Look at its log first: the cause is still there.")
    why = _last_failure(event.report, words)
    return [f"**{failed}**", *why, f"🛑 {advice}", _hint(event, words), *_last(event.last, words)]


def _last_failure(report: ExitReport | None, words: Words) -> list[str]:
    """What it was the last time: whoever sees this may never have seen the alert before it."""
    if report is None:
        return []
    verdict = words.text(VERDICT_WORDS[report.verdict])
    told = words.text("The last time: {what}", what=", ".join([verdict, *cause(report, words)]))
    return [f"{VERDICTS[report.verdict].icon} {told}", *quotes(report)]


def _rebooted(event: HostRebooted, words: Words) -> list[str]:
    went = words.plural("{n} server went down with it", "{n} servers went down with it", len(event.servers))
    ids = ", ".join(escape(server_id) for server_id in event.servers[:LISTED])
    more = ", …" if len(event.servers) > LISTED else ""
    parts = [f"**{went}**" + (f": {ids}{more}" if ids else "")]
    if event.last_seen_ms is not None:
        parts.append("🕒 " + words.text("Last seen running {when}", when=timestamp(event.last_seen_ms)))
    advice = words.text("Those that are set to start by themselves do. `{command}` starts another.", command="/start")
    return [*parts, f"🔁 {advice}"]
