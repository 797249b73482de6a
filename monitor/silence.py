"""What becomes of a server that runs and does not answer, and of one that answers again."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.chronicle import Chronicle
from monitor.events import ServerRecovered
from monitor.fittings import Wearing
from monitor.model import Evidence, State
from monitor.ports import Clock
from monitor.runs import Life
from monitor.standing import Standing


@dataclass(frozen=True, slots=True)
class Silence:
    """The hangs of one server. Each call is done in its queue, of the life that is going on."""

    standing: Standing
    chronicle: Chronicle
    wearing: Wearing
    clock: Clock

    async def hung(self, life: Life, evidence: tuple[Evidence, ...]) -> None:
        if self.standing.state is not State.RUNNING:
            return
        self.standing.change(State.UNRESPONSIVE)
        if self.standing.server.spec.hang.restart:
            # Its end tells of it; a polite stop of something that does not answer only takes time.
            life.hung = evidence
            self.wearing.now.stops.end(life, force=True)
        else:
            latest = self.standing.server.latest
            await self.chronicle.record(await self.wearing.now.judge.hung(life.run, evidence, latest, life.log_mark))

    async def recovered(self, life: Life, after_s: float) -> None:
        if self.standing.state is not State.UNRESPONSIVE:
            return
        self.standing.change(State.RUNNING)
        run, now_ms = life.run, self.clock.now_ms()
        recovered = ServerRecovered(server_id=run.server_id, at_ms=now_ms, run_id=run.id, after_s=after_s)
        await self.chronicle.record(recovered)
