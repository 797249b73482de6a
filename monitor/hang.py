"""Notices that a server runs but does not answer any more.

Its process being alive is not in question here: the operating system tells when it is not. What is asked is the admin
port and the query port, as far as the server has them. One that answers anywhere is not hung.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import structlog

from monitor.game import Game
from monitor.model import Evidence, EvidenceKind
from monitor.ports import Clock, ServerLog
from monitor.spec import HangPolicy

log = structlog.get_logger(__name__)

ASKING_S = 15.0
"""How long one round of questions may take, whatever the adapter does."""


class Answer(StrEnum):
    """What one round of questions shows."""

    ANSWERS = "answers"
    DEGRADED = "degraded"
    """Some of the ways to ask stay silent."""
    SILENT = "silent"
    UNKNOWN = "unknown"
    """There is no way to ask."""


def read(signs: Mapping[str, bool]) -> Answer:
    """Judge one round by its quorum: any answer is an answer."""
    if not signs:
        return Answer.UNKNOWN
    if all(signs.values()):
        return Answer.ANSWERS
    return Answer.DEGRADED if any(signs.values()) else Answer.SILENT


def evidence(misses: int, signs: Mapping[str, bool], log_silent_s: float) -> tuple[Evidence, ...]:
    """What a verdict of hung rests on."""
    silent = tuple(Evidence(EvidenceKind.NO_ANSWER, sign) for sign, answered in signs.items() if not answered)
    quiet = (Evidence(EvidenceKind.LOG_SILENT, str(round(log_silent_s))),) if log_silent_s else ()
    return (Evidence(EvidenceKind.PROBES_UNANSWERED, str(misses)), *silent, *quiet)


@dataclass(slots=True)
class HangWatch:
    """Asks one running server, again and again. Its first question comes one interval after it was ready."""

    server_id: str
    policy: HangPolicy
    game: Game
    output: ServerLog
    clock: Clock
    hung: Callable[[tuple[Evidence, ...]], None]
    """Told once per hang. Called on the event loop; must return at once."""
    recovered: Callable[[float], None]
    """Told how many seconds it had been taken for hung."""
    _misses: int = 0
    _hung_since_s: float | None = None
    _degraded: bool = False
    _broken: bool = False
    _log_end: int = -1
    _log_grew_s: float = 0.0

    async def run(self) -> None:
        while True:
            await self.clock.sleep(self.policy.interval_s)
            await self._look_at_log()
            signs = await self._ask()
            self._take(read(signs), signs)

    async def _ask(self) -> Mapping[str, bool]:
        try:
            signs = await self.clock.wait_for(self.game.signs_of_life(), ASKING_S)
        except TimeoutError:
            # An adapter that does not come back is as silent as its game.
            return {"admin": False}
        except Exception:
            # An adapter may be of other people's making: what it breaks over says nothing of its game.
            if not self._broken:
                log.exception("signs_of_life_broke", server=self.server_id)
            self._broken = True
            return {}
        self._broken = False
        return signs

    def _take(self, pulse: Answer, signs: Mapping[str, bool]) -> None:
        match pulse:
            case Answer.UNKNOWN:
                return
            case Answer.SILENT:
                self._misses += 1
                if self._misses >= self.policy.probes and self._hung_since_s is None:
                    self._hung_since_s = self.clock.monotonic()
                    quiet_s = self.clock.monotonic() - self._log_grew_s
                    self.hung(evidence(self._misses, signs, quiet_s))
            case _:
                self._misses = 0
                self._note_degraded(pulse is Answer.DEGRADED, signs)
                if self._hung_since_s is not None:
                    since_s, self._hung_since_s = self._hung_since_s, None
                    self.recovered(self.clock.monotonic() - since_s)

    def _note_degraded(self, degraded: bool, signs: Mapping[str, bool]) -> None:  # noqa: FBT001 - a plain fact
        if degraded and not self._degraded:
            log.warning("server_degraded", server=self.server_id, silent=[s for s, ok in signs.items() if not ok])
        elif self._degraded and not degraded:
            log.info("server_whole_again", server=self.server_id)
        self._degraded = degraded

    async def _look_at_log(self) -> None:
        try:
            end = await asyncio.to_thread(self.output.mark)
        except OSError:
            return
        if end != self._log_end:
            self._log_end, self._log_grew_s = end, self.clock.monotonic()
