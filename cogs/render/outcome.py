"""What `/start`, `/stop` and `/restart` answer: the steps as they are taken, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from cogs.locale.catalogue import Words, mark
from cogs.render.evidence import cause
from cogs.render.palette import STATES
from cogs.render.plans import bold_name, goes_on
from cogs.render.server import exit_words
from cogs.render.text import duration, timestamp
from monitor.model import EvidenceKind, ExitReport, Rung, Server, State
from monitor.saving import Saved

STEPS: dict[Rung, tuple[str, str]] = {
    Rung.WARN: ("📢", mark("Warning the players")),
    Rung.SAVE: ("💾", mark("Saving the world")),
    Rung.ASK: ("🚪", mark("Asking the game to stop")),
    Rung.TERMINATE: ("⚠️", mark("It did not stop when asked: terminating it")),
    Rung.KILL: ("⛔", mark("It ignored that as well: killing it")),
}
AT_ONCE = mark("Terminating it at once")
"""TERMINATE, where nobody asked it to stop before."""

ENDS: dict[State, str] = {
    State.STOPPED: mark("{name} is down."),
    State.STARTING: mark("{name} is still starting. It takes longer than usual: watch it with `/status`."),
    State.RUNNING: mark("{name} is up. Players can join."),
    State.STOPPING: mark("{name} is stopping."),
    State.BACKOFF: mark("{name} ended before it was ready: {cause}. The next try is {when}."),
    State.FAILED: mark("{name} ended before it was ready: {cause}. It keeps failing and was given up."),
    State.UNRESPONSIVE: mark("{name} runs, but does not answer."),
}


NOT_SAVED: dict[str, str] = {
    Saved.FAILED: mark("The world was not saved: the game was asked, and did not do it."),
    Saved.UNPROVEN: mark("The world was not seen to be saved: nothing showed it in time."),
}
FORCED = mark("It had to be forced: what was not saved by then is lost.")


def _steps(rungs: Sequence[Rung], words: Words) -> list[str]:
    asked = Rung.ASK in rungs
    texts = {rung: text if asked or rung is not Rung.TERMINATE else AT_ONCE for rung, (_, text) in STEPS.items()}
    return [f"{STEPS[rung][0]} {words.text(texts[rung])}" for rung in rungs]


def climbed(server: Server, rungs: Sequence[Rung], words: Words) -> str:
    """The steps of a stop so far; the last of them is being taken."""
    heading = words.text("Stopping {name}", name=bold_name(server))
    *done, now = _steps(rungs, words)
    return "\n".join([heading, *done, f"{now} …"])


def outcome(server: Server, words: Words, rungs: Sequence[Rung] | None = None) -> str:
    """How it ended, under the steps that led there; a start has none."""
    steps = _steps(rungs or (), words)
    on = goes_on(server, words) if rungs is not None else None
    if on is not None:
        return "\n".join([*steps, on])
    end = words.text(ENDS[server.state], name=bold_name(server), cause=_cause(server, words), when=_when(server))
    lines = [*steps, f"{STATES[server.state].icon} {end}{_took(server, words)}"]
    if server.last_exit is not None and rungs:
        lines += _losses(server.last_exit, rungs, words)
    elif server.last_exit is not None and server.state is State.STOPPED:
        lines.append(_last_exit(server.last_exit, words))
    return "\n".join(lines)


def _losses(report: ExitReport, rungs: Sequence[Rung], words: Words) -> list[str]:
    """What of the stop did not go as it should have. Who wanted it forced from the start knows that."""
    details = {item.kind: item.detail for item in report.evidence}
    told = []
    if EvidenceKind.NOT_SAVED in details:
        told.append(NOT_SAVED.get(details[EvidenceKind.NOT_SAVED], NOT_SAVED[Saved.UNPROVEN]))
    if EvidenceKind.FORCED in details and not rungs[0].forced:
        told.append(FORCED)
    return [f"⚠️ {words.text(text)}" for text in told]


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
