"""Measures every server once a tick: one pass over their process trees for all of them together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from monitor.measuring import adapted_interval, measure
from monitor.model import HostReading, ProcessId, Sample, TreeReading
from monitor.ports import Clock, Probe, SampleSink, ServerLog
from monitor.pulse import Vitals

log = structlog.get_logger(__name__)

_NOTHING = (None, None)


class Measured(Protocol):
    """What the sampler needs of a fleet."""

    def live(self) -> Mapping[str, ProcessId]: ...

    def vitals(self, server_id: str) -> Vitals: ...

    def measured(self, samples: Iterable[Sample]) -> None: ...

    def logs(self) -> Sequence[ServerLog]: ...


@dataclass(slots=True)
class Sampler:
    """The sampling task. It slows down when the machine is busy: the games come first."""

    fleet: Measured
    probe: Probe
    sink: SampleSink
    clock: Clock
    interval_s: float
    host: HostReading | None = None
    """The whole machine at the last tick that went to a thread, a few seconds ago at most."""
    on_host: Callable[[HostReading], None] = lambda _host: None
    """Told of it at each such tick. Must return at once."""
    _roots: Mapping[str, ProcessId] = field(default_factory=dict)
    """Whose the last readings are."""
    _before: Mapping[str, tuple[TreeReading, Sample]] = field(default_factory=dict)
    _broken: bool = False
    _untrimmed: bool = False

    async def run(self) -> None:
        """Tick until cancelled. A tick that fails is logged once, and once more when it is well again."""
        while True:
            began = self.clock.monotonic()
            await self._guarded_tick()
            busy_pct = self.host.cpu_pct if self.host is not None else 0.0
            pause_s = adapted_interval(self.interval_s, busy_pct) - (self.clock.monotonic() - began)
            await self.clock.sleep(max(pause_s, 0.0))

    async def _guarded_tick(self) -> None:
        try:
            await self.tick()
        except Exception:
            if not self._broken:
                log.exception("sampling_failed")
            self._broken = True
        else:
            if self._broken:
                log.info("sampling_works_again")
            self._broken = False

    async def tick(self) -> None:
        """Take one measurement of everything that lives."""
        roots = self.fleet.live()
        # On the loop itself where that is sure to be quick: a trip to a thread is not free.
        readings = await self._read_in_thread(roots) if self.probe.blocks(roots) else self.probe.read(roots)
        if roots != self._roots:
            self._before = {i: before for i, before in self._before.items() if roots.get(i) == self._roots[i]}
            self._roots = roots
        at_s = self.clock.now_ms() // 1000
        self._before = {i: (reading, self._measure(i, reading, at_s)) for i, reading in readings.items()}
        samples = [sample for _, sample in self._before.values()]
        self.fleet.measured(samples)
        self.sink.add(samples)

    def _measure(self, server_id: str, reading: TreeReading, at_s: int) -> Sample:
        vitals = self.fleet.vitals(server_id)
        before, latest = self._before.get(server_id, _NOTHING)
        return measure(server_id, at_s, vitals, reading, before=before, latest=latest)

    async def _read_in_thread(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        readings = await asyncio.to_thread(self._read_all, roots)
        if self.host is not None:
            self.on_host(self.host)
        # One that was replaced while it was being read is measured at the next tick.
        live = self.fleet.live()
        return {i: reading for i, reading in readings.items() if live.get(i) == roots[i]}

    def _read_all(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        """Everything that blocks, in one trip to a thread: every few seconds at least, as the probe has it."""
        self.host = self.probe.host()
        self._trim(self.fleet.logs())
        return self.probe.read(roots)

    def _trim(self, logs: Iterable[ServerLog]) -> None:
        """Keep the logs inside their caps. Where that fails the numbers are still to be had."""
        failure: OSError | None = None
        for output in logs:
            try:
                output.trim()
            except OSError as error:
                failure = error
        if failure is not None and not self._untrimmed:
            log.warning("log_not_trimmed", failure=repr(failure))
        self._untrimmed = failure is not None
