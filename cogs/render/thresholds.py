"""Limits in words: what they say, and what is told when one is crossed, is over, or is going to be crossed."""

from __future__ import annotations

from collections.abc import Sequence

from cogs.locale.catalogue import Words, mark
from cogs.render.evidence import reading
from cogs.render.text import duration, escape, timestamp
from monitor.limit_events import (
    ForecastLifted,
    LimitCleared,
    LimitCrossed,
    LimitEvent,
    LimitForeseen,
    LimitRestart,
)
from monitor.limits import Hours, Limit, Of, RestartCause, Side

DRIVE_AT_MOST = 60
HOUR_MIN = 60

BOUNDS: dict[Side, str] = {
    Side.ABOVE: mark("{what} above {value}"),
    Side.BELOW: mark("{what} below {value}"),
}
CROSSED: dict[Side, str] = {
    Side.ABOVE: mark("{name}: {what} above {value}"),
    Side.BELOW: mark("{name}: {what} below {value}"),
}
FORESEEN: dict[Side, str] = {
    Side.ABOVE: mark("{name}: {what} is going to be above {value}"),
    Side.BELOW: mark("{name}: {what} is going to be below {value}"),
}
CLEARED = mark("{name}: {what} is back within its limit")

CAUSES: dict[RestartCause, str] = {
    RestartCause.EMPTY: mark("Restarted for this limit: nobody is on"),
    RestartCause.WAITED: mark("Restarted for this limit: players were waited for long enough"),
    RestartCause.CEILING: mark("Restarted for this limit: the value did not allow to wait"),
}
NEXT: dict[Of, str] = {
    Of.SERVER: mark("Nothing is done about it by itself. `{restart}` restarts it; `{list}` shows all limits."),
    Of.DISK: mark("Make room there: old backups and logs first. Servers and the bot cannot save on a full drive."),
    Of.HOST: mark("`{status}` shows which server takes how much; `{list}` shows all limits."),
}
EVERYWHERE: dict[Of, str] = {
    Of.SERVER: mark("Every server"),
    Of.DISK: mark("Every drive with a server or the bot on it"),
    Of.HOST: mark("The machine"),
}


def amount(limit: Limit, value: float, words: Words) -> str:
    """A value of what is limited, with its unit."""
    return reading(limit.measure, value, words)


def what(limit: Limit, words: Words) -> str:
    """What is limited."""
    return words.text(limit.measure.label)


def bound(limit: Limit, words: Words) -> str:
    """The limit itself: "Memory above 8.00 GiB"."""
    return words.text(BOUNDS[limit.side], what=what(limit, words), value=amount(limit, limit.value, words))


def about(server_id: str, target: str, server_name: str, words: Words) -> str:
    """What a limit holds for here, by name: a server, a drive or the machine; not escaped."""
    if server_id:
        return server_name
    return words.text("Drive {drive}", drive=target[:DRIVE_AT_MOST]) if target else words.text("The machine")


def headline(event: LimitEvent, server_name: str, words: Words) -> str:
    """The title of an alert."""
    limit = event.limit
    text = {LimitCrossed: CROSSED[limit.side], LimitForeseen: FORESEEN[limit.side]}.get(type(event), CLEARED)
    name = escape(about(event.server_id, event.target, server_name, words))
    return words.text(text, name=name, what=what(limit, words), value=amount(limit, limit.value, words))


def told(event: LimitEvent, words: Words) -> list[str]:
    """The lines of an alert."""
    match event:
        case LimitCrossed():
            return _crossed(event, words)
        case LimitForeseen():
            return _foreseen(event, words)
        case LimitCleared():
            return [f"**{_cleared(event, words)}**"]
        case _:
            raise TypeError(event.kind)


def development(event: LimitEvent, words: Words) -> str:
    """What has happened since an alert, in a few words."""
    match event:
        case LimitRestart():
            return words.text(CAUSES[event.cause])
        case ForecastLifted():
            text = mark("Restarted since: that begins anew") if event.restarted else mark("No longer to be expected")
            return words.text(text)
        case LimitCleared():
            return words.text("Back within the limit")
        case _:
            return bound(event.limit, words)


def _crossed(event: LimitCrossed, words: Words) -> list[str]:
    value, hold_s = amount(event.limit, event.value, words), event.limit.hold_s
    held = words.text("{value} now, and so for {time} without a break.", value=value, time=duration(hold_s, words))
    on = [f"👥 {words.plural('{n} player is on', '{n} players are on', event.players)}"] if event.players else []
    return [f"**{held}**", *on, *_then(event, event.at_ms, words)]


def _foreseen(event: LimitForeseen, words: Words) -> list[str]:
    limit = event.limit
    per_hour = amount(limit, abs(event.growth_per_h), words)
    forecast = words.text(
        "At {growth} an hour the limit of {value} is reached in about {time}.",
        growth=f"{'+' if event.growth_per_h > 0 else '-'}{per_hour}",
        value=amount(limit, limit.value, words),
        time=duration(_rounded_s(event.in_s), words),
    )
    now = words.text("{value} now.", value=amount(limit, event.value, words))
    advice = words.text("`{restart}` at a quiet time prevents it.", restart=f"/restart server:{event.server_id}")
    then = [] if limit.restart is not None else [f"➡️ {advice}"]
    return [f"**{forecast}**", now, *([*_then(event, None, words)] if limit.restart is not None else then)]


def _rounded_s(seconds: float) -> int:
    """No more precise than a forecast is: to ten minutes."""
    return max(1, round(seconds / 600)) * 600


def _cleared(event: LimitCleared, words: Words) -> str:
    value = amount(event.limit, event.value, words)
    return words.text("{value} now. It was crossed for {time}.", value=value, time=duration(event.after_s, words))


def _then(event: LimitEvent, crossed_ms: int | None, words: Words) -> list[str]:
    limit = event.limit
    if limit.restart is not None:
        return [f"🔁 {restart_plan(limit, words, crossed_ms=crossed_ms)}"]
    commands = {"restart": f"/restart server:{event.server_id}", "list": "/limit list", "status": "/status"}
    return [f"➡️ {words.text(NEXT[limit.measure.of], **commands)}"]


def restart_plan(limit: Limit, words: Words, *, crossed_ms: int | None = None) -> str:
    """How a server is restarted for a limit, in one line.

    With `crossed_ms`, when it was crossed, the latest moment is a moment; else it is a length of time.
    """
    rule = limit.restart
    if rule is None:
        return words.text("Only told")
    parts = [words.text("Restart as soon as nobody is on")]
    if rule.hours is not None:
        parts.append(words.text("only within {hours}", hours=span(rule.hours)))
    if crossed_ms is None:
        parts.append(words.text("after {time} at the latest", time=duration(rule.wait_s, words)))
    else:
        parts.append(words.text("at the latest {when}", when=timestamp(crossed_ms + round(rule.wait_s * 1000))))
    if rule.ceiling is not None:
        parts.append(words.text("at once at {value}", value=amount(limit, rule.ceiling, words)))
    return " · ".join(parts)


def span(hours: Hours) -> str:
    """A part of the day: "03:00-06:00 (Asia/Seoul)"."""
    begin, end = (f"{at // HOUR_MIN:02}:{at % HOUR_MIN:02}" for at in (hours.from_min, hours.to_min))
    return f"{begin}–{end} ({escape(hours.zone, 40)})"


def rule_line(limit: Limit, words: Words) -> str:
    """All that a limit says, in one line."""
    held = words.text("for {time}", time=duration(limit.hold_s, words))
    back = words.text("ends at {value}", value=_back_at(limit, words))
    return " · ".join([f"**{bound(limit, words)}**", held, back, restart_plan(limit, words)])


def _back_at(limit: Limit, words: Words) -> str:
    """Where it ends; with a digit more where it would else be told as the limit itself."""
    told = amount(limit, limit.back_at, words)
    return f"{limit.back_at:.1f}%" if told.endswith("%") and told == amount(limit, limit.value, words) else told


def where(limit: Limit, server_name: str, words: Words) -> str:
    """Whom a limit holds for."""
    if limit.server_id is not None:
        return escape(server_name, DRIVE_AT_MOST)
    return words.text(EVERYWHERE[limit.measure.of])


def names(values: Sequence[str], at_most: int, words: Words) -> str:
    """Some of many, and how many more there are."""
    more = len(values) - at_most
    return " · ".join([*values[:at_most], *([words.text("… and {n} more", n=more)] if more > 0 else [])])
