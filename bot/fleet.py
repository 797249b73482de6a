"""Builds the fleet out of what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import structlog

from bot.workplace import SERVER_LOGS
from monitor.fleet import Fleet
from monitor.game import GameFactory
from monitor.games.registry import make_game
from monitor.local.log import CapturedLog
from monitor.spec import ServerSpec
from monitor.surroundings import Surroundings

log = structlog.get_logger(__name__)


def playable(specs: Iterable[ServerSpec], adapters: Mapping[str, GameFactory]) -> list[ServerSpec]:
    """Leave out, loudly, what no adapter knows; one such server must not keep the others from being watched."""
    known = []
    for spec in specs:
        if spec.game in adapters:
            known.append(spec)
        else:
            log.error("server_left_out", server=spec.id, game=spec.game, known=sorted(adapters))
    return known


def fleet_of(
    place: Path,
    specs: Iterable[ServerSpec],
    adapters: Mapping[str, GameFactory],
    around: Surroundings,
) -> Fleet:
    """Make it; each server's output goes to a file of its own."""
    logs = place / SERVER_LOGS
    return Fleet(
        specs,
        make_game=lambda spec: make_game(spec, adapters),
        make_log=lambda spec: CapturedLog(logs / f"{spec.id}.log"),
        around=around,
    )
