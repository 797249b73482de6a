"""Who tried what, and what came of it: a line each."""

from __future__ import annotations

import re
from collections.abc import Sequence

import discord

from cogs.access import Denial
from cogs.locale.catalogue import Words, mark
from cogs.render.limits import fit
from cogs.render.palette import OVERVIEW
from cogs.render.text import cut, duration, escape, timestamp
from monitor.model import Actor, ActorKind
from storage.audit import ALLOWED, DENIED, LIMITED, AuditEntry, AuditOutcome, AuditRecord
from storage.grants import PrincipalKind

ARGUMENT_AT_MOST = 60
LINE_AT_MOST = 380
SLOW_MS = 1000
"""What took longer is told how long."""

DONE = "done"
GRANT = re.compile(r"(role|user):(\d+) ([a-z]+) on (\S+)", re.ASCII)
"""What allowed it, as `cogs.access.Decision` writes it down."""

ALLOWED_ICON, FAILED_ICON, DENIED_ICON, LIMITED_ICON, OPEN_ICON = "✅", "⚠️", "⛔", "⏳", "…"

KINDS: dict[ActorKind, str] = {
    ActorKind.SCHEDULE: mark("schedule"),
    ActorKind.POLICY: mark("policy"),
    ActorKind.COMMAND_LINE: mark("command line"),
}

REFUSED: dict[str, str] = {
    Denial.NOT_IN_GUILD: mark("not in a Discord server"),
    Denial.FOREIGN_GUILD: mark("from another Discord server"),
    Denial.NO_GRANT: mark("no grant"),
    Denial.NOT_OWNER: mark("for owners alone"),
    Denial.NOT_YOURS: mark("somebody else's button"),
    Denial.EXPIRED: mark("expired"),
    Denial.FORGED: mark("never offered"),
}


def audit_embed(records: Sequence[AuditRecord], words: Words) -> discord.Embed:
    """Show some attempts, in the order given."""
    embed = discord.Embed(title=f"{OVERVIEW.icon} {words.text('What was done')}", colour=OVERVIEW.colour)
    embed.description = "\n".join(audit_line(record, words) for record in records)
    if not records:
        embed.description = words.text("Nothing like that was tried. Leave an option out to see more.")
    return fit(embed)


def audit_line(record: AuditRecord, words: Words) -> str:
    """Show one attempt in a line, in at most `LINE_AT_MOST` characters."""
    entry = record.entry
    facts = [f"**{_name(entry.by, words)}**", f"`{_code(entry.entry)}`", *_arguments(entry), *_result(record, words)]
    if entry.allowed_by is not None:
        facts.append(words.text("by {grant}", grant=_grant(entry.allowed_by, words)))
    return cut(f"{_icon(record)} {timestamp(entry.at_ms, 'f')} {' · '.join(facts)}", LINE_AT_MOST)


def _icon(record: AuditRecord) -> str:
    decision, outcome = record.entry.decision, record.outcome
    if decision == LIMITED:
        return LIMITED_ICON
    if decision != ALLOWED or (outcome is not None and outcome.result.startswith(DENIED)):
        return DENIED_ICON
    if outcome is None:
        return OPEN_ICON
    return ALLOWED_ICON if outcome.result == DONE else FAILED_ICON


def _name(by: Actor, words: Words) -> str:
    name = escape(by.name, 40)
    return f"{name} ({words.text(KINDS[by.kind])})" if by.kind in KINDS else name


def _arguments(entry: AuditEntry) -> list[str]:
    told = [f"{name}={value}" for name, value in entry.arguments.items()]
    return [" ".join(f"`{_code(argument)}`" for argument in told)] if told else []


def _code(text: str) -> str:
    """Put something between backticks, where no escape works: without any of its own, and on one line."""
    plain = " ".join(text.replace("`", "'").split())
    return cut("".join(character for character in plain if character.isprintable()) or "?", ARGUMENT_AT_MOST)


def _grant(allowed_by: str, words: Words) -> str:
    """Name the role or the person of a grant as Discord does; what is none stays as it was written."""
    match = GRANT.fullmatch(allowed_by)
    if match is None:
        return f"`{_code(allowed_by)}`"
    kind, principal_id, action, server_id = match.groups()
    who = f"<@&{principal_id}>" if kind == PrincipalKind.ROLE else f"<@{principal_id}>"
    where = words.text("all servers") if server_id == "*" else f"`{_code(server_id)}`"
    return f"{who} `{action}` ({where})"


def _result(record: AuditRecord, words: Words) -> list[str]:
    entry, outcome = record.entry, record.outcome
    if entry.decision == LIMITED:
        return [words.text("too many at once")]
    if entry.decision != ALLOWED:
        return [_refused(entry.decision, words)]
    if outcome is None:
        return [words.text("not finished")]
    return [*_outcome(outcome, words), *_time_taken(outcome, words)]


def _refused(decision: str, words: Words) -> str:
    reason = decision.removeprefix(DENIED)
    told = words.text(REFUSED[reason]) if reason in REFUSED else f"`{_code(reason)}`"
    return words.text("refused: {reason}", reason=told)


def _outcome(outcome: AuditOutcome, words: Words) -> list[str]:
    """What came of it; that it was done, the icon tells."""
    if outcome.result.startswith(DENIED):
        return [_refused(outcome.result, words)]
    return [] if outcome.result == DONE else [f"`{_code(outcome.result)}`"]


def _time_taken(outcome: AuditOutcome, words: Words) -> list[str]:
    return [duration(outcome.duration_ms / 1000, words)] if outcome.duration_ms >= SLOW_MS else []
