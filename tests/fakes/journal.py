"""An event log in memory: `monitor.ports.EventLog`, with all that was written down open to the test.

It passes the same contract suite as the one on disk (`tests/storage/test_event_log_contract.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from monitor.errors import StorageError
from monitor.events import Event, HostEvent, Past, RestartCalledOff, ServerStarted
from monitor.limit_events import LimitEvent
from monitor.model import ActorKind, Intent, Run

E = TypeVar("E", bound=Event)


class FakeJournal:
    """Give it to two fleets in turn to play a restart of the bot."""

    def __init__(self) -> None:
        self.runs: dict[int, Run] = {}
        self.intents: list[Intent] = []
        self.events: list[Event] = []
        self.fail_with: StorageError | None = None
        """Raise this instead of writing anything down."""
        self.seen_ms: int | None = None
        """When anything was last measured."""
        self._last_run_id = 0
        self._news = asyncio.Condition()

    async def begin_run(self, server_id: str, at_ms: int, marker: str) -> Run:
        self._fail()
        self._last_run_id += 1
        run = Run(self._last_run_id, server_id, at_ms, marker)
        self.runs[run.id] = run
        return run

    async def abandon_run(self, run_id: int) -> None:
        self._fail()
        self.runs.pop(run_id, None)

    async def write_intent(self, intent: Intent) -> None:
        self._fail()
        self.intents.append(intent)

    async def record(self, event: Event, run: Run | None = None) -> int:
        self._fail()
        if run is not None:
            self.runs[run.id] = run
        async with self._news:
            self.events.append(event)
            self._news.notify_all()
        return len(self.events)

    async def record_and_begin(self, event: Event, run: Run, at_ms: int, marker: str) -> tuple[int, Run]:
        return await self.record(event, run), await self.begin_run(run.server_id, at_ms, marker)

    async def past(self) -> Mapping[str, Past]:
        runs = {run.server_id: run for run in sorted(self.runs.values(), key=lambda run: run.id)}
        events = {event.server_id: event for event in self.events if not isinstance(event, HostEvent | LimitEvent)}
        return {
            server_id: Past(runs.get(server_id), events.get(server_id), self._forgiven_ms(server_id), self.seen_ms)
            for server_id in runs | events
        }

    def _forgiven_ms(self, server_id: str) -> int:
        by_people = (ActorKind.DISCORD, ActorKind.COMMAND_LINE)
        forgiving = [
            event.at_ms
            for event in self.events
            if isinstance(event, ServerStarted | RestartCalledOff)
            and event.server_id == server_id
            and event.by.kind in by_people
        ]
        return max(forgiving, default=0)

    async def intent_of(self, run_id: int) -> Intent | None:
        return next((intent for intent in reversed(self.intents) if intent.run_id == run_id), None)

    async def failures_since(self, server_id: str, since_ms: int) -> Sequence[int]:
        return sorted(
            run.ended_ms
            for run in self.runs.values()
            if run.server_id == server_id
            and run.ended_ms is not None
            and run.ended_ms >= since_ms
            and run.report is not None
            and run.report.verdict.failure
        )

    async def nth(self, kind: type[E], number: int = 1, timeout_s: float = 30.0) -> E:
        """Wait for the `number`-th event of a kind, counted from 1."""
        async with asyncio.timeout(timeout_s), self._news:
            await self._news.wait_for(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def forget_process(self, run_id: int) -> None:
        """Play a bot that died before it could write down which process it had spawned."""
        self.runs[run_id] = replace(self.runs[run_id], process=None)

    def _fail(self) -> None:
        if self.fail_with is not None:
            raise self.fail_with
