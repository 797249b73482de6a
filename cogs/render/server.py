"""What `/status` answers for one server: all there is to know of it, without its secrets."""

from __future__ import annotations

from dataclasses import replace

import discord

from cogs.locale.catalogue import Words, mark
from cogs.render.evidence import actor, cause, readings
from cogs.render.limits import FIELD_VALUE, fit
from cogs.render.palette import STATES
from cogs.render.plans import plan_lines
from cogs.render.status import player_count, state_words
from cogs.render.text import escape, length, number, timestamp
from monitor.model import EvidenceKind, ExitReport, Server, State, Verdict
from monitor.spec import RestartMode

PLAYERS_REST = 16
"""Room kept for "+ n", the players that were left out."""
LIVE = (State.STARTING, State.RUNNING, State.STOPPING, State.UNRESPONSIVE)

VERDICT_WORDS: dict[Verdict, str] = {
    Verdict.STOPPED: mark("stopped on request"),
    Verdict.STOPPED_IN_GAME: mark("stopped in game"),
    Verdict.UNEXPECTED_EXIT: mark("ended by itself"),
    Verdict.FAILED_TO_START: mark("failed to start"),
    Verdict.CRASHED: mark("crashed"),
    Verdict.CONSOLE_CLOSED: mark("console closed"),
    Verdict.OUT_OF_MEMORY: mark("out of memory"),
    Verdict.HOST_REBOOTED: mark("machine restarted"),
    Verdict.ENDED_UNSEEN: mark("ended while the bot was away"),
    Verdict.HUNG: mark("did not answer"),
}

RESTART_WORDS: dict[RestartMode, str] = {
    RestartMode.NEVER: mark("never"),
    RestartMode.ON_CRASH: mark("after a crash"),
    RestartMode.ALWAYS: mark("always"),
}


def server_embed(server: Server, words: Words) -> discord.Embed:
    """Everything a `Server` knows, grouped so that it reads from top to bottom on a phone."""
    look = STATES[server.state]
    embed = discord.Embed(
        title=f"{look.icon} {escape(server.spec.name or server.id)}",
        description="\n".join(_now(server, words)),
        colour=look.colour,
    )
    for name, lines in (
        (words.text("Load"), _load(server, words)),
        (words.text("Process"), _process(server, words)),
        (words.text("Restarts"), _restarts(server, words)),
        (words.text("Last exit"), _last_exit(server, words)),
        (_players_heading(server, words), _player_names(server)),
    ):
        if lines:
            embed.add_field(name=name, value="\n".join(lines))
    return fit(embed.set_footer(text=f"{server.id} · {server.spec.game}"))


def _now(server: Server, words: Words) -> list[str]:
    since = f" · {timestamp(server.since_ms)}" if server.since_ms else ""
    lines = [f"**{state_words(server.state, words)}**{since}"]
    if server.state is State.BACKOFF and server.next_start_ms is not None:
        lines.append(words.text("Next start {when}", when=timestamp(server.next_start_ms)))
    return [*lines, *plan_lines(server, words), *player_count(server.players)]


def _load(server: Server, words: Words) -> list[str]:
    if server.latest is None:
        return []
    lines = [f"{label} **{value}**" for label, value in readings(server.latest, words)]
    return [*lines, words.text("measured {when}", when=timestamp(server.latest.at_s * 1000))] if lines else []


def _process(server: Server, words: Words) -> list[str]:
    lines = []
    if server.process is not None:
        lines.append(words.text("PID {pid}", pid=server.process.pid))
    if server.started_ms is not None and server.state in LIVE:
        lines.append(words.text("Started {when}", when=timestamp(server.started_ms, "f")))
    return lines


def _restarts(server: Server, words: Words) -> list[str]:
    policy = server.spec.restart
    lines = [words.text("By itself: {policy}", policy=words.text(RESTART_WORDS[policy.policy]))]
    if policy.policy is not RestartMode.NEVER:
        lines.append(words.text("{used} of {budget} used", used=server.restarts_used, budget=policy.budget))
    if server.spec.autostart:
        lines.append(words.text("Starts with the bot"))
    return lines


def _last_exit(server: Server, words: Words) -> list[str]:
    if server.last_exit is None:
        return []
    when = f" · {timestamp(server.last_exit_ms)}" if server.last_exit_ms is not None else ""
    # Who asked for it stands in the first line.
    evidence = tuple(item for item in server.last_exit.evidence if item.kind is not EvidenceKind.ASKED)
    facts = cause(replace(server.last_exit, evidence=evidence), words)
    return [f"**{exit_words(server.last_exit, words)}**{when}", *facts]


def exit_words(report: ExitReport, words: Words) -> str:
    """How a life ended, in a few words, and who asked for it."""
    if report.verdict is Verdict.STOPPED and report.by is not None:
        return words.text("stopped by {name}", name=actor(report.by, words))
    return words.text(VERDICT_WORDS[report.verdict])


def _players_heading(server: Server, words: Words) -> str:
    n = len(server.players.names) if server.players is not None else 0
    return words.plural("{n} player on", "{n} players on", n)


def _player_names(server: Server) -> list[str]:
    """The names on one line, as many as fit a field."""
    if server.players is None or not server.players.names:
        return []
    shown = ""
    for n, name in enumerate(server.players.names):
        more = f"{shown}, {escape(name, 40)}" if shown else escape(name, 40)
        rest = len(server.players.names) - n
        if length(more) > FIELD_VALUE - PLAYERS_REST:
            return [f"{shown} +{number(rest)}"]
        shown = more
    return [shown]
