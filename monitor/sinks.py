"""Samples for several takers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.model import Sample
from monitor.ports import SampleSink


@dataclass(frozen=True, slots=True)
class Sinks:
    """A `monitor.ports.SampleSink` that hands samples on to each of its own, in order."""

    sinks: Sequence[SampleSink]

    def add(self, samples: Sequence[Sample]) -> None:
        for sink in self.sinks:
            sink.add(samples)
