"""What is to come: a stop or restart announced for later, and what `/cancel` called off."""

from __future__ import annotations

from cogs.locale.catalogue import Words, mark
from cogs.render.evidence import actor
from cogs.render.palette import CALLED_OFF, PLANNED, STATES
from cogs.render.text import escape, timestamp
from monitor.model import IntentAction, Plan, Server, State

NAME_AT_MOST = 60
REASON_AT_MOST = 200

ANNOUNCED: dict[IntentAction, str] = {
    IntentAction.STOP: mark("{name} stops {when} ({time}). Planned by {who}."),
    IntentAction.RESTART: mark("{name} restarts {when} ({time}). Planned by {who}."),
}

REPLACED: dict[IntentAction, str] = {
    IntentAction.STOP: mark("This takes the place of the stop at {time} that {who} had planned."),
    IntentAction.RESTART: mark("This takes the place of the restart at {time} that {who} had planned."),
}

CALLED_OFF_PLANS: dict[IntentAction, str] = {
    IntentAction.STOP: mark("Called off: {name} does not stop at {time}. {who} had planned that."),
    IntentAction.RESTART: mark("Called off: {name} does not restart at {time}. {who} had planned that."),
}

CALLED_OFF_STATES: dict[State, str] = {
    State.STOPPING: mark("Called off in time: {name} goes on running."),
    State.BACKOFF: mark("Called off: {name} stays down. Start it with `/start`."),
    State.FAILED: mark("{name} is not given up any more, and its failures are forgotten. Start it with `/start`."),
}
"""By the state that it was called off in."""

LINES: dict[IntentAction, str] = {
    IntentAction.STOP: mark("Stops {when} ({time}), planned by {who}"),
    IntentAction.RESTART: mark("Restarts {when} ({time}), planned by {who}"),
}

SHORT: dict[IntentAction, str] = {
    IntentAction.STOP: mark("stops {when}"),
    IntentAction.RESTART: mark("restarts {when}"),
}


def bold_name(server: Server) -> str:
    return f"**{escape(server.spec.name or server.id, NAME_AT_MOST)}**"


def announced(server: Server, plan: Plan, before: Plan | None, words: Words) -> str:
    """What `/stop` and `/restart` answer where it is to happen later; `before` is what had been planned instead."""
    lines = [f"{PLANNED.icon} {_filled(ANNOUNCED[plan.action], plan, words, bold_name(server))}"]
    lines += _reason(plan, words)
    if before is not None:
        lines.append(_filled(REPLACED[before.action], before, words))
    told = words.text(
        "Players are warned as it comes near. `{command}` calls it off.", command=f"/cancel server:{server.id}"
    )
    return "\n".join([*lines, told])


def force_is_now(words: Words) -> str:
    """The answer to somebody who wants a stop to be forced, and to happen later."""
    return words.text("`force` ends it now, `in` plans a polite stop for later: use one of them.")


def called_off(before: Server, words: Words) -> str:
    """What `/cancel` answers, by how the server stood before it."""
    name = bold_name(before)
    if before.state in CALLED_OFF_STATES:
        return f"{CALLED_OFF.icon} {words.text(CALLED_OFF_STATES[before.state], name=name)}"
    if before.planned is not None:
        told = _filled(CALLED_OFF_PLANS[before.planned.action], before.planned, words, name)
        return f"{CALLED_OFF.icon} {told}"
    return f"{CALLED_OFF.icon} {words.text(CALLED_OFF_STATES[State.STOPPING], name=name)}"


def goes_on(server: Server, words: Words) -> str | None:
    """What whoever waits for a stop is told once somebody has called it off; `None` where nobody has."""
    by = server.called_off_by
    if by is None or server.process is None:
        return None
    told = words.text("{name} goes on running: {who} called it off.", name=bold_name(server), who=actor(by, words))
    return f"{STATES[server.state].icon} {told}"


def plan_lines(server: Server, words: Words) -> list[str]:
    """The plan of a server in full, for its own page; empty where there is none."""
    plan = server.planned
    if plan is None:
        return []
    return [f"{PLANNED.icon} {_filled(LINES[plan.action], plan, words)}", *_reason(plan, words)]


def plan_figure(server: Server, words: Words) -> list[str]:
    """The plan of a server in two words, for a list."""
    plan = server.planned
    if plan is None:
        return []
    return [f"{PLANNED.icon} {words.text(SHORT[plan.action], when=timestamp(plan.due_ms))}"]


def _filled(text: str, plan: Plan, words: Words, name: str = "") -> str:
    when, time = timestamp(plan.due_ms), timestamp(plan.due_ms, "t")
    return words.text(text, name=name, when=when, time=time, who=actor(plan.by, words))


def _reason(plan: Plan, words: Words) -> list[str]:
    return [words.text("Reason: {reason}", reason=escape(plan.reason, REASON_AT_MOST))] if plan.reason else []
