"""What happens after an alert: the lines that its message grows by, and the messages that refer to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import discord

from cogs.locale.catalogue import Words, mark
from cogs.render import thresholds
from cogs.render.evidence import actor, cause
from cogs.render.footer import footer
from cogs.render.limits import fit
from cogs.render.palette import CALLED_OFF, EVENTS, GREY, STATES, VERDICTS
from cogs.render.refusals import refusal
from cogs.render.text import duration, escape, timestamp
from monitor.events import (
    Event,
    NextStep,
    RestartCalledOff,
    RestartsExhausted,
    ServerCrashed,
    ServerHung,
    ServerReady,
    ServerRecovered,
    ServerStarted,
    ServerStopped,
    StartFailed,
)
from monitor.limit_events import ForecastLifted, LimitEvent, LimitRestart
from monitor.model import Actor, ActorKind, State, Verdict

LINES_AT_MOST = 8
"""So many of the latest are shown."""


def developments(events: Sequence[Event], opened_ms: int, words: Words) -> list[str]:
    """A line for each thing that happened since the alert, the latest of them where there are many."""
    lines = [_line(event, opened_ms, words) for event in events]
    if len(lines) <= LINES_AT_MOST:
        return lines
    left_out = len(lines) - LINES_AT_MOST
    return [
        words.plural("… {n} more line before that", "… {n} more lines before that", left_out),
        *lines[left_out:],
    ]


def looked_after(by: Actor, at_ms: int, words: Words) -> str:
    """The line that says that somebody has acknowledged it."""
    return f"👀 {timestamp(at_ms, 't')} {words.text('{name} looks after it', name=actor(by, words))}"


def _line(event: Event, opened_ms: int, words: Words) -> str:
    return f"{_icon(event)} {timestamp(event.at_ms, 't')} {_development(event, opened_ms, words)}"


ICONS: dict[type[Event], str] = {
    ServerStarted: STATES[State.STARTING].icon,
    ServerReady: STATES[State.RUNNING].icon,
    ServerStopped: STATES[State.STOPPED].icon,
    RestartCalledOff: CALLED_OFF.icon,
    LimitRestart: STATES[State.STARTING].icon,
    ForecastLifted: CALLED_OFF.icon,
}
PLAIN: dict[type[Event], str] = {
    ServerHung: mark("It does not answer"),
    ServerRecovered: mark("Answers again"),
    RestartsExhausted: mark("Given up: it failed too often"),
}


def _icon(event: Event) -> str:
    if isinstance(event, ServerCrashed):
        return VERDICTS[event.report.verdict].icon
    return ICONS[type(event)] if type(event) in ICONS else EVENTS[event.kind].icon


def _development(event: Event, opened_ms: int, words: Words) -> str:
    match event:
        case ServerStarted():
            by_policy = event.by.kind is ActorKind.POLICY
            return words.text("Restarting") if by_policy else _by(mark("Started by {name}"), event.by, words)
        case ServerReady():
            return words.text("Up again after {time}", time=_since(event, opened_ms, words))
        case ServerCrashed():
            return _again(event, words)
        case StartFailed():
            return refusal(event.reason, event.subject, event.holder, words)
        case RestartCalledOff():
            return _by(mark("The restart was called off by {name}"), event.by, words)
        case ServerStopped():
            return _stopped(event, words)
        case LimitEvent():
            return thresholds.development(event, words)
        case _:
            return words.text(PLAIN[type(event)])


def _by(text: str, who: Actor, words: Words) -> str:
    return words.text(text, name=actor(who, words))


def _since(event: Event, opened_ms: int, words: Words) -> str:
    return duration(max(0, event.at_ms - opened_ms) / 1000, words)


def _again(event: ServerCrashed, words: Words) -> str:
    facts = cause(event.report, words)
    told = words.text("Down again: {cause}", cause=facts[0]) if facts else words.text("Down again")
    aftermath = event.aftermath
    if aftermath.step is not NextStep.RESTART:
        return told
    time = duration(aftermath.delay_s, words)
    return f"{told} · " + words.text(
        "Restart {attempt} of {budget} in {time}", attempt=aftermath.attempt, budget=aftermath.budget, time=time
    )


def _stopped(event: ServerStopped, words: Words) -> str:
    if event.report.verdict is Verdict.STOPPED_IN_GAME or event.report.by is None:
        return words.text("Stopped in game")
    return _by(mark("Stopped by {name}"), event.report.by, words)


def return_embed(
    event: ServerReady,
    event_id: int,
    server_name: str,
    words: Words,
    *,
    opened_ms: int,
    installation: str = "",
    delayed_s: float = 0,
) -> discord.Embed:
    """Tell that a server is up again that was down for long."""
    look = EVENTS[ServerRecovered.kind]
    title = words.text("{name} is up again", name=escape(server_name))
    embed = discord.Embed(title=f"{look.icon} {title}", colour=look.colour)
    down = words.text("After {time} of trouble. Players can join.", time=_since(event, opened_ms, words))
    embed.description = f"**{down}**"
    embed.timestamp = datetime.fromtimestamp(event.at_ms / 1000, UTC)
    return fit(embed.set_footer(text=footer((event_id,), words, installation, delayed_s)))


def development_embed(
    event: Event,
    event_id: int,
    server_name: str,
    words: Words,
    *,
    opened_ms: int,
    installation: str = "",
    delayed_s: float = 0,
) -> discord.Embed:
    """Tell by itself what is no alert, where no message can grow by a line."""
    embed = discord.Embed(title=f"{_icon(event)} {escape(server_name)}", colour=GREY)
    embed.description = f"**{_development(event, opened_ms, words)}**"
    embed.timestamp = datetime.fromtimestamp(event.at_ms / 1000, UTC)
    return fit(embed.set_footer(text=footer((event_id,), words, installation, delayed_s)))


def call_embed(
    event: Event, event_id: int, server_name: str, words: Words, *, minutes: int, installation: str
) -> discord.Embed:
    """Call for somebody, as nobody has acknowledged an alert."""
    look = EVENTS.get(event.kind, EVENTS[ServerCrashed.kind])
    title = words.text("{name} still needs somebody", name=escape(server_name))
    embed = discord.Embed(title=f"📣 {title}", colour=look.colour)
    embed.description = words.plural(
        "It has been in trouble for {n} minute, and nobody has said that they look after it.",
        "It has been in trouble for {n} minutes, and nobody has said that they look after it.",
        minutes,
    )
    return fit(embed.set_footer(text=footer((event_id,), words, installation, call=True)))


def test_embed(by: Actor, at_ms: int, words: Words) -> discord.Embed:
    """Show that alerts arrive."""
    embed = discord.Embed(title=f"🔔 {words.text('This is a test')}", colour=EVENTS[ServerRecovered.kind].colour)
    told = words.text("{name} wants to see whether alerts arrive here. They do.", name=actor(by, words))
    embed.description = told
    embed.timestamp = datetime.fromtimestamp(at_ms / 1000, UTC)
    return fit(embed)
