"""What is watched while a server's process lives: its end, its readiness, who is on, and whether it still answers.

Each runs beside the server's queue, and tells the supervisor by a job in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from monitor.game import Game
from monitor.hang import HangWatch
from monitor.jobs import JobQueue
from monitor.model import Evidence, ExitStatus
from monitor.ports import Clock, ServerLog
from monitor.pulse import Pulse
from monitor.readiness import Readiness
from monitor.runs import Life
from monitor.spec import ReadyPolicy
from monitor.standing import Standing

log = structlog.get_logger(__name__)


class Told(Protocol):
    """Who is told. Each call is a job: it is made in its turn, and may find that things have changed since."""

    async def ended(self, life: Life, status: ExitStatus) -> None: ...

    async def became_ready(self, life: Life) -> None: ...

    async def hung(self, life: Life, evidence: tuple[Evidence, ...]) -> None: ...

    async def recovered(self, life: Life, after_s: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Watches:
    """The watches of one server."""

    jobs: JobQueue
    standing: Standing
    told: Told
    game: Game
    output: ServerLog
    ready: ReadyPolicy
    clock: Clock
    pulse_s: float

    def end_of(self, life: Life) -> None:
        self.jobs.beside("exit", partial(self._wait_for_exit, life))

    def readiness_of(self, life: Life) -> None:
        self.jobs.beside("readiness", partial(self._wait_until_ready, life))

    def running(self, life: Life) -> None:
        """Begin to ask the game itself."""
        spec = self.standing.server.spec
        pulse = Pulse(spec.id, self.game, self.clock, self.pulse_s, self.standing.felt)
        self.jobs.beside("pulse", pulse.run)
        if spec.hang.probes:
            watch = HangWatch(
                spec.id,
                spec.hang,
                self.game,
                self.output,
                self.clock,
                hung=lambda evidence: self.jobs.tell(partial(self.told.hung, life, evidence)),
                recovered=lambda after_s: self.jobs.tell(partial(self.told.recovered, life, after_s)),
            )
            self.jobs.beside("hang", watch.run)

    def over(self) -> None:
        """End every watch but the one for the end."""
        self.jobs.call_off("readiness", "pulse", "hang")

    async def _wait_for_exit(self, life: Life) -> None:
        status = await life.process.follow()
        self.jobs.tell(partial(self.told.ended, life, status))

    async def _wait_until_ready(self, life: Life) -> None:
        readiness = Readiness(self.ready, self.game, self.output, self.clock, life.log_mark)
        try:
            if not await readiness.within_limit():
                log.warning("slow_start", server=life.run.server_id, limit_s=self.ready.timeout_s)
                self.standing.settle()
                await readiness.ever()
        except Exception:
            self.standing.settle()
            raise
        self.jobs.tell(partial(self.told.became_ready, life))
