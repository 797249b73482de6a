"""From what somebody typed to a panel: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from cogs.server_cog import choice_name, find
from monitor.errors import GamekeeperError, UnknownServer
from monitor.model import Server

PANELS_AT_MOST = 10
"""Of one guild: each costs a request now and then."""
NAMED_AT_MOST = 25


class PanelFault(StrEnum):
    """What is wrong with a panel that somebody wants, or wants no more."""

    WORDLESS = "wordless"
    """Nobody can say anything in that channel."""
    TOO_MANY = "too_many"
    TOO_LONG = "too_long"
    """So many servers are better not named one by one."""
    NOT_POSTED = "not_posted"
    NO_SUCH_PANEL = "no_such_panel"


class PanelRefused(GamekeeperError):
    """There is no such panel, or none such can be."""

    def __init__(self, fault: PanelFault, detail: str = "") -> None:
        super().__init__(fault, detail)
        self.fault = fault
        self.detail = detail
        """What was typed, or why it could not be posted."""


def servers_typed(text: str | None, servers: Iterable[Server]) -> list[str]:
    """Read names or ids of servers with commas between, and give the ids, each once; none: all servers.

    Raises:
        PanelRefused: there are too many.
        UnknownServer: one of them is not known; whoever asks may not learn which there are.
    """
    known = list(servers)
    typed = [name for part in (text or "").split(",") if (name := part.strip())]
    if len(typed) > NAMED_AT_MOST:
        raise PanelRefused(PanelFault.TOO_LONG)
    return list(dict.fromkeys(_id_of(name, known) for name in typed))


def _id_of(name: str, known: Iterable[Server]) -> str:
    found = find(known, name)
    if found is None:
        raise UnknownServer(name)
    return found.id


def servers_offered(typed: str, servers: Iterable[Server]) -> Iterator[tuple[str, str]]:
    """Complete the last of the servers that were typed: what is shown, and what it stands for."""
    before, _, last = typed.rpartition(",")
    chosen = [name.strip() for name in before.split(",") if name.strip()]
    for server in servers:
        fits = last.strip().casefold() in choice_name(server).casefold()
        if fits and server.id not in chosen:
            yield ", ".join([*chosen, choice_name(server)]), ", ".join([*chosen, server.id])


def panel_typed(text: str) -> int:
    """Read the number of a panel, with or without its sign.

    Raises:
        PanelRefused: it is none.
    """
    number = text.strip().removeprefix("#")
    if not (number.isascii() and number.isdecimal() and len(number) <= 9):  # noqa: PLR2004 - no more were ever made
        raise PanelRefused(PanelFault.NO_SUCH_PANEL, text)
    return int(number)
