"""What gives memory back when the host runs short of it: the real buffer, the real worker, the real database."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from bot.relief import relievers
from cogs.locale import catalogue
from cogs.render.painter import Painter
from monitor.events import ServerStarted
from monitor.local import heap
from monitor.model import Actor, ActorKind, HostReading, ProcessId, Sample
from monitor.ports import ServerLog
from monitor.pressure import Level, Pressure
from monitor.pulse import Vitals
from monitor.sampler import Sampler
from storage import codec, page_cache
from storage.database import Database
from storage.samples import SampleBuffer
from storage.servers import Servers
from tests.cogs.render.charts import curve, request
from tests.fakes.clock import FakeClock
from tests.fakes.house import spec_of
from tests.fakes.machine import FakeLauncher, FakeProbe
from tests.fakes.waiting import until

ASKED = request(("cpu", [curve([1.0, 2.0, 3.0])]))
GIB = 1 << 30
BY = Actor(ActorKind.POLICY, "on-crash", "on-crash")


def short(used: float) -> HostReading:
    return HostReading(10.0, 100 * GIB, round((1 - used) * 100) * GIB)


@dataclass
class Home:
    """What the bot has that gives memory back, running, and pressure over it."""

    db: Database
    samples: SampleBuffer
    painter: Painter
    pressure: Pressure
    clock: FakeClock


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    clock, painter = FakeClock(), Painter(idle_s=600)
    async with await Database.open(tmp_path / "gamekeeper.db") as db:
        await Servers(db).save([spec_of("ark")])
        samples = SampleBuffer(db, clock, flush_interval_s=600)
        pressure = Pressure(relievers(db, samples, painter))
        tasks = [asyncio.create_task(work) for work in (samples.run(), painter.run(), pressure.run())]
        yield Home(db, samples, painter, pressure, clock)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Herd:
    """A fleet in which nothing runs."""

    def live(self) -> Mapping[str, ProcessId]:
        return {}

    def vitals(self, server_id: str) -> Vitals:
        raise KeyError(server_id)

    def measured(self, samples: Iterable[Sample]) -> None:
        pass

    def logs(self) -> Sequence[ServerLog]:
        return ()


async def test_the_real_worker_ends_and_a_chart_is_drawn_all_the_same(home: Home) -> None:
    await home.painter.draw(ASKED)
    pid = home.painter.worker_pid
    assert pid is not None
    worker = psutil.Process(pid)
    home.pressure.reading(short(0.82))
    with suppress(psutil.NoSuchProcess):
        await asyncio.to_thread(worker.wait, 20)
    assert not worker.is_running()
    assert (await home.painter.draw(ASKED)).startswith(b"\x89PNG")


async def test_the_real_buffer_is_written_long_before_its_time_and_again_while_it_lasts(home: Home) -> None:
    await home.clock.until_sleeping()
    for at_s in (1, 2):
        home.samples.add([Sample("ark", at_s, players=1)])
        home.pressure.reading(short(0.82))
        await until(lambda: home.samples.waiting == 0)
    assert await home.db.fetch_all("SELECT count(*) FROM samples") == [(2,)]
    home.samples.add([Sample("ark", 3, players=1)])
    home.pressure.reading(short(0.5))
    await home.clock.advance(599)
    assert home.samples.waiting == 1


async def test_what_is_only_kept_for_convenience_is_forgotten_when_it_is_critical_and_made_again(home: Home) -> None:
    catalogue.forget()  # other tests hold the ones so far for good
    words = weakref.ref(catalogue.catalogue("ko"))
    started = ServerStarted(server_id="ark", at_ms=1, run_id=1, process=ProcessId(1, 1, "b"), by=BY)
    text = codec.to_json(started)
    assert codec._adapter.cache_info().currsize
    home.pressure.reading(short(0.95))
    await until(lambda: codec._adapter.cache_info().currsize == 0)
    await until(lambda: words() is None)
    assert catalogue.catalogue("ko").text("Memory") == "메모리"
    assert codec.from_json(ServerStarted, text, "here") == started


async def test_the_database_gives_its_pages_back_and_answers_as_before(home: Home) -> None:
    before = await home.db.fetch_all("SELECT id FROM servers")
    await page_cache.shrink(home.db)
    assert await home.db.fetch_all("SELECT id FROM servers") == before


@pytest.mark.skipif(sys.platform != "linux", reason="malloc_trim is glibc's")
async def test_what_nobody_refers_to_goes_back_to_the_system() -> None:
    class Knot:
        """Refers to itself, so that only a collection frees it."""

    knot = Knot()
    knot.self = knot  # type: ignore[attr-defined]
    gone = weakref.ref(knot)
    del knot
    gc.disable()
    try:
        assert gone() is not None
        await heap.give_back()
    finally:
        gc.enable()
    assert gone() is None


async def test_on_a_machine_without_glibc_the_rest_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    await heap.give_back()


async def test_a_closed_database_is_logged_and_costs_the_others_nothing(home: Home) -> None:
    await home.painter.draw(ASKED)
    await home.db.close()
    with capture_logs() as logs:
        home.pressure.reading(short(0.95))
        await until(lambda: any(line.get("reliever") == "database again" for line in logs))
        await until(lambda: home.painter.worker_pid is None)
    assert {line["reliever"] for line in logs if "reliever" in line} == {"database", "database again"}


async def test_the_sampler_tells_the_pressure_what_it_has_read(home: Home) -> None:
    launcher = FakeLauncher()
    probe = FakeProbe(launcher)
    sampler = Sampler(Herd(), probe, home.samples, home.clock, 5.0, on_host=home.pressure.reading)
    for used, level in ((0.5, Level.NORMAL), (0.83, Level.HIGH), (0.92, Level.CRITICAL), (0.2, Level.NORMAL)):
        probe.host_reading = short(used)
        await sampler.tick()
        assert home.pressure.level is level
