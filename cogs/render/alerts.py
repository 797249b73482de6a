"""Alerts as embeds. Everything stands in the description, one thing a line: on a phone, fields pile up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import discord

from cogs.locale.catalogue import Words, mark
from cogs.render.evidence import actor, after, cause, phrases, quotes, readings
from cogs.render.limits import DESCRIPTION, fit
from cogs.render.palette import EVENTS, VERDICTS, Look
from cogs.render.refusals import refusal
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
)
from monitor.model import Sample, Verdict

LOG_LINES = 15
LOG_AT_MOST = 2400
LATE_S = 60
"""An alert older than this says that it is late."""
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


def alert_embed(
    event: Event, event_id: int, server_name: str, words: Words, *, delayed_s: float = 0
) -> discord.Embed:
    """The embed of an alerting event, within Discord's limits whatever is in it.

    Raises:
        TypeError: this kind of event is not one that alerts.
    """
    match event:
        case ServerCrashed():
            embed = _embed(VERDICTS[event.report.verdict], HEADLINES[event.report.verdict], server_name, words)
            embed.description = _crash(event, words, delayed_s)
        case ServerHung():
            embed = _embed(EVENTS[event.kind], mark("{name} does not answer"), server_name, words)
            embed.description = _hung(event, words)
        case ServerRecovered():
            embed = _embed(EVENTS[event.kind], mark("{name} answers again"), server_name, words)
            embed.description = _recovered(event, words)
        case StartFailed():
            embed = _embed(EVENTS[event.kind], HEADLINES[Verdict.FAILED_TO_START], server_name, words)
            embed.description = _start_failed(event, words)
        case RestartsExhausted():
            embed = _embed(EVENTS[event.kind], mark("{name} keeps failing: given up"), server_name, words)
            embed.description = _exhausted(event, words)
        case HostRebooted():
            embed = _embed(EVENTS[event.kind], mark("The machine was restarted"), server_name, words)
            embed.description = _rebooted(event, words)
        case DatabaseRestored():
            embed = _embed(EVENTS[event.kind], mark("The database was damaged"), server_name, words)
            embed.description = _restored(event, words)
        case _:
            raise TypeError(event.kind)
    embed.timestamp = datetime.fromtimestamp(event.at_ms / 1000, UTC)
    return fit(embed.set_footer(text=_footer(event_id, words, delayed_s)))


def _embed(look: Look, headline: str, server_name: str, words: Words) -> discord.Embed:
    return discord.Embed(title=f"{look.icon} {words.text(headline, name=escape(server_name))}", colour=look.colour)


def _footer(event_id: int, words: Words, delayed_s: float) -> str:
    if delayed_s < LATE_S:
        return f"#{event_id}"
    return f"#{event_id} · {words.text('delayed {time}', time=duration(delayed_s, words))}"


def _crash(event: ServerCrashed, words: Words, delayed_s: float) -> str:
    facts = [*cause(event.report, words), after(event.uptime_s, words)]
    parts = [f"**{', '.join(facts)}**", *quotes(event.report)]
    parts += [_next(event, words, delayed_s), *_last(event.last, words)]
    return _with_log(parts, event.log_tail)


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


def _start_failed(event: StartFailed, words: Words) -> str:
    who = words.text("Asked for by {name}", name=actor(event.by, words))
    why = refusal(event.reason, event.subject, event.holder, words)
    return f"**{why}**\n{who}\n{_hint(event, words)}"


def _hung(event: ServerHung, words: Words) -> str:
    advice = words.text(
        "It still runs and is left alone. `{command}` restarts it.", command=f"/restart server:{event.server_id}"
    )
    parts = [f"**{', '.join(phrases(event.evidence, words))}**", f"⚠️ {advice}", *_last(event.last, words)]
    return _with_log(parts, event.log_tail)


def _recovered(event: ServerRecovered, words: Words) -> str:
    time = duration(event.after_s, words)
    return f"**{words.text('By itself, after {time}. It was not restarted.', time=time)}**"


def _exhausted(event: RestartsExhausted, words: Words) -> str:
    failed = words.plural(
        "Failed {n} time in {time}.",
        "Failed {n} times in {time}.",
        event.failures,
        time=duration(event.window_s, words),
    )
    advice = words.text("It is left down until somebody starts it. Look at its log first: the cause is still there.")
    return f"**{failed}**\n{advice}\n{_hint(event, words)}"


def _rebooted(event: HostRebooted, words: Words) -> str:
    went = words.plural("{n} server went down with it", "{n} servers went down with it", len(event.servers))
    ids = ", ".join(escape(server_id) for server_id in event.servers[:LISTED])
    more = ", …" if len(event.servers) > LISTED else ""
    parts = [f"**{went}**" + (f": {ids}{more}" if ids else "")]
    if event.last_seen_ms is not None:
        parts.append("🕒 " + words.text("Last seen running {when}", when=timestamp(event.last_seen_ms)))
    advice = words.text("Those that are set to start by themselves do. `{command}` starts another.", command="/start")
    return "\n".join([*parts, f"🔁 {advice}"])


def _restored(event: DatabaseRestored, words: Words) -> str:
    kept = words.text("It is kept as {file}, for whoever wants to look.", file=escape(event.set_aside, 200))
    if event.backup_ms is None:
        lost = words.text("There was no backup: the history begins anew.")
        advice = words.text("Take the servers in again with `{command}`.", command="gamekeeper server import")
        return f"**{lost}**\n{kept}\n➡️ {advice}"
    when = f"{timestamp(event.backup_ms, 'f')} ({timestamp(event.backup_ms)})"
    lost = words.text("A backup took its place. What was written after it is missing: {when}", when=when)
    advice = words.text("Check the disk: a healthy one does not damage files.")
    return f"**{lost}**\n{kept}\n➡️ {advice}"
