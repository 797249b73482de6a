"""One pass over all servers a tick, whatever goes wrong in one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from monitor.model import HostReading, Players, ProcessId, Sample, TreeReading
from monitor.ports import LaunchRequest
from monitor.pulse import Vitals
from monitor.sampler import Sampler
from tests.fakes.clock import EPOCH_MS, FakeClock
from tests.fakes.house import spec_of
from tests.fakes.machine import READING, FakeLauncher, FakeLog, FakeProbe, FakeProcess


@dataclass(eq=False)
class Herd:
    """Servers on a fake machine, as the sampler sees a fleet; and where its samples go."""

    launcher: FakeLauncher = field(default_factory=FakeLauncher)
    processes: dict[str, FakeProcess] = field(default_factory=dict)
    outputs: list[FakeLog] = field(default_factory=lambda: [FakeLog(), FakeLog()])
    told: list[Sample] = field(default_factory=list)
    kept: list[Sample] = field(default_factory=list)

    async def spawn(self, server_id: str) -> FakeProcess:
        spec = spec_of(server_id)
        request = LaunchRequest(spec.id, spec.argv, spec.cwd, {}, "m", FakeLog().path)
        self.processes[server_id] = await self.launcher.spawn(request)
        return self.processes[server_id]

    def live(self) -> Mapping[str, ProcessId]:
        return {i: process.identity for i, process in sorted(self.processes.items()) if process.alive}

    def vitals(self, server_id: str) -> Vitals:
        return Vitals(Players(3), 19.5)

    def measured(self, samples: Iterable[Sample]) -> None:
        self.told.extend(samples)

    def logs(self) -> Sequence[FakeLog]:
        return self.outputs

    def add(self, samples: Sequence[Sample]) -> None:
        self.kept.extend(samples)


@pytest.fixture
def herd() -> Herd:
    return Herd()


@pytest.fixture
def probe(herd: Herd) -> FakeProbe:
    return FakeProbe(herd.launcher)


@pytest.fixture
def sampler(herd: Herd, probe: FakeProbe, clock: FakeClock) -> Sampler:
    return Sampler(herd, probe, herd, clock, 5.0)


@pytest.fixture
async def running(sampler: Sampler, clock: FakeClock) -> AsyncIterator[Sampler]:
    task = asyncio.create_task(sampler.run())
    await clock.until_sleeping()
    yield sampler
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def later(seconds: float, cpu_s: float) -> TreeReading:
    return READING._replace(at_monotonic_s=READING.at_monotonic_s + seconds, cpu_time_s=READING.cpu_time_s + cpu_s)


async def test_all_that_live_are_read_in_one_pass(herd: Herd, probe: FakeProbe, sampler: Sampler) -> None:
    for server_id in ("ark", "rust"):
        await herd.spawn(server_id)
    await sampler.tick()
    assert probe.reads == [dict(herd.live())]
    assert [(s.server_id, s.at_s, s.rss_bytes, s.players, s.tick_rate) for s in herd.kept] == [
        ("ark", EPOCH_MS // 1000, READING.rss_bytes, 3, 19.5),
        ("rust", EPOCH_MS // 1000, READING.rss_bytes, 3, 19.5),
    ]
    assert herd.told == herd.kept


async def test_the_second_tick_knows_the_rates(herd: Herd, probe: FakeProbe, sampler: Sampler) -> None:
    await herd.spawn("ark")
    await sampler.tick()
    probe.readings["ark"] = later(5, 2.5)
    await sampler.tick()
    assert [sample.cpu_pct for sample in herd.kept] == [None, 50.0]


async def test_a_process_replaced_between_two_ticks_has_no_rates(
    herd: Herd, probe: FakeProbe, sampler: Sampler
) -> None:
    (await herd.spawn("ark")).exit(0)
    await herd.spawn("ark")
    await sampler.tick()
    herd.processes["ark"].exit(0)
    await herd.spawn("ark")
    probe.readings["ark"] = later(5, 2.5)
    await sampler.tick()
    probe.readings["ark"] = later(10, 5.0)
    await sampler.tick()
    assert [sample.cpu_pct for sample in herd.kept] == [None, None, 50.0]


async def test_a_process_replaced_while_it_is_read_is_left_for_the_next_tick(
    herd: Herd, probe: FakeProbe, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    await herd.spawn("ark")
    successor = FakeProcess(ProcessId(77, 77), herd.processes["ark"].request)

    def read(roots: Mapping[str, ProcessId]) -> Mapping[str, TreeReading]:
        herd.processes["ark"] = successor
        return dict.fromkeys(roots, READING)

    monkeypatch.setattr(probe, "read", read)
    await sampler.tick()
    assert herd.kept == []
    await sampler.tick()
    assert [sample.cpu_pct for sample in herd.kept] == [None]


async def test_fault_19_a_tree_that_cannot_be_read_is_unknown_and_costs_the_others_nothing(
    herd: Herd, probe: FakeProbe, sampler: Sampler
) -> None:
    for server_id in ("ark", "rust"):
        await herd.spawn(server_id)
    probe.unreadable.add("ark")
    await sampler.tick()
    probe.unreadable.clear()
    probe.readings["rust"] = later(5, 2.5)
    await sampler.tick()
    assert [(s.server_id, s.cpu_pct) for s in herd.kept] == [("rust", None), ("ark", None), ("rust", 50.0)]


@pytest.mark.parametrize(("host_cpu_pct", "pause_s"), [(10.0, 5.0), (80.0, 7.0), (95.0, 10.0)], ids=str)
async def test_a_busy_machine_is_measured_less_often(
    probe: FakeProbe, sampler: Sampler, clock: FakeClock, host_cpu_pct: float, pause_s: float
) -> None:
    probe.host_reading = HostReading(host_cpu_pct, 1, 1)
    task = asyncio.create_task(sampler.run())
    for tick in (1, 2):
        await clock.until_sleeping()
        await clock.advance(pause_s - 0.1)
        assert len(probe.reads) == tick
        await clock.advance(0.1)
    await clock.until_sleeping()
    assert len(probe.reads) == 3
    assert sampler.host == probe.host_reading
    task.cancel()


async def test_the_time_a_tick_takes_is_part_of_the_interval(
    probe: FakeProbe, sampler: Sampler, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[float] = []

    async def tick() -> None:
        began.append(clock.monotonic())
        await clock.sleep(2 if len(began) == 1 else 20)

    monkeypatch.setattr(Sampler, "tick", lambda _: tick())
    task = asyncio.create_task(sampler.run())
    await clock.advance(30)
    assert began == [0.0, 5.0, 25.0]
    task.cancel()


async def test_fault_19_a_probe_that_fails_is_logged_once_and_once_more_when_it_heals(
    herd: Herd, probe: FakeProbe, running: Sampler, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> HostReading:
        raise PermissionError

    await herd.spawn("ark")
    with capture_logs() as logs:
        with monkeypatch.context() as patch:
            patch.setattr(probe, "host", fail)
            for _ in range(3):
                await clock.advance(5)
                await clock.until_sleeping()
        assert herd.kept == []
        for _ in range(2):
            await clock.advance(5)
            await clock.until_sleeping()
    assert [entry["event"] for entry in logs] == ["sampling_failed", "sampling_works_again"]
    assert len(herd.kept) == 2


async def test_every_log_is_kept_inside_its_cap(herd: Herd, sampler: Sampler) -> None:
    await sampler.tick()
    assert [output.trims for output in herd.outputs] == [1, 1]


async def test_fault_57_a_log_that_cannot_be_trimmed_costs_no_numbers_and_one_log_line(
    herd: Herd, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    await herd.spawn("ark")
    with capture_logs() as logs:
        with monkeypatch.context() as patch:
            patch.setattr(herd.outputs[0], "trim", full)
            await sampler.tick()
            await sampler.tick()
        await sampler.tick()
    assert len(herd.kept) == 3
    assert herd.outputs[1].trims == 3
    assert [entry["event"] for entry in logs] == ["log_not_trimmed"]
