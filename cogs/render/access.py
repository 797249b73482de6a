"""Who may do what, in words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import discord

from cogs.access import Decision, Denial, Person
from cogs.locale.catalogue import Words, mark
from cogs.render.limits import fit
from cogs.render.palette import OVERVIEW
from cogs.render.text import escape
from storage.grants import Action, Grant, PrincipalKind

GRANTED = mark("✅ {who} may `{action}` now on {where}.")
GRANTED_BEFORE = mark("{who} may `{action}` on {where} already: nothing was changed.")
REVOKED = mark(
    "🗑️ {who} may not `{action}` on {where} any more. Other grants of theirs still count: see `/access list`."
)
NOT_GRANTED = mark("{who} has no grant `{action}` on {where}: nothing was changed. See `/access list`.")
LAST_ADMIN = mark(
    "This is the last grant of `admin` on all servers. Without it only the owners in `DISCORD_OWNER_IDS` can say who"
    " may do what. Take it from {who} all the same?"
)
MISSING = mark(
    "Missing: a grant of `{action}` or `admin` on all servers, to them or one of their roles."
    " `/access grant` gives it."
)
MISSING_HERE = mark(
    "Missing: a grant of `{action}` or `admin` on {where}, or on all servers, to them or one of their roles."
    " `/access grant` gives it."
)
EVERYBODY = mark("everybody here")


def principal(kind: PrincipalKind, principal_id: int, guild_id: int, words: Words) -> str:
    """Mention a role or a person; nobody is pinged by it."""
    if kind is PrincipalKind.USER:
        return f"<@{principal_id}>"
    return f"**{words.text(EVERYBODY)}**" if principal_id == guild_id else f"<@&{principal_id}>"


def where(server_id: str | None, words: Words) -> str:
    """Name the server of a grant, or all of them."""
    return words.text("all servers") if server_id is None else f"`{escape(server_id, 64)}`"


def changed(text: str, grant: Grant, words: Words) -> str:
    """Say what became of a grant: one of the texts above."""
    who = principal(grant.principal_kind, grant.principal_id, grant.guild_id, words)
    return words.text(text, who=who, action=grant.action.value, where=where(grant.server_id, words))


def grants_embed(grants: Sequence[Grant], known_roles: Collection[int], total: int, words: Words) -> discord.Embed:
    """List grants; roles that the guild has no more are marked."""
    embed = discord.Embed(title=f"{OVERVIEW.icon} {words.text('Who may do what')}", colour=OVERVIEW.colour)
    if not grants:
        embed.description = words.text(
            "Nobody but the owners may do anything here. Let people in with `/access grant`."
        )
        return fit(embed)
    embed.description = "\n".join(_line(grant, known_roles, words) for grant in grants)
    return fit(embed.set_footer(text=words.plural("{n} grant", "{n} grants", total)))


def _line(grant: Grant, known_roles: Collection[int], words: Words) -> str:
    who = principal(grant.principal_kind, grant.principal_id, grant.guild_id, words)
    line = f"{who} · `{grant.action.value}` · {where(grant.server_id, words)}"
    gone = grant.principal_kind is PrincipalKind.ROLE and grant.principal_id not in known_roles
    return line + f" · {words.text('the role is gone')} (`role:{grant.principal_id}`)" if gone else line


def verdict(
    mention: str,
    who: Person,
    action: Action,
    server_id: str | None,
    *,
    decision: Decision,
    held: Sequence[Grant],
    words: Words,
) -> str:
    """Explain why somebody may or may not do something.

    Args:
        mention: who it is about.
        who: the same, with their roles.
        action: what they want to do.
        server_id: where; `None` for all servers.
        decision: what the gate says.
        held: all grants that they have.
        words: the reader's language.
    """
    facts = {"who": mention, "action": action.value, "where": where(server_id, words)}
    if decision.denial is None:
        if decision.grant is None:
            return words.text("✅ {who} is an owner by `DISCORD_OWNER_IDS`, and may do everything.", **facts)
        why = _reason(decision.grant, who, words)
        return words.text("✅ {who} may `{action}` on {where}. {why}", **facts, why=why)
    if decision.denial is not Denial.NO_GRANT:
        return words.text("⛔ {who} may do nothing here: I do not work in this Discord server.", **facts)
    lines = [
        words.text("⛔ {who} may not `{action}` on {where}.", **facts),
        words.text(MISSING if server_id is None else MISSING_HERE, **facts),
        *_other_grants(held, words),
    ]
    return "\n".join(lines)


def _reason(grant: Grant, who: Person, words: Words) -> str:
    facts = {"action": grant.action.value, "where": where(grant.server_id, words)}
    if grant.principal_kind is PrincipalKind.USER:
        return words.text("By a grant of their own: `{action}` on {where}.", **facts)
    role = principal(grant.principal_kind, grant.principal_id, who.guild_id or 0, words)
    return words.text("By the role {role}: `{action}` on {where}.", role=role, **facts)


def _other_grants(held: Sequence[Grant], words: Words) -> list[str]:
    if not held:
        return [words.text("They have no grant at all.")]
    listed = " · ".join(_short(grant, words) for grant in held[:10])
    return [words.text("What they have: {grants}", grants=listed)]


def _short(grant: Grant, words: Words) -> str:
    who = principal(grant.principal_kind, grant.principal_id, grant.guild_id, words)
    return f"{who} `{grant.action.value}` ({where(grant.server_id, words)})"
