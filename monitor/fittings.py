"""What of a supervisor follows from its server's description, and is made anew when that comes into force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from monitor.game import Game
from monitor.jobs import JobQueue
from monitor.judging import Judge
from monitor.model import ProcessId
from monitor.ports import ServerLog
from monitor.runs import Runs
from monitor.spec import ServerSpec, StopPolicy, fill
from monitor.standing import Standing
from monitor.stops import Stops
from monitor.surroundings import Surroundings
from monitor.watches import Told, Watches


@dataclass(frozen=True, slots=True)
class Fittings:
    """Of one server, for one description."""

    spec: ServerSpec
    """As described, with what the game's own files say."""
    game: Game
    stop: StopPolicy
    """Whole: what the description leaves open is the adapter's."""
    judge: Judge
    watches: Watches
    stops: Stops
    runs: Runs


@dataclass(frozen=True, slots=True)
class Fitter:
    """Makes the fittings of one server out of what stays the same."""

    make_game: Callable[[ServerSpec], Game]
    jobs: JobQueue
    standing: Standing
    told: Told
    output: ServerLog
    around: Surroundings
    moved: Callable[[ProcessId], None]
    last_memory_bytes: Callable[[], int | None]

    def fit(self, spec: ServerSpec) -> Fittings:
        """Make them. Opens no connection yet."""
        game, around = self.make_game(spec), self.around
        clock, journal = around.clock, around.journal
        ready, stop = fill(spec.ready, game.traits.ready), fill(spec.stop, game.traits.stop)
        clean = game.traits.clean_exit_codes if spec.clean_exit_codes is None else spec.clean_exit_codes
        judge = Judge(game.traits, clean, spec.restart, self.output, journal, clock, around.chance)
        watches = Watches(self.jobs, self.standing, self.told, game, self.output, ready, clock, around.pulse_s)
        stops = Stops(self.jobs, self.standing, watches, game, self.output, stop, journal, clock)
        launcher, moved, memory = around.launcher, self.moved, self.last_memory_bytes
        runs = Runs(spec, stop, self.output, launcher, journal, clock, moved, memory)
        return Fittings(spec, game, stop, judge, watches, stops, runs)


class Wearing:
    """The fittings that one server has on. They are changed in its queue, while no process of it lives."""

    def __init__(self, spec: ServerSpec, fitter: Fitter) -> None:
        self._fitter = fitter
        self.now = fitter.fit(spec)

    async def describe(self, spec: ServerSpec, *, at_once: bool) -> None:
        """Take a new description in, to be put on at once or later by `change`."""
        standing = self._fitter.standing
        if at_once:
            standing.note(spec=spec, next_spec=None)
            await self.change()
        else:
            # These two have nothing to do with the process.
            now = replace(standing.server.spec, name=spec.name, autostart=spec.autostart)
            standing.note(spec=now, next_spec=spec if spec != now else None)

    async def change(self) -> None:
        """Put the newest description on, with what the game's own files say at this moment."""
        standing, outfit = self._fitter.standing, self._fitter.around.outfit
        wanted = standing.server.described
        standing.note(spec=wanted, next_spec=None)
        if outfit is not None:
            wanted = await asyncio.to_thread(outfit, wanted)
        if wanted == self.now.spec:
            return
        # First: some games take one administrator at a time.
        await self.now.game.close()
        self.now = self._fitter.fit(wanted)
