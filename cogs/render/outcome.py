"""What `/start`, `/stop` and `/restart` answer: the steps as they are taken, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from cogs.locale.catalogue import Words, mark
from cogs.render.evidence import cause
from cogs.render.palette import STATES
from cogs.render.server import exit_words
from cogs.render.text import duration, escape, timestamp
from monitor.model import ExitReport, Rung, Server, State

NAME_AT_MOST = 60

STEPS: dict[Rung, tuple[str, str]] = {
    Rung.WARN: ("📢", mark("Warning the players")),
    Rung.SAVE: ("💾", mark("Saving the world")),
    Rung.ASK: ("🚪", mark("Asking the game to stop")),
    Rung.TERMINATE: ("⚠️", mark("It did not stop when asked: terminating it")),
    Rung.KILL: ("⛔", mark("It ignored that as well: killing it")),
}

ENDS: dict[State, str] = {
    State.STOPPED: mark("{name} is down."),
    State.STARTING: mark("{name} is still starting. It takes longer than usual: watch it with `/status`."),
    State.RUNNING: mark("{name} is up. Players can join."),
    State.STOPPING: mark("{name} is stopping."),
    State.BACKOFF: mark("{name} ended before it was ready: {cause}. The next try is {when}."),
    State.FAILED: mark("{name} ended before it was ready: {cause}. It keeps failing and was given up."),
    State.UNRESPONSIVE: mark("{name} runs, but does not answer."),
}


def _name(server: Server) -> str:
    return f"**{escape(server.spec.name or server.id, NAME_AT_MOST)}**"


def _step(rung: Rung, words: Words) -> str:
    icon, text = STEPS[rung]
    return f"{icon} {words.text(text)}"


def climbed(server: Server, rungs: Sequence[Rung], words: Words) -> str:
    """The steps of a stop so far; the last of them is being taken."""
    heading = words.text("Stopping {name}", name=_name(server))
    *done, now = (_step(rung, words) for rung in rungs)
    return "\n".join([heading, *done, f"{now} …"])


def outcome(server: Server, words: Words, rungs: Sequence[Rung] = ()) -> str:
    """How it ended, under the steps that led there."""
    end = words.text(ENDS[server.state], name=_name(server), cause=_cause(server, words), when=_when(server))
    lines = [*(_step(rung, words) for rung in rungs), f"{STATES[server.state].icon} {end}{_took(server, words)}"]
    if server.state is State.STOPPED and not rungs and server.last_exit is not None:
        lines.append(_last_exit(server.last_exit, words))
    return "\n".join(lines)


def _last_exit(report: ExitReport, words: Words) -> str:
    facts = cause(report, words) if report.verdict.failure else []
    return ": ".join([exit_words(report, words), *([", ".join(facts)] if facts else [])])


def _took(server: Server, words: Words) -> str:
    if server.state is not State.RUNNING or server.started_ms is None:
        return ""
    took_s = (server.since_ms - server.started_ms) / 1000
    return " " + words.text("It took {time}.", time=duration(took_s, words)) if took_s >= 1 else ""


def _cause(server: Server, words: Words) -> str:
    return ", ".join(cause(server.last_exit, words)) if server.last_exit is not None else ""


def _when(server: Server) -> str:
    return timestamp(server.next_start_ms) if server.next_start_ms is not None else ""
