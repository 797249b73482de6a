"""Limits as they are listed, set and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import discord

from cogs.locale.catalogue import Words
from cogs.render.limits import fit
from cogs.render.palette import EVENTS, OVERVIEW
from cogs.render.text import escape, timestamp
from cogs.render.thresholds import DRIVE_AT_MOST, about, amount, bound, names, rule_line
from monitor.limit_events import LimitCleared, LimitCrossed, LimitForeseen
from monitor.limit_watch import Held
from monitor.limits import Limit, Of

VALUES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """A limit, and how it stands for each of the things that it holds for."""

    limit: Limit
    where: str
    """Whom it holds for, in words."""
    standings: Sequence[tuple[str, str, float | None, Held | None]]
    """What it is, its name, its value now where that is known, and how the limit stands for it."""


def set_embed(shown: Shown, words: Words) -> discord.Embed:
    """Tell that a limit holds from now on."""
    title = words.text("Limit {id} is set", id=shown.limit.id)
    embed = discord.Embed(title=f"{OVERVIEW.icon} {title}", colour=OVERVIEW.colour)
    hint = words.text(
        "`{list}` shows how it stands, `{remove}` takes it back.",
        list="/limit list",
        remove=f"/limit remove limit:{shown.limit.id}",
    )
    embed.description = "\n".join([*_lines(shown, words), "", hint])
    return fit(embed)


def removed(shown: Shown, words: Words) -> str:
    """Tell that a limit is none any more."""
    told = f"**{shown.where}** · {bound(shown.limit, words)}"
    return words.text(
        "Limit {id} is gone: {limit}. `{set}` sets another.", id=shown.limit.id, limit=told, set="/limit set"
    )


def limits_embed(shown: Sequence[Shown], total: int, words: Words) -> discord.Embed:
    """List limits, each with its present value and state."""
    embed = discord.Embed(title=f"{OVERVIEW.icon} {words.text('Limits')}", colour=OVERVIEW.colour)
    if not shown:
        embed.description = words.text("There is no limit here. `{set}` sets one.", set="/limit set")
        return fit(embed)
    embed.description = "\n\n".join(
        "\n".join([f"`{each.limit.id}` {_lines(each, words)[0]}", *_lines(each, words)[1:]]) for each in shown
    )
    return fit(embed.set_footer(text=words.plural("{n} limit", "{n} limits", total)))


def _lines(shown: Shown, words: Words) -> list[str]:
    crossed_first = sorted(shown.standings, key=lambda standing: not _is_crossed(standing[3]))
    values = [_standing(shown.limit, *standing, words=words) for standing in crossed_first]
    now = names(values, VALUES_SHOWN, words) if values else words.text("nothing measured yet")
    return [f"**{shown.where}**", rule_line(shown.limit, words), now]


def _is_crossed(held: Held | None) -> bool:
    return held is not None and held.position.crossed


def _standing(limit: Limit, target: str, name: str, value: float | None, held: Held | None, *, words: Words) -> str:
    """One value, whose it is, and whether it is beyond the limit."""
    now = words.text("unknown") if value is None else amount(limit, value, words)
    whose = "" if limit.server_id is not None or not target else f"{_whose(limit, target, name, words)} "
    return f"{_icon(value, held)} {whose}**{now}**{_since(held, words)}"


def _whose(limit: Limit, target: str, name: str, words: Words) -> str:
    server_id = target if limit.measure.of is Of.SERVER else ""
    return escape(about(server_id, target, name, words), DRIVE_AT_MOST)


def _icon(value: float | None, held: Held | None) -> str:
    if held is not None and held.position.crossed:
        return EVENTS[LimitCrossed.kind].icon
    if held is not None and held.foreseen_ms is not None:
        return EVENTS[LimitForeseen.kind].icon
    return "➖" if value is None else EVENTS[LimitCleared.kind].icon


def _since(held: Held | None, words: Words) -> str:
    if held is None or held.crossed_ms is None:
        return ""
    return f" · {words.text('crossed {when}', when=timestamp(held.crossed_ms))}"
