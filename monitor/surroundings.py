"""What every supervisor of a fleet shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitor.bus import Bus
from monitor.ports import Clock, EventLog, Launcher
from monitor.spec import ServerSpec


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The machine, the record and the time that servers live in."""

    launcher: Launcher
    journal: EventLog
    bus: Bus
    clock: Clock
    chance: Callable[[], float]
    """Gives a number from 0 up to 1, for jitter."""
    pulse_s: float = 15.0
    """How often a running game is asked who is on."""
    outfit: Callable[[ServerSpec], ServerSpec] | None = None
    """Puts in what a game's own files say of how it is reached, at each start. Blocking, short, never raises."""
