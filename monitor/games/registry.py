"""Which adapters there are. An explicit table: nothing registers itself by being imported."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.errors import UnknownGame
from monitor.game import Game, GameFactory
from monitor.games.generic import GenericGame
from monitor.spec import ServerSpec

ADAPTERS: Mapping[str, GameFactory] = {"generic": GenericGame}
"""By the name that a spec's `game` gives."""


def make_game(spec: ServerSpec, adapters: Mapping[str, GameFactory] = ADAPTERS) -> Game:
    """Make the game of a server.

    Raises:
        UnknownGame: the spec names none of `adapters`.
    """
    factory = adapters.get(spec.game)
    if factory is None:
        raise UnknownGame(spec.game, tuple(sorted(adapters)))
    return factory(spec)
