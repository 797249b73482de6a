"""What of a tick happens on the loop's own thread, and what does not."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from monitor.model import HostReading, ProcessId, Sample, TreeReading
from monitor.pulse import Vitals
from monitor.sampler import Sampler
from tests.fakes.clock import FakeClock
from tests.fakes.machine import READING, FakeLog

WHO = ProcessId(100, 1)


@dataclass(eq=False)
class Place:
    """One server, its probe and its log: each notes in which thread it was used."""

    slow: bool = False
    where: list[tuple[str, bool]] = field(default_factory=list)
    kept: list[Sample] = field(default_factory=list)

    def note(self, what: str) -> None:
        self.where.append((what, threading.current_thread() is threading.main_thread()))

    def live(self) -> Mapping[str, ProcessId]:
        return {"ark": WHO}

    def vitals(self, server_id: str) -> Vitals:
        return Vitals()

    def measured(self, samples: Iterable[Sample]) -> None:
        self.note("told")

    def logs(self) -> Sequence[FakeLog]:
        self.note("logs")
        return []

    def blocks(self, roots: Mapping[str, ProcessId]) -> bool:
        assert roots == {"ark": WHO}
        return self.slow

    def read(self, roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        self.note("read")
        return dict.fromkeys(roots, READING)

    def host(self) -> HostReading:
        self.note("host")
        return HostReading(50.0, 2, 1)

    def add(self, samples: Sequence[Sample]) -> None:
        self.kept.extend(samples)


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def sampler(place: Place, clock: FakeClock) -> Sampler:
    return Sampler(place, place, place, clock, 1.0)


async def test_a_quick_reading_stays_on_the_loop_and_does_nothing_else(place: Place, sampler: Sampler) -> None:
    await sampler.tick()
    assert place.where == [("read", True), ("told", True)]
    assert len(place.kept) == 1


async def test_a_slow_one_goes_to_a_thread_with_all_else_that_blocks(place: Place, sampler: Sampler) -> None:
    place.slow = True
    await sampler.tick()
    assert place.where == [("host", False), ("logs", False), ("read", False), ("told", True)]


async def test_the_machine_is_known_as_it_was_when_it_was_last_looked_at(place: Place, sampler: Sampler) -> None:
    assert sampler.host is None
    place.slow = True
    await sampler.tick()
    place.slow = False
    await sampler.tick()
    assert sampler.host == HostReading(50.0, 2, 1)
    assert len(place.kept) == 2
