"""Servers as they are described: one, before and after it is kept, and all of them. No secret is in any of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import discord

from cogs.locale.catalogue import Words, mark
from cogs.render.limits import fit
from cogs.render.palette import CALLED_OFF, OVERVIEW, PLANNED, STATES
from cogs.render.text import code_block, cut, escape
from cogs.render.thresholds import names
from monitor.changes import changes, described, masked
from monitor.errors import GameFileError, Problem
from monitor.games.own_files import Caveat, OwnSettings
from monitor.model import Server
from monitor.spec import ServerSpec

PATH_AT_MOST = 300
COMMAND_AT_MOST = 400
BLOCK_AT_MOST = 3_000
CHANGES_AT_MOST = 1_500
LINES_AT_MOST = 60
MISSING_AT_MOST = 5
PER_PAGE = 10

CAVEATS: dict[Caveat, str] = {
    Caveat.NO_FILE: mark(
        "The game has not written its settings file yet. Start it once: what stands there is read at each start."
    ),
    Caveat.RCON_OFF: mark(
        "RCON is off in the game's settings, so there is no admin port: commands go to its console. "
        "Turn it on there (`enable-rcon` or `RCONEnabled`), then restart it."
    ),
    Caveat.NO_PASSWORD: mark(
        "The game's settings have no admin password, so its admin port lets nobody in. Set one, then restart it."
    ),
    Caveat.NO_ADAPTER: mark(
        "I know this game by its files alone: it is set up as a generic one, with what they say of its ports, "
        "its password and how it is stopped."
    ),
}


def preview(spec: ServerSpec, own: OwnSettings | GameFileError | None, words: Words) -> discord.Embed:
    """What is about to be kept, and what the game's own files add to it."""
    embed = discord.Embed(
        title=f"{PLANNED.icon} {escape(spec.name)}",
        description=words.text("Nothing is kept yet. Is this right?"),
        colour=PLANNED.colour,
    )
    embed.add_field(name=words.text("Id"), value=f"`{spec.id}`")
    embed.add_field(name=words.text("Game"), value=_game(spec, own))
    embed.add_field(name=words.text("Folder"), value=escape(str(spec.cwd), PATH_AT_MOST), inline=False)
    command = code_block([cut(" ".join(masked(spec.argv)), COMMAND_AT_MOST)], COMMAND_AT_MOST + 20)
    embed.add_field(name=words.text("Command"), value=command, inline=False)
    found = _found(own, words)
    if found:
        embed.add_field(name=words.text("Found in the game's own files"), value="\n".join(found), inline=False)
    return fit(embed)


def sheet(server: Server, own: OwnSettings | GameFileError | None, words: Words) -> discord.Embed:
    """Everything that is said of a server, and what waits for its next start."""
    spec = server.described
    lines = [f"{key} = {value}" for key, value in described(spec).items()]
    embed = discord.Embed(
        title=f"{STATES[server.state].icon} {escape(spec.name)}",
        description=code_block(lines[-LINES_AT_MOST:], BLOCK_AT_MOST),
        colour=STATES[server.state].colour,
    )
    found = _found(own, words)
    if found:
        embed.add_field(name=words.text("Found in the game's own files"), value="\n".join(found), inline=False)
    if server.next_spec is not None:
        waiting = code_block(changes(server.spec, server.next_spec), 1_000)
        embed.add_field(name=words.text("From its next start on"), value=waiting, inline=False)
    return fit(embed)


def listing(servers: Sequence[Server], page: int, words: Words) -> discord.Embed:
    """One page of all servers, by id."""
    shown = servers[page * PER_PAGE : (page + 1) * PER_PAGE]
    embed = discord.Embed(title=f"{OVERVIEW.icon} {words.text('Servers')}", colour=OVERVIEW.colour)
    if not servers:
        embed.description = words.text(
            "There are none yet. Add one by `/server add`, or a file of them by `/server import`."
        )
    for server in shown:
        spec = server.described
        name = f"{STATES[server.state].icon} {escape(spec.name)}"
        embed.add_field(name=name, value=f"`{spec.id}` · {spec.game} · {escape(str(spec.cwd), 200)}", inline=False)
    return fit(embed)


def saved(server: Server, lines: Sequence[str], words: Words) -> str:
    """Say what was changed, and when it counts."""
    name = escape(server.spec.name)
    if not lines:
        return words.text("{icon} **{name}** is as it was: nothing was changed.", icon=CALLED_OFF.icon, name=name)
    told = [words.text("✅ **{name}** is changed:", name=name), code_block(lines, CHANGES_AT_MOST)]
    if server.next_spec is not None:
        told.append(words.text("It is up, so this counts from its next start on. `/restart` it when that suits."))
    return "\n".join(told)


def import_preview(
    pairs: Iterable[tuple[ServerSpec | None, ServerSpec]],
    left_out: Sequence[Problem],
    missing: Sequence[ServerSpec],
    words: Words,
) -> str:
    """Say what a file would change, what of it no server can have, and whose folder is missing."""
    lines: list[str] = []
    for before, after in pairs:
        sign = "+" if before is None else "=" if before == after else "~"
        lines.append(f"{sign} {after.id}: {after.name} ({after.game})")
        if before is None:
            lines.append(f"    {after.cwd}: {' '.join(masked(after.argv))}")
        else:
            lines += [f"    {line}" for line in changes(before, after)]
    lines += [f"! {problem.key}: {problem.message}" for problem in left_out]
    shown = lines[:LINES_AT_MOST] + ([f"… +{len(lines) - LINES_AT_MOST}"] if len(lines) > LINES_AT_MOST else [])
    legend = words.text("`+` new, `~` changed, `=` as it was; servers that are not in the file stay. Take it in?")
    told = [code_block(shown, CHANGES_AT_MOST)]
    if missing:
        ids = names([f"`{spec.id}`" for spec in missing], MISSING_AT_MOST, words)
        told.append("⚠️ " + words.text("The folder is not there: {ids}. A start is refused until it is.", ids=ids))
    return "\n".join([*told, legend])


def _game(spec: ServerSpec, own: OwnSettings | GameFileError | None) -> str:
    guessed = own.game if isinstance(own, OwnSettings) else ""
    return spec.game if guessed in ("", spec.game) else f"{spec.game} ({guessed})"


def _found(own: OwnSettings | GameFileError | None, words: Words) -> list[str]:
    """What the game's own files gave, without the password."""
    if own is None:
        return []
    if isinstance(own, GameFileError):
        source = escape(own.source, PATH_AT_MOST)
        return [words.text("The game's own file {source} cannot be understood. Mend it.", source=source)]
    lines = []
    if own.file is not None:
        lines.append(escape(str(own.file), PATH_AT_MOST))
    if own.admin is not None:
        lines.append(words.text("Admin port {port}, with its password", port=own.admin.port))
    if own.query is not None:
        lines.append(words.text("Port for players {port}", port=own.query.port))
    return [*lines, *(words.text(CAVEATS[caveat]) for caveat in own.caveats)]
