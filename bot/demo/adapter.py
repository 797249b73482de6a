"""The adapter for the demo's game server."""

from __future__ import annotations

import re

from monitor.errors import GameFault, GameUnavailable
from monitor.game import GameTraits
from monitor.games.generic import POLITE_SIGNAL, GenericGame
from monitor.model import Players
from monitor.spec import ReadyPolicy, StopPolicy

_TRAITS = GameTraits(
    ready=ReadyPolicy(log=r"Done \(", timeout_s=15.0),
    stop=StopPolicy(command="stop", signal=POLITE_SIGNAL, save_s=5.0, polite_s=5.0, terminate_s=3.0),
    shutdown_log=(r"Stopping server",),
    fatal_log=(r"FAILED TO BIND TO PORT", r"Failed to open the world"),
)

_LIST = re.compile(r"There are (\d+) of a max of (\d+) players online:(.*)")
_TPS = re.compile(r"TPS over the last \d+ s: (\d+(?:\.\d+)?)")
_SAVED = "Saved the game"


def parse_list(reply: str) -> Players:
    """Read the answer to `list`.

    Raises:
        GameUnavailable: it is not such an answer.
    """
    found = _LIST.search(reply)
    if found is None:
        raise GameUnavailable(GameFault.PROTOCOL, "list")
    names = (name.strip() for name in found[3].split(","))
    return Players(online=int(found[1]), maximum=int(found[2]), names=tuple(name for name in names if name))


def parse_tick_rate(reply: str) -> float:
    """Read the answer to `tps`, in ticks a second.

    Raises:
        GameUnavailable: it is not such an answer.
    """
    found = _TPS.search(reply)
    if found is None:
        raise GameUnavailable(GameFault.PROTOCOL, "tps")
    return float(found[1])


class DemoGame(GenericGame):
    """Speaks to `bot.demo.game`."""

    @property
    def traits(self) -> GameTraits:
        return _TRAITS

    async def players(self) -> Players:
        return parse_list(await self._admin("players").command("list"))

    async def tick_rate(self) -> float | None:
        return parse_tick_rate(await self._admin("tick_rate").command("tps"))

    async def warn(self, message: str) -> None:
        # A message may have lines; a command has one.
        await self._admin("warn").command(f"say {' '.join(message.split())}")

    async def save(self) -> None:
        if await self._admin("save").command("save-all") != _SAVED:
            raise GameUnavailable(GameFault.PROTOCOL, "save-all")
