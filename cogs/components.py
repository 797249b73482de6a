"""Buttons and menus that outlive the bot: all that one means is in its id, and each press comes in through the gate.

An id is `gk:<verb>:<part>…`. A verb is a class; `bot/app.py` hands one object of each to the client. What no verb
claims, because it was made up or because it is from another time, is refused and written down.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, cast

import discord
import structlog

from cogs.access import Denial
from cogs.attempt import attempt_of, begun
from cogs.errors import tell
from cogs.gate import Gate, Repeated
from monitor.errors import UnknownServer
from monitor.model import Server
from monitor.ports import Control
from storage.grants import Action

PREFIX = "gk"
ID_AT_MOST = 100
"""Of Discord's: characters of an id."""
_VERB = re.compile(r"[a-z][a-z_]{0,23}", re.ASCII)
_PART = re.compile(r"[\w.-]{1,64}", re.ASCII)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """What an id says."""

    verb: str
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ":".join((PREFIX, self.verb, *self.parts))


def parse(custom_id: str) -> Address | None:
    """Read an id; `None` where it is none of ours, to the letter."""
    prefix, *rest = custom_id.split(":")
    if prefix != PREFIX or not rest or len(custom_id) > ID_AT_MOST:
        return None
    verb, *parts = rest
    if not _VERB.fullmatch(verb) or not all(_PART.fullmatch(part) for part in parts):
        return None
    return Address(verb, tuple(parts))


class Verb(ABC):
    """What one kind of button or menu does."""

    name: ClassVar[str]

    @abstractmethod
    async def press(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> None:
        """Do it. It has been admitted; `gate.enter` comes first here, as in any command.

        Args:
            interaction: whose press it is; answered by `cogs/reply.py`.
            parts: what follows the verb in the id. Anybody may have made them up.
        """


class ServerVerb(Verb):
    """One that is about a server, whose id is the first part."""

    action: ClassVar[Action]
    private: ClassVar[bool] = False
    """Whether the answer is for the eyes of whoever pressed it."""

    def __init__(self, control: Control, gate: Gate) -> None:
        self.control = control
        self.gate = gate

    async def press(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> None:
        if not parts:
            raise await self.gate.refuse(interaction, Denial.FORGED)
        server_id, *rest = parts
        await self.gate.enter(interaction, self.action, server_id, private=self.private)
        server = next((server for server in self.control.servers() if server.id == server_id), None)
        if server is None:
            raise UnknownServer(server_id)
        await self.act(interaction, server, tuple(rest))

    @abstractmethod
    async def act(self, interaction: discord.Interaction, server: Server, rest: tuple[str, ...]) -> None:
        """Do it, now that they may."""


class Routed(Protocol):
    """A client that knows who handles buttons."""

    router: Router


class Component(discord.ui.DynamicItem[discord.ui.Item[Any]], template=re.compile(rf"{PREFIX}:.*", re.DOTALL)):
    """Any button or menu of ours, as discord.py knows it again after a restart."""

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        return cls(item)

    async def callback(self, interaction: discord.Interaction) -> None:
        await cast("Routed", interaction.client).router.pressed(interaction)


def button(
    address: Address, label: str, style: discord.ButtonStyle = discord.ButtonStyle.secondary, **more: Any
) -> Component:
    """Make a button that does what the address says, for whoever may do that when it is pressed.

    Raises:
        ValueError: the address would not be read again as it is.
    """
    return Component(discord.ui.Button(label=label, style=style, custom_id=_written(address), **more))


def menu(address: Address, options: Sequence[discord.SelectOption], **more: Any) -> Component:
    """Make a menu; what was chosen is in `chosen(interaction)`.

    Raises:
        ValueError: as `button`.
    """
    return Component(discord.ui.Select(custom_id=_written(address), options=list(options), **more))


def chosen(interaction: discord.Interaction) -> tuple[str, ...]:
    """Give what was picked in a menu."""
    data = cast("dict[str, Any]", interaction.data or {})
    values = data.get("values")
    return tuple(map(str, values)) if isinstance(values, list) else ()


def row(*components: Component) -> discord.ui.View:
    """Put components under a message. They stay there until the message is changed."""
    view = discord.ui.View(timeout=None)
    for component in components:
        view.add_item(component)
    return view


def _written(address: Address) -> str:
    if parse(str(address)) != address:
        raise ValueError(address)
    return str(address)


async def through(gate: Gate, interaction: discord.Interaction, act: Callable[[], Awaitable[None]]) -> None:
    """Bring a press or a form in through the gate, and see to its end whatever it is: a task of its own."""
    try:
        await gate.admit(interaction)
        await act()
    except Repeated:
        log.info("interaction_repeated", interaction=interaction.id)
    except Exception as error:  # noqa: BLE001 - nobody above would tell whoever waits
        await tell(interaction, error, gate)
    else:
        if not attempt_of(interaction).passed:
            log.error("entry_without_gate", entry=attempt_of(interaction).entry)
        await gate.finish(interaction)


class Router:
    """Knows all verbs."""

    def __init__(self, gate: Gate, verbs: Iterable[Verb]) -> None:
        self._gate = gate
        self.verbs = {verb.name: verb for verb in verbs}

    async def pressed(self, interaction: discord.Interaction) -> None:
        """Do what the id of a component says, if there is such a thing, and if they may."""
        await through(self._gate, interaction, lambda: self._press(interaction))

    async def unclaimed(self, interaction: discord.Interaction) -> None:
        """Listen to `on_interaction`: refuse what nobody has taken.

        Whoever takes one begins before this is called: discord.py makes their task first.
        """
        by_hand = interaction.type in (discord.InteractionType.component, discord.InteractionType.modal_submit)
        if by_hand and begun(interaction) is None:
            await through(self._gate, interaction, lambda: self._refuse(interaction))

    async def _press(self, interaction: discord.Interaction) -> None:
        address = parse(cast("dict[str, Any]", interaction.data)["custom_id"])
        verb = None if address is None else self.verbs.get(address.verb)
        if address is None or verb is None:
            raise await self._gate.refuse(interaction, Denial.FORGED)
        await verb.press(interaction, address.parts)

    async def _refuse(self, interaction: discord.Interaction) -> None:
        form = interaction.type is discord.InteractionType.modal_submit
        raise await self._gate.refuse(interaction, Denial.EXPIRED if form else Denial.FORGED)
