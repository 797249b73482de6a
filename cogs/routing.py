"""From what somebody typed to a route: pure, but for the chance in a secret."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cogs.webhooks import is_discords, label, takes_json
from monitor.errors import GamekeeperError
from monitor.events import EVENT_TYPES
from storage.routes import RouteKind, Secrets

ALERT_KINDS = tuple(sorted(kind for kind, event in EVENT_TYPES.items() if event.alerts))
"""The kinds of event that can be chosen."""
MINUTES_AT_MOST = 7 * 24 * 60


class RouteFault(StrEnum):
    """What is wrong with a route that somebody wants."""

    NOWHERE = "nowhere"
    """Neither a channel nor a webhook."""
    TWO_PLACES = "two_places"
    WORDLESS = "wordless"
    """Nobody can say anything in that channel."""
    BAD_ADDRESS = "bad_address"
    UNKNOWN_KIND = "unknown_kind"
    NO_SUCH_ROUTE = "no_such_route"
    NO_ALERT_CHANNEL = "no_alert_channel"


class BadRoute(GamekeeperError):
    """There is no such route, or none such can be."""

    def __init__(self, fault: RouteFault, detail: str = "") -> None:
        super().__init__(fault, detail)
        self.fault = fault
        self.detail = detail
        """What was typed, where it may be shown."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a route leads."""

    kind: RouteKind
    channel_id: int | None = None
    label: str = ""
    secrets: Secrets | None = None

    @property
    def for_owners(self) -> bool:
        """Whether it can make this machine ask any address at all, its own network included."""
        return self.kind is RouteKind.JSON


def target(channel_id: int | None, url: str | None) -> Target:
    """Read where alerts are to go.

    Raises:
        BadRoute: it is nowhere, two places, or no address.
    """
    if channel_id is not None and url is not None:
        raise BadRoute(RouteFault.TWO_PLACES)
    if channel_id is not None:
        return Target(RouteKind.CHANNEL, channel_id)
    if url is None:
        raise BadRoute(RouteFault.NOWHERE)
    address = url.strip()
    if is_discords(address):
        return Target(RouteKind.DISCORD, label=label(address), secrets=Secrets(address))
    if not takes_json(address):
        raise BadRoute(RouteFault.BAD_ADDRESS)
    return Target(RouteKind.JSON, label=label(address), secrets=Secrets(address, secrets.token_urlsafe(32)))


def kinds_typed(text: str | None) -> frozenset[str]:
    """Read kinds of event, with commas or blanks between, with or without what they begin with; none: all.

    Raises:
        BadRoute: one of them is not known.
    """
    words = (text or "").replace(",", " ").split()
    return frozenset(_kind(word) for word in words)


def _kind(word: str) -> str:
    found = [kind for kind in ALERT_KINDS if word.casefold() in (kind, kind.partition("_")[2])]
    if len(found) != 1:
        raise BadRoute(RouteFault.UNKNOWN_KIND, word)
    return found[0]


def kinds_offered(typed: str) -> Iterable[str]:
    """Complete the last of the kinds that were typed."""
    before, _, last = typed.replace(",", " ").rpartition(" ")
    chosen = before.split()
    for kind in ALERT_KINDS:
        if last.casefold() in kind and kind not in chosen:
            yield ", ".join([*chosen, kind])


def route_typed(text: str) -> int:
    """Read the number of a route, with or without its sign.

    Raises:
        BadRoute: it is none.
    """
    number = text.strip().removeprefix("#")
    if not (number.isascii() and number.isdecimal() and len(number) <= 9):  # noqa: PLR2004 - no more were ever made
        raise BadRoute(RouteFault.NO_SUCH_ROUTE, text)
    return int(number)
